//go:build unix

package trouble

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
	"sarang/tests/internal/wire"
)

// SIGTERM under load: the server ends in order, and what it acknowledged is there when
// it comes back.
func TestTermination(t *testing.T) {
	eachDriver(t, func(t *testing.T, c proc.Config) {
		c.Workers = 2
		s := start(t, c)
		l := talk(t, c)
		for range 3 {
			waitFor(t, l, load.Acked, l.Count(load.Acked), 200)
			stop(t, s)
			s = start(t, c)
		}
		allKept(t, l, s)
		if l.Stats().Goodbyes == 0 {
			t.Error("nobody was told that the server is going down")
		}
	})
}

// A second server on the same data is refused, and the first does not notice.
func TestSecondServer(t *testing.T) {
	c := config(t)
	s := start(t, c)
	u := user(t, s, "ann")
	room := join(t, u, "r")
	publish(t, u, room, 1, "before")
	second := c
	second.Listen = proc.FreeAddr()
	refusesToStart(t, second, "another server", c.Data, "stop it first")
	publish(t, u, room, 2, "after")
	u.Close()
	stop(t, s)
}

func TestAddressInUse(t *testing.T) {
	c := config(t)
	c.Listen = boundPort(t)
	refusesToStart(t, c, c.Listen, "address already in use")
	c.Listen, c.HTTP = proc.FreeAddr(), boundPort(t)
	refusesToStart(t, c, c.HTTP, "address already in use", "--http HOST:PORT", "--http none")
	c.HTTP, c.Web = "none", "http://"+boundPort(t)
	refusesToStart(t, c, c.Web, "address already in use", "--web http://HOST:PORT", "--web none")
}

// Texts of filled: one that fits into a page with others, and one that does not and
// goes on in pages of its own.
func shortText() string { return strings.Repeat("short ", 50) }
func longText() string  { return strings.Repeat("a long text ", 500) }

// filled makes a data folder with some hundred messages in two rooms, short ones and
// long ones, and returns the database's path and the rooms' ids.
func filled(t *testing.T, c proc.Config) (file string, rooms [2]uint64) {
	t.Helper()
	c.Args = append(slices.Clone(c.Args), "--sync", "process-safe") // 400 messages one by one
	s := start(t, c)
	u := user(t, s, "ann")
	for i, text := range []string{shortText(), longText()} {
		rooms[i] = join(t, u, fmt.Sprint("room-", i))
		for nonce := range uint64(200) {
			publish(t, u, rooms[i], nonce+1, text)
		}
	}
	u.Close() // a server that ends waits for its clients, a while
	stop(t, s)
	return filepath.Join(c.Data, sqlite.DatabaseFile), rooms
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A damaged database is refused each time, with what to do about it, and not touched:
// it may be all that somebody has.
func TestDamagedDatabase(t *testing.T) {
	c := config(t)
	file, _ := filled(t, c)
	whole := read(t, file)
	for _, damage := range []struct {
		name string
		make func(b []byte) []byte
		want string
	}{
		{"header", func(b []byte) []byte { return append(bytes.Repeat([]byte{0xa5}, 100), b[100:]...) }, "restore it from a backup"},
		{"another file", func([]byte) []byte { return []byte(strings.Repeat("this is a letter\n", 1000)) }, "restore it from a backup"},
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }, "restore it from a backup"},
		{"cut within a page", func(b []byte) []byte { return b[:len(b)-1000] }, "restore it from a backup"},
		{"first page", func(b []byte) []byte { return fill(b, 100, pageBytes) }, "restore it from a backup"},
		{"most pages", func(b []byte) []byte { return fill(b, pageBytes, len(b)) }, "restore it from a backup"},
	} {
		t.Run(damage.name, func(t *testing.T) {
			for _, log := range []string{file + "-wal", file + "-shm"} {
				if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			write(t, file, damage.make(bytes.Clone(whole)))
			before := sha256.Sum256(read(t, file))
			for range 2 {
				refusesToStart(t, c, damage.want, file)
			}
			if sha256.Sum256(read(t, file)) != before {
				t.Error("the damaged file was changed")
			}
		})
	}
	write(t, file, whole)
	stop(t, start(t, c)) // the backup is good
}

// fill puts garbage over b[from:to].
func fill(b []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// One bad page in the middle of the messages is met when it is read, not at the start,
// which would have to read everything. Whoever asks for it is told; the rest goes on.
func TestDamagedPage(t *testing.T) {
	for hurt, text := range []string{shortText(), longText()} {
		t.Run(text[:6], func(t *testing.T) {
			eachDriver(t, func(t *testing.T, c proc.Config) {
				file, rooms := filled(t, c)
				b := read(t, file)
				page := middle(t, b, []byte(text)[:100]) / pageBytes * pageBytes
				write(t, file, fill(b, page, page+pageBytes))
				damagedPage(t, c, rooms[hurt], rooms[1-hurt])
			})
		})
	}
}

// middle returns where the middle one of all places is where b has text.
func middle(t *testing.T, b, text []byte) int {
	t.Helper()
	var places []int
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], text)
		if i < 0 {
			break
		}
		at += i
		places = append(places, at)
	}
	if len(places) == 0 {
		t.Fatal("the text is not in the file")
	}
	return places[len(places)/2]
}

// pageBytes is the size of SQLite's pages.
const pageBytes = 4096

// damagedPage is what users meet of it.
func damagedPage(t *testing.T, c proc.Config, hurt, whole uint64) {
	t.Helper()
	s := start(t, c)
	u := user(t, s, "ben")
	var refused *wire.RefusedError
	err := u.History(hurt, func(*pb.Event) error { return nil })
	if !errors.As(err, &refused) || refused.Code != uint32(chat.CodeInternal) && refused.Code != uint32(chat.CodeUnavailable) {
		t.Errorf("reading the room with the bad page: %v", err)
	}
	n := 0
	err = u.History(whole, func(*pb.Event) error { n++; return nil })
	if err != nil || n < 200 {
		t.Errorf("reading the other room: %d events, %v", n, err)
	}
	if id := join(t, u, "new"); publish(t, u, id, 1, "still here") == 0 {
		t.Error("a new room does not work")
	}
	u.Close()
	stop(t, s) // its log is whole now
	if !strings.Contains(s.Log(), "damaged") {
		t.Errorf("the log does not say that the file is damaged:\n%s", s.Log())
	}
}

func TestFolderIsAFile(t *testing.T) {
	c := config(t)
	write(t, c.Data, []byte("x"))
	refusesToStart(t, c, "data folder", c.Data)
}

// A signal that a shell sends when its terminal goes away, or Ctrl-C, is an orderly
// end, too; the one that asks for stacks is not.
func TestInterrupt(t *testing.T) {
	c := config(t)
	s := start(t, c)
	if err := s.Signal(syscall.SIGINT); err != nil {
		t.Skip(err)
	}
	exit, err := s.Wait(t.Context())
	if err != nil || exit.Code != 0 {
		t.Errorf("after SIGINT: %v, %v", exit, err)
	}
}

// A server that was stopped for longer than anybody may be silent (SIGSTOP, a frozen
// container, a machine that was suspended) has ended nobody when it goes on: neither those
// whose pings lie in its sockets, nor those that it would have asked for a sign of life.
func TestStoppedProcess(t *testing.T) {
	const idle, people = 1500 * time.Millisecond, 40
	eachDriver(t, func(t *testing.T, c proc.Config) {
		c.Args = append(c.Args, "--heartbeat", "500ms", "--idle-timeout", idle.String())
		s := start(t, c)
		var all []*wire.User
		for i := range people {
			all = append(all, user(t, s, fmt.Sprint("guest", i)))
		}
		pings := make(chan error, people)
		ping := func(some []*wire.User) {
			for _, u := range some {
				go func() { pings <- u.Ping() }()
			}
		}
		if err := s.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		ping(all[:people/2])
		time.Sleep(3 * idle) // sleep: so long the server is to stand still
		if err := s.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		ping(all[people/2:])
		lost := 0
		for range people {
			if err := <-pings; err != nil {
				if lost++; lost == 1 {
					t.Errorf("after the stop: %v", err)
				}
			}
		}
		if lost > 0 {
			t.Errorf("%d of %d were ended", lost, people)
		}
		stop(t, s)
	})
}
