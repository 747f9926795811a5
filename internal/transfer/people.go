package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"sarang/chat"
)

// importExternal begins the name that users of imports are found again by. Nobody logs in by it:
// names of login tokens begin with their issuer, which is a URL.
const importExternal = "import\n"

// external is what the store knows the author by.
func external(format string, from []string, id string) string {
	s := importExternal + format + "\n" + strings.Join(append(from[:len(from):len(from)], id), "\n")
	if len(s) <= chat.ExternalBytesMax {
		return s
	}
	return importExternal + format + "\n#" + hash16(s)
}

func hash16(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:8])
}

// find looks for somebody who is there: he was mapped, or imported before. Nobody: id 0.
func (im *importer) find(ext string, called []string, name string) (person, error) {
	for _, c := range called {
		to, mapped := im.o.Users[c]
		if !mapped || c == "" {
			continue
		}
		u, err := im.mapped(to)
		if err != nil {
			return person{}, chat.Errorf(chat.CodeBadRequest, "the map of users has %q for %q: %v", to, c, err)
		}
		im.r.UsersThere++
		return person{u.ID, u.Name}, nil
	}
	id, err := im.target.External(im.ctx, ext)
	if err == nil {
		u, err := im.target.User(im.ctx, id)
		im.r.UsersThere++
		return person{u.ID, u.Name}, err
	}
	if chat.CodeOf(err) != chat.CodeNoUser {
		return person{}, err
	}
	if im.o.SameNames {
		if _, key, err := chat.ParseUserName(name); err == nil {
			u, err := im.target.UserByKey(im.ctx, key)
			if err == nil {
				im.r.UsersThere++
				return person{u.ID, u.Name}, nil
			}
			if chat.CodeOf(err) != chat.CodeNoUser {
				return person{}, err
			}
		}
	}
	return person{}, nil
}

func (im *importer) mapped(to string) (chat.User, error) {
	if number, is := strings.CutPrefix(to, "id:"); is {
		id, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return chat.User{}, chat.Errorf(chat.CodeBadRequest, "%q is no id", to)
		}
		return im.target.User(im.ctx, chat.UserID(id))
	}
	_, key, err := chat.ParseUserName(to)
	if err != nil {
		return chat.User{}, err
	}
	return im.target.UserByKey(im.ctx, key)
}

func (o *Options) nowMs() int64 { return chat.Millis(o.Now()) }

func (im *importer) claim(c chat.Claim) (person, error) {
	if err := im.note(); err != nil {
		return person{}, err
	}
	var u chat.User
	err := im.again(func() error {
		claimed, err := im.target.ClaimUser(im.ctx, c)
		if u = claimed.User; err == nil {
			return nil
		}
		// An answer may have been lost: then he is there, and his name is taken, by himself.
		id, lost := im.target.External(im.ctx, c.External)
		if lost != nil {
			return err
		}
		u, err = im.target.User(im.ctx, id)
		return err
	})
	if err == nil {
		im.r.UsersMade++
	}
	return person{u.ID, u.Name}, err
}

// keepNames has the names of those who were made as long ago as the file says be kept as from
// today on.
func (im *importer) keepNames() error {
	for len(im.made) > 0 {
		n := min(len(im.made), chat.MemberChangesMax)
		if err := im.again(func() error { return im.target.Seen(im.ctx, im.made[:n], im.o.nowMs()) }); err != nil {
			return err
		}
		im.made = im.made[n:]
	}
	return nil
}

// suffixesMax is how many names near the wanted one are tried.
const suffixesMax = 20

// suffixed is the nth name to be tried.
func suffixed(name, format string, n int) string {
	end := ""
	switch {
	case n == 1:
		end = "-" + format
	case n > 1:
		end = "-" + format + strconv.Itoa(n)
	}
	for utf8.RuneCountInString(name)+len(end) > chat.UserNameRunesMax {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name + end
}

// cut is the beginning of something a file says, for a sentence.
func cut(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
