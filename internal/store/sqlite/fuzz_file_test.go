package sqlite_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// openPatience is far more than opening and all the calls take.
const openPatience = 10 * time.Second

// FuzzFile opens a database some of whose bytes are other ones, cut off or with a
// write-ahead log that is not its own. It must be refused with a sentence, or be a store
// that answers each call with what it is asked for or with a typed error.
func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	s := openWithRoom(f, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})
	if err := commit(f.Context(), s, say(1, 20)); err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, sqlite.DatabaseFile))
	if err != nil {
		f.Fatal(err)
	}
	// Three bytes of changes say: this place, this value.
	at := func(places ...int) (changes []byte) {
		for _, place := range places {
			changes = append(binary.BigEndian.AppendUint16(changes, uint16(place)), 0xa5)
		}
		return changes
	}
	f.Add([]byte{}, uint16(0), []byte{})
	f.Add([]byte{}, uint16(1), []byte{})                          // cut off by a byte
	f.Add(at(0), uint16(0), []byte{})                             // "SQLite format 3"
	f.Add(at(16), uint16(0), []byte{})                            // size of a page
	f.Add(at(18, 19), uint16(0), []byte{})                        // versions of the format
	f.Add(at(28, 92), uint16(0), []byte{})                        // number of pages
	f.Add(at(60, 68), uint16(0), []byte{})                        // application id
	f.Add(at(100, 103, 105), uint16(0), []byte{})                 // the schema's own page
	f.Add(at(4096, 4099, 8192, 8195, 12288), uint16(0), []byte{}) // pages of tables
	f.Add([]byte{}, uint16(0), []byte{0x37, 0x7f, 0x06, 0x82, 0, 0x2d, 0xe2, 0x18, 0, 0, 0x10, 0})
	f.Add([]byte("\x90\v\v\xbf\xf6\n"), uint16(16), []byte{0x80})                     // a version table that seems empty
	f.Add([]byte("\xff\xa5\xff\x7f]\x05"), uint16(0), []byte{0xff, 0xa5, 0xff, 0x7f}) // messages in the wrong order
	f.Fuzz(func(t *testing.T, changes []byte, missing uint16, wal []byte) {
		intact := len(changes) < 3
		b := append([]byte{}, whole...)
		for ; len(changes) >= 3; changes = changes[3:] {
			b[int(binary.BigEndian.Uint16(changes))%len(b)] = changes[2]
		}
		b = b[:len(b)-int(missing)%len(b)] // an empty one would be that of a first start
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, sqlite.DatabaseFile), b)
		if len(wal) > 0 {
			writeFile(t, filepath.Join(dir, sqlite.DatabaseFile+"-wal"), wal)
		}
		if opened := useDamaged(t, dir, intact && missing == 0); opened && intact && int(missing)%len(whole) > 0 && len(wal) == 0 {
			t.Fatalf("a file that lacks %d bytes of its end was opened", missing)
		}
	})
}

// useDamaged opens the store of dir, if that can be, asks it for everything and closes it.
// Where pages are intact, a commit must be what it says. SQLite has no checksums: in a
// page whose order is broken it may look for a row in the wrong place.
func useDamaged(t *testing.T, dir string, intact bool) (opened bool) {
	ctx, cancel := context.WithTimeout(t.Context(), openPatience)
	defer cancel()
	var typed *chat.Error
	check := func(what string, err error) bool {
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s took more than %v: %v", what, openPatience, err)
		}
		if err != nil && (!errors.As(err, &typed) || typed.Message == "") {
			t.Fatalf("%s: the error %v has no sentence", what, err)
		}
		return err == nil
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})
	if !check("Open", err) {
		if strings.HasSuffix(typed.Message, "can not be opened") {
			t.Fatalf("Open: %v: nobody is told what to do", err)
		}
		return false
	}
	defer func() { check("Close", s.Close()) }()
	for _, p := range []chat.Page{{After: 3}, {Before: 9}} {
		p.ItemsMax, p.BytesMax = 5, 1<<20
		events, _, err := s.History(ctx, 1, p)
		check("History", err)
		for i := 1; i < len(events); i++ {
			if events[i].Seq <= events[i-1].Seq {
				t.Fatalf("event %d after %d", events[i].Seq, events[i-1].Seq)
			}
		}
	}
	_, err = s.Rooms(ctx, 0, 10)
	check("Rooms", err)
	_, err = s.User(ctx, 1)
	check("User", err)
	_, err = s.Author(ctx, 1, 1, chat.NoncesPerUserMax)
	check("Author", err)
	_, err = s.RoomByKey(ctx, "r")
	check("RoomByKey", err)
	_, err = s.ClaimUser(ctx, chat.Claim{Name: "v", Key: "v", Fresh: chat.TokenHash{1}, NowMs: 2})
	check("ClaimUser", err)
	_, err = s.CreateRoom(ctx, chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
	check("CreateRoom", err)
	_, err = s.Commit(ctx, say(4, 1)) // a conflict
	check("Commit", err)
	r, err := s.Room(ctx, 1)
	if !check("Room", err) {
		return true
	}
	conflicts, err := s.Commit(ctx, say(r.LastSeq+1, 1))
	if check("Commit", err) && intact {
		now, err := s.Room(ctx, 1)
		if check("Room", err) && (now.LastSeq != r.LastSeq+1 || len(conflicts) > 0) {
			t.Fatalf("event %d was stored, and the last one is %d; conflicts %+v", r.LastSeq+1, now.LastSeq, conflicts)
		}
	}
	return true
}
