package tui_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sarang/client"
	"sarang/internal/tui"
)

// FuzzIdentityFile reads anything as the file of identities. It must be refused, and
// then stay as it is, or be a file in which one identity can be kept without touching
// the others.
func FuzzIdentityFile(f *testing.F) {
	const one = `{"version": 1, "identities": [{"server": "h:1", "name": "mina", "token": "AQID", "joined": ["lobby"],` +
		` "rooms": {"lobby": {"epoch": 18446744073709551615, "seq": 7}}}, {"server": "H:1", "name": "Jun", "token": "CQ=="}]}`
	for _, text := range []string{
		one, "", "null", "{}", "[]", `{"version": 2}`, `{"version": "1"}`, `{"version": -1, "identities": null}`, one[:len(one)/2], one + one,
		`{"identities": [{"server": "h:1", "name": "mina"}, {"server": "h:1", "name": "MINA", "token": "AQ=="}]}`,
		`{"identities": [{"server": "h:1", "name": "\ud800", "token": "?"}]}`,
		`{"identities": [{"server": "h:1", "name": "jun", "rooms": {"a": {"seq": -1}}}]}`,
		`{"identities": [{"server": "h:1", "name": "jun", "rooms": {"a": {"seq": 1e3}}}]}`,
		"{\"identities\": [{\"server\": \"h:1\", \"name\": \"\xff\", \"joined\": null}]}",
	} {
		f.Add([]byte(text), "h:1", "mina")
		f.Add([]byte(text), "h:1", "jun")
	}
	f.Fuzz(func(t *testing.T, text []byte, server, name string) {
		path := filepath.Join(t.TempDir(), "identities.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file := tui.NewIdentityFile(path)
		before, known, err := file.Load(server, name)
		mine := tui.Identity{Server: "new-host:7777", Name: "somebody", Token: []byte{1, 2}, Joined: []string{"r"}}
		mine.SetCursors(map[string]client.Cursor{"r": {Epoch: 3, Seq: 4}})
		saveErr := file.Save(mine, tui.Identity{})
		if err != nil {
			if known || saveErr == nil || !strings.Contains(err.Error(), path) {
				t.Fatalf("%t, %v; saving: %v", known, err, saveErr)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
				t.Fatalf("%q became %q, %v", text, now, err)
			}
			return
		}
		if saveErr != nil {
			t.Fatalf("it can be read, and not be added to: %v", saveErr)
		}
		if known && !strings.EqualFold(before.Server, server) {
			t.Fatalf("of %q at %q there is %+v", name, server, before)
		}
		if got, ok, err := file.Load(mine.Server, mine.Name); err != nil || !ok || !reflect.DeepEqual(got, mine) {
			t.Fatalf("saved %+v, loaded %+v, %t, %v", mine, got, ok, err)
		}
		if strings.EqualFold(server, mine.Server) && before.Name == mine.Name {
			return
		}
		after, still, err := file.Load(server, name)
		if err != nil || still != known || !reflect.DeepEqual(withoutEmpty(after), withoutEmpty(before)) {
			t.Fatalf("%+v, %t became %+v, %t, %v", before, known, after, still, err)
		}
	})
}

// withoutEmpty is an identity in which nothing and an empty list are the same.
func withoutEmpty(id tui.Identity) tui.Identity {
	if len(id.Token) == 0 {
		id.Token = nil
	}
	if len(id.Joined) == 0 {
		id.Joined = nil
	}
	if len(id.Seen) == 0 {
		id.Seen = nil
	}
	return id
}

// FuzzRoomName reads what people type for a room: with or without "#" it is the same
// room, and the name that comes of it names that room again.
func FuzzRoomName(f *testing.F) {
	for _, s := range []string{"#dev", "dev", "##dev", "#", "", "#사랑방", "Ｄｅｖ", "a b", "\x1b[2J"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := tui.RoomName(s)
		if err != nil {
			if name != "" || strings.Contains(err.Error(), "\x1b") {
				t.Fatalf("%q: %q, %v", s, name, err)
			}
			return
		}
		for _, form := range []string{name, "#" + name} {
			if again, err := tui.RoomName(form); err != nil || again != name {
				t.Fatalf("%q is %q, and %q is %q, %v", s, name, form, again, err)
			}
		}
	})
}
