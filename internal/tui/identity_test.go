package tui_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "identities.json")
	f := tui.NewIdentityFile(path)
	if _, ok, err := f.Load("host:7777", "mina"); ok || err != nil {
		t.Fatalf("before there is a file: %v, %v", ok, err)
	}
	id := tui.Identity{Server: "host:7777", Name: "Mina", Token: []byte{1, 2, 255}, Joined: []string{"lobby", "사랑방"}}
	id.SetCursors(map[string]client.Cursor{"사랑방": {Epoch: 1<<64 - 1, Seq: 42}})
	if err := f.Save(id, tui.Identity{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(tui.Identity{Server: "other:7777", Name: "Mina", Token: []byte{9}}, tui.Identity{}); err != nil {
		t.Fatal(err)
	}
	got, ok, err := f.Load("HOST:7777", "mina") // neither hosts nor names know capitals
	if err != nil || !ok || !reflect.DeepEqual(got, id) {
		t.Errorf("loaded %+v, %v, %v; saved %+v", got, ok, err, id)
	}
	if c, ok := got.Cursor("사랑방"); !ok || c != (client.Cursor{Epoch: 1<<64 - 1, Seq: 42}) {
		t.Errorf("cursor %+v, %v", c, ok)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v", info.Mode())
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestIdentitiesOfManyPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identities.json")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			f := tui.NewIdentityFile(path)
			if err := f.Save(tui.Identity{Server: "host:7777", Name: fmt.Sprintf("user%d", i), Token: []byte{byte(i)}}, tui.Identity{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		id, ok, err := tui.NewIdentityFile(path).Load("host:7777", fmt.Sprintf("user%d", i))
		if err != nil || !ok || len(id.Token) != 1 || id.Token[0] != byte(i) {
			t.Errorf("user%d: %+v, %v, %v", i, id, ok, err)
		}
	}
}

// A file that can not be understood is not written over: there are names in it.
func TestIdentityFileThatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identities.json")
	for text, say := range map[string]string{"{not json": "damaged", `{"version": 99}`: "newer version", `{"a": 1}`: "not written by this program", "": "not written by this program"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := tui.NewIdentityFile(path)
		if _, _, err := f.Load("h:1", "a"); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: load: %v", text, err)
		}
		if err := f.Save(tui.Identity{Server: "h:1", Name: "a"}, tui.Identity{}); err == nil {
			t.Errorf("%s: written over", text)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%s became %s, %v", text, now, err)
		}
	}
}

// A lock that a program left behind, also one from a time when the clock was wrong, does not
// keep others out.
func TestIdentityLockThatWasLeft(t *testing.T) {
	ages := []time.Duration{time.Hour, -time.Hour}
	if runtime.GOOS != "windows" {
		ages = append(ages, 0) // the program was killed just now
	}
	for _, age := range ages {
		path := filepath.Join(t.TempDir(), "identities.json")
		lock := path + ".lock"
		if err := os.WriteFile(lock, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(lock, at, at); err != nil {
			t.Fatal(err)
		}
		if err := tui.NewIdentityFile(path).Save(tui.Identity{Server: "a:1", Name: "mina"}, tui.Identity{}); err != nil {
			t.Errorf("a lock %v old: %v", age, err)
		}
	}
}

// Two programs with one identity: each saves what it has seen, and neither takes the other
// back. A room that one has left stays left.
func TestIdentityOfTwoPrograms(t *testing.T) {
	f := tui.NewIdentityFile(filepath.Join(t.TempDir(), "identities.json"))
	id := tui.Identity{Server: "host:1", Name: "mina", Token: []byte{1}, Joined: []string{"a", "b"}}
	stands := func(seen map[string]client.Cursor) tui.Identity {
		id.SetCursors(seen)
		return id
	}
	at := func(epoch chat.Epoch, seq chat.Seq) client.Cursor { return client.Cursor{Epoch: epoch, Seq: seq} }
	base := stands(map[string]client.Cursor{"a": at(1, 10), "b": at(1, 10), "anew": at(1, 10)})
	if err := f.Save(base, tui.Identity{}); err != nil {
		t.Fatal(err)
	}
	one := stands(map[string]client.Cursor{"a": at(1, 20), "b": at(1, 11), "anew": at(2, 3)})
	one.Joined = []string{"b", "c"} // left a
	two := stands(map[string]client.Cursor{"a": at(1, 15), "B": at(1, 30), "anew": at(1, 10), "d": at(1, 1)})
	two.Joined = []string{"a", "b", "d"}
	for _, mine := range []tui.Identity{one, two} {
		if err := f.Save(mine, base); err != nil {
			t.Fatal(err)
		}
	}
	got, ok, err := f.Load("host:1", "mina")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := map[string]client.Cursor{"a": at(1, 20), "B": at(1, 30), "anew": at(2, 3), "d": at(1, 1)}
	if !reflect.DeepEqual(got.Cursors(), want) {
		t.Errorf("read: %v; want %v", got.Cursors(), want)
	}
	if !slices.Equal(got.Joined, []string{"b", "c", "d"}) {
		t.Errorf("joined: %v", got.Joined)
	}
	two.Joined = nil // left all
	if err := f.Save(two, got); err != nil {
		t.Fatal(err)
	}
	if got, _, err := f.Load("host:1", "mina"); err != nil || len(got.Joined) != 0 {
		t.Errorf("joined: %v, %v", got.Joined, err)
	}
}

// After an older copy of the server's data was put back, numbers are given again: the place
// whose event is the later one is further on, and it is kept whole.
func TestIdentityAfterAnOlderServer(t *testing.T) {
	f := tui.NewIdentityFile(filepath.Join(t.TempDir(), "identities.json"))
	id := tui.Identity{Server: "host:1", Name: "mina", Token: []byte{1}}
	save := func(c client.Cursor) {
		id.SetCursors(map[string]client.Cursor{"a": c})
		if err := f.Save(id, tui.Identity{}); err != nil {
			t.Fatal(err)
		}
	}
	before, after := client.Cursor{Epoch: 1, Seq: 50, TimeMs: 100}, client.Cursor{Epoch: 1, Seq: 20, TimeMs: 200}
	for _, order := range [][]client.Cursor{{before, after}, {after, before}} {
		for _, c := range order {
			save(c)
		}
		got, _, err := f.Load("host:1", "mina")
		if err != nil || got.Cursors()["a"] != after {
			t.Errorf("read: %+v, %v; want %+v", got.Cursors(), err, after)
		}
	}
}

// A link that leads nowhere stays one, and is told.
func TestSecretsBehindADanglingLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nowhere", "file"), link); err != nil {
		t.Skip("no link can be made here: ", err)
	}
	for name, err := range map[string]error{
		"new":        tui.NewSecret(link, []byte("x")),
		"old":        tui.WriteSecret(link, []byte("x")),
		"identities": tui.NewIdentityFile(link).Save(tui.Identity{Server: "h:1", Name: "a"}, tui.Identity{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "is a symbolic link to ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if to, err := os.Readlink(link); err != nil || !strings.HasSuffix(to, "file") {
		t.Errorf("the link: %s, %v", to, err)
	}
}

// A file that does not exist is there whole or not at all, and one that exists stays.
func TestNewSecret(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	if err := tui.NewSecret(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := tui.NewSecret(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first" {
		t.Errorf("it has %q, %v", text, err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("left behind: %v, %v", all, err)
	}
}
