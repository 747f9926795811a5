package tui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

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
	if err := f.Save(id); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(tui.Identity{Server: "other:7777", Name: "Mina", Token: []byte{9}}); err != nil {
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
			if err := f.Save(tui.Identity{Server: "host:7777", Name: fmt.Sprintf("user%d", i), Token: []byte{byte(i)}}); err != nil {
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
		if err := f.Save(tui.Identity{Server: "h:1", Name: "a"}); err == nil {
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
	for _, age := range []time.Duration{time.Hour, -time.Hour} {
		path := filepath.Join(t.TempDir(), "identities.json")
		lock := path + ".lock"
		if err := os.WriteFile(lock, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(lock, at, at); err != nil {
			t.Fatal(err)
		}
		if err := tui.NewIdentityFile(path).Save(tui.Identity{Server: "a:1", Name: "mina"}); err != nil {
			t.Errorf("a lock %v old: %v", age, err)
		}
	}
}
