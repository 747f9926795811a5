package transfer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sarang/chat"
)

// author is somebody whom a file names.
type author struct {
	id      string   // who he is for his program, for ever
	from    []string // before the id, where that is not the only one of its kind
	name    string   // how he is called there
	display string   // and how he wants to be called
	as      []string // by what else --users may speak of him
}

// user returns the user who is the author, and makes him if he is not there.
func (im *importer) user(format string, a author) (person, error) {
	ext := external(format, a.from, a.id)
	if p, known := im.people[ext]; known {
		return p, nil
	}
	if len(im.people) >= usersMax {
		return person{}, chat.Errorf(chat.CodeTooMany, "the file has more than %d users", usersMax)
	}
	p, err := im.find(ext, append([]string{a.id, a.name}, a.as...), a.name)
	if err == nil && p.id == 0 {
		p, err = im.makeUser(ext, format, a)
	}
	if err == nil {
		im.people[ext] = p
	}
	return p, err
}

// makeUser makes the author, with the name that he has or one near it.
func (im *importer) makeUser(ext, format string, a author) (person, error) {
	wanted := usable(a.name, "user", chat.ParseUserName)
	why := ""
	for n := 0; ; n++ {
		name := suffixed(wanted, format, n)
		if n > suffixesMax {
			name = "user-" + hash16(ext)
		}
		display, key, err := chat.ParseUserName(name)
		if err == nil {
			var p person
			p, err = im.claim(chat.Claim{Name: display, Key: key, Look: chat.Skeleton(key), External: ext, NowMs: im.o.nowMs()})
			if err == nil {
				if display != a.name {
					im.r.changed("names of users")
					im.r.tell("user %q (%s) is called %q here%s", cut(a.name), cut(a.id), display, why)
				}
				return p, im.speak(p, a)
			}
		}
		if code := chat.CodeOf(err); code != chat.CodeNameTaken && code != chat.CodeBadName || n > suffixesMax {
			return person{}, err
		}
		if why == "" {
			why = ": " + err.Error()
		}
	}
}

// speak gives somebody who was made the name that he wants to be called by.
func (im *importer) speak(p person, a author) error {
	if a.display == "" || a.display == p.name {
		return nil
	}
	c := chat.ProfileChange{DisplayName: &a.display}
	if c.Check() != nil {
		im.r.leftOut("display names that are not allowed here")
		return nil
	}
	return im.again(func() error { _, err := im.target.ChangeProfile(im.ctx, p.id, c); return err })
}

// usable is a name near s that parse lets through, but where it is reserved; fallback, with a
// number made of s, if nothing of it can stay.
func usable(s, fallback string, parse func(string) (string, string, error)) string {
	if len(s) > formerNameBytes {
		s = strings.ToValidUTF8(s[:formerNameBytes], "")
	}
	var b strings.Builder
	runes := 0
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, "")) {
		letter := unicode.IsLetter(r) || unicode.Is(unicode.Nd, r) || r == '_'
		switch {
		case unicode.IsSpace(r):
			r = '_'
		case letter || b.Len() > 0 && (unicode.IsMark(r) || strings.ContainsRune("-.", r)):
		case b.Len() > 0 && r < utf8.RuneSelf && r > ' ':
			r = '_'
		default:
			continue
		}
		if runes++; runes > chat.UserNameRunesMax || b.Len()+utf8.RuneLen(r) > chat.RoomNameBytesMax {
			break
		}
		b.WriteRune(r)
	}
	name := strings.TrimRight(b.String(), "_.-")
	if s == b.String() {
		name = s
	}
	if _, _, err := parse(name); err == nil || isReserved(name) {
		return name
	}
	ascii := strings.Trim(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return -1
	}, name), "_.-")
	if _, _, err := parse(ascii); err == nil {
		return ascii
	}
	return fallback + "-" + hash16(s)[:8]
}

// isReserved reports whether a name would be one if it were longer.
func isReserved(name string) bool {
	_, _, err := chat.ParseUserName(name)
	_, _, longer := chat.ParseUserName(suffixed(name, "x", 1))
	return err != nil && longer == nil
}

func (r *Report) leftOut(what string) { count(&r.LeftOut, what) }
