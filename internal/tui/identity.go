package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// Identity is what is remembered of a user of a server.
type Identity struct {
	Server string               // host:port
	Name   string               // as the server writes it
	Token  []byte               // by which the server knows that it is the same person
	Joined []string             // rooms, in the order of their tabs
	Seen   map[string]RoomStand // what was read of each room, by name
}

// RoomStand is how far a room was read.
type RoomStand struct {
	Epoch  chat.Epoch `json:"epoch"`
	Seq    chat.Seq   `json:"seq"`
	TimeMs int64      `json:"time_ms,omitempty"` // of the event Seq; 0: not known
}

// Cursors returns Seen as the client has it.
func (id Identity) Cursors() map[string]client.Cursor {
	all := make(map[string]client.Cursor, len(id.Seen))
	for name, s := range id.Seen {
		all[name] = client.Cursor(s)
	}
	return all
}

// Cursor returns how far a room was read; ok is false if it was not.
func (id Identity) Cursor(room string) (c client.Cursor, ok bool) {
	for name, s := range id.Seen {
		if nameKey(name) == nameKey(room) {
			return client.Cursor(s), true
		}
	}
	return c, false
}

// SetCursors is the opposite of Cursors.
func (id *Identity) SetCursors(seen map[string]client.Cursor) {
	id.Seen = make(map[string]RoomStand, len(seen))
	for name, c := range seen {
		id.Seen[name] = RoomStand(c)
	}
}

// IdentityFile keeps identities, for one user of a machine. The file can be read by
// nobody else: who has a token can speak in its owner's name. Several programs may use
// it at once.
type IdentityFile struct{ path string }

// NewIdentityFile returns the file of that path. It need not exist.
func NewIdentityFile(path string) *IdentityFile { return &IdentityFile{path} }

// DefaultIdentityPath is identities.json in the user's configuration folder.
func DefaultIdentityPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "sarang", "identities.json"), nil
}

// identityJSON is one entry of the file.
type identityJSON struct {
	Server string               `json:"server"`
	Name   string               `json:"name"`
	Token  []byte               `json:"token"`
	Joined []string             `json:"joined,omitempty"`
	Rooms  map[string]RoomStand `json:"rooms,omitempty"`
}

type identitiesJSON struct {
	Version    int            `json:"version"`
	Identities []identityJSON `json:"identities"`
}

const identitiesVersion = 1

// Load returns the identity of that name at that server; ok is false if there is none.
func (f *IdentityFile) Load(server, name string) (id Identity, ok bool, err error) {
	all, err := f.read()
	if err != nil {
		return id, false, err
	}
	i := all.index(server, name)
	if i < 0 {
		return id, false, nil
	}
	return all.Identities[i].identity(), true, nil
}

// Save writes what has changed of an identity since base, which is what this program has
// read or saved before: what other programs have written meanwhile stays, and of two places
// in one life of a room's log the later one counts. The file is replaced at once: whoever
// reads it sees all of the old one or all of the new one.
func (f *IdentityFile) Save(id, base Identity) error {
	return f.update(func(all *identitiesJSON) bool {
		i := all.index(id.Server, id.Name)
		if i < 0 {
			i = len(all.Identities)
			all.Identities = append(all.Identities, identityJSON{Server: id.Server})
		}
		e := &all.Identities[i]
		e.Name = id.Name
		if len(e.Token) == 0 || !bytes.Equal(id.Token, base.Token) {
			e.Token = id.Token
		}
		e.Joined = mergeJoined(e.Joined, id.Joined, base.Joined)
		e.Rooms = mergeStands(e.Rooms, id.Seen, base.Seen)
		return true
	})
}

// mergeJoined brings to the rooms that are kept what has changed from base to now.
func mergeJoined(kept, now, base []string) []string {
	if slices.Equal(kept, base) {
		return now
	}
	in := func(rooms []string, name string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return nameKey(r) == nameKey(name) })
	}
	left := func(name string) bool { return in(base, name) && !in(now, name) }
	merged := slices.DeleteFunc(slices.Clone(kept), left)
	for _, name := range now {
		if !in(base, name) && !in(merged, name) {
			merged = append(merged, name)
		}
	}
	return merged
}

// mergeStands brings to the places that are kept those that have changed from base to now.
func mergeStands(kept, now, base map[string]RoomStand) map[string]RoomStand {
	merged := maps.Clone(kept)
	if merged == nil && now != nil {
		merged = map[string]RoomStand{}
	}
	for name, s := range now {
		if b, ok := base[name]; ok && b == s {
			continue
		}
		for other, k := range merged {
			if nameKey(other) != nameKey(name) {
				continue
			}
			if delete(merged, other); k.beyond(s) {
				s = k
			}
		}
		merged[name] = s
	}
	return merged
}

// beyond reports whether s is further on than o in the same log. By the time of its event
// if it is known of both: after an older copy of the server's data was put back, new events
// have numbers that were given before.
func (s RoomStand) beyond(o RoomStand) bool {
	if s.TimeMs != 0 && o.TimeMs != 0 && s.TimeMs != o.TimeMs {
		return s.Epoch == o.Epoch && s.TimeMs > o.TimeMs
	}
	return s.Epoch == o.Epoch && s.Seq > o.Seq
}

// Claim returns the identity with that server and name, with the token of id, which is
// saved, if it has none. Of several programs that claim one name the first decides.
func (f *IdentityFile) Claim(id Identity) (Identity, error) {
	err := f.update(func(all *identitiesJSON) bool {
		i := all.index(id.Server, id.Name)
		if i < 0 {
			i = len(all.Identities)
			all.Identities = append(all.Identities, identityJSON{Server: id.Server, Name: id.Name})
		}
		e := &all.Identities[i]
		missing := len(e.Token) == 0
		if missing {
			e.Token = id.Token
		}
		id = e.identity()
		return missing
	})
	return id, err
}

// Drop takes an identity out, if it still has that token.
func (f *IdentityFile) Drop(id Identity) error {
	return f.update(func(all *identitiesJSON) bool {
		i := all.index(id.Server, id.Name)
		if i < 0 || !bytes.Equal(all.Identities[i].Token, id.Token) {
			return false
		}
		all.Identities = slices.Delete(all.Identities, i, i+1)
		return true
	})
}

// update changes the file while no other program does. change reports whether there is
// something to write.
func (f *IdentityFile) update(change func(all *identitiesJSON) bool) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return notWritable(f.path, err)
	}
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := f.read()
	if err != nil || !change(&all) {
		return err
	}
	all.Version = identitiesVersion
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return WriteSecret(f.path, append(text, '\n'))
}

func (e *identityJSON) identity() Identity {
	return Identity{Server: e.Server, Name: e.Name, Token: e.Token, Joined: e.Joined, Seen: e.Rooms}
}

func (all *identitiesJSON) index(server, name string) int {
	return slices.IndexFunc(all.Identities, func(e identityJSON) bool {
		return strings.EqualFold(e.Server, server) && userKey(e.Name) == userKey(name)
	})
}

// userKey is the form that user names are compared by.
func userKey(name string) string {
	_, key, err := chat.ParseUserName(name)
	if err != nil {
		return name
	}
	return key
}

func (f *IdentityFile) read() (all identitiesJSON, err error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("%s is not readable: %w", f.path, err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return all, fmt.Errorf("%s was not written by this program, or is damaged: %w; mend it or move it away", f.path, err)
	}
	if all.Version < 1 {
		return all, fmt.Errorf("%s was not written by this program: it has no version; move it away", f.path)
	}
	if all.Version > identitiesVersion {
		return all, fmt.Errorf("%s was written by a newer version of this program", f.path)
	}
	return all, nil
}

// How a second program waits while a first one writes.
const (
	lockWait  = 3 * time.Second
	lockRetry = 10 * time.Millisecond
)

// lock keeps other programs from writing. It is a file beside the one that it guards.
func (f *IdentityFile) lock() (unlock func(), err error) {
	for end := time.Now().Add(lockWait); ; time.Sleep(lockRetry) {
		unlock, err := tryLock(f.path + ".lock")
		if err == nil {
			return unlock, nil
		}
		// Windows denies permission to a lock that is just being removed: that passes.
		busy := errors.Is(err, fs.ErrExist)
		if !busy && !errors.Is(err, fs.ErrPermission) {
			return nil, notWritable(f.path, err)
		}
		if time.Now().After(end) && busy {
			return nil, fmt.Errorf("%s is being written by another program: %w", f.path, err)
		}
		if time.Now().After(end) {
			return nil, notWritable(f.path, err)
		}
	}
}
