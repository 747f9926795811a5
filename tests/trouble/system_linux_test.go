package trouble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
	"sarang/tests/internal/wire"
)

// smallDisk mounts a file system of so many bytes for the test's time.
func smallDisk(t *testing.T, bytes int) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", bytes)); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp writes a file that takes what is left.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, unix.ENOSPC):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
}

// A full disk: publishes are refused as unavailable, reading goes on, and when there is
// space again the server goes on by itself. Nothing acknowledged is lost.
func TestFullDisk(t *testing.T) {
	eachDriver(t, func(t *testing.T, c proc.Config) {
		disk := smallDisk(t, 24<<20)
		c.Args = append(c.Args, "--disk-free-bytes-min", "0") // the reserve would refuse before the disk does
		c.Data = filepath.Join(disk, "data")
		ballast := filepath.Join(disk, "ballast")
		s := start(t, c)
		l := talk(t, c)
		u := user(t, s, "ann")
		room := join(t, u, "quiet")
		first := publish(t, u, room, 1, "before")
		for range 3 {
			waitFor(t, l, load.Acked, l.Count(load.Acked), 100)
			fillUp(t, ballast)
			waitFor(t, l, load.Refused, l.Count(load.Refused), 20)
			fullDisk(t, u, room, first)
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			waitFor(t, l, load.Acked, l.Count(load.Acked), 50)
		}
		publish(t, u, room, 2, "refused before, and now stored")
		u.Close()
		allKept(t, l, s)
	})
}

// fullDisk is what a user meets meanwhile.
func fullDisk(t *testing.T, u *wire.User, room, first uint64) {
	t.Helper()
	_, err := u.Publish(room, 2, "refused before, and now stored")
	var refused *wire.RefusedError
	if !errors.As(err, &refused) || refused.Code != uint32(chat.CodeUnavailable) || refused.RetryAfter <= 0 {
		t.Errorf("publishing on a full disk: %v; want code %d and when to come again", err, chat.CodeUnavailable)
	}
	if err := u.Ping(); err != nil {
		t.Error(err)
	}
	seen := false
	err = u.History(room, func(e *pb.Event) error {
		seen = seen || e.Seq == first
		return nil
	})
	if err != nil || !seen {
		t.Errorf("reading on a full disk: %v, message there: %v", err, seen)
	}
}

// A disk that fails in a way that leaves the outcome of a commit unknown, here by a
// limit on the size of files: nothing is acknowledged meanwhile, who reads history is
// told that it can not be now, and when the limit is gone everything is stored once.
func TestFailingDisk(t *testing.T) {
	eachDriver(t, func(t *testing.T, c proc.Config) {
		s := start(t, c)
		l := talk(t, c)
		u := user(t, s, "ann")
		room := join(t, u, "quiet")
		publish(t, u, room, 1, "before")
		waitFor(t, l, load.Acked, l.Count(load.Acked), 100)
		limitFiles(t, s, pageBytes)
		waitLog(t, s, "outcome is not known")
		var refused *wire.RefusedError
		err := u.History(room, func(*pb.Event) error { return nil })
		if err != nil && (!errors.As(err, &refused) || refused.Code != uint32(chat.CodeUnavailable) || refused.RetryAfter <= 0) {
			t.Errorf("reading from a failing disk: %v", err)
		}
		if err := u.Ping(); err != nil {
			t.Error(err)
		}
		limitFiles(t, s, unix.RLIM_INFINITY)
		waitFor(t, l, load.Acked, l.Count(load.Acked), 200)
		u.Close()
		allKept(t, l, s)
	})
}

// A server that is told to end while its disk fails does so, in the time that it has,
// and says that something is left.
func TestEndOnFailingDisk(t *testing.T) {
	eachDriver(t, func(t *testing.T, c proc.Config) {
		c.Args = []string{"--drain-timeout", "1s"}
		s := start(t, c)
		l := talk(t, c)
		waitFor(t, l, load.Acked, l.Count(load.Acked), 100)
		limitFiles(t, s, pageBytes)
		waitLog(t, s, "disk I/O error")
		err := s.Stop(t.Context())
		var end *proc.ExitError
		if !errors.As(err, &end) || end.Exit.Code != 1 || !strings.Contains(end.Log, "on their way to the store") {
			t.Fatalf("%v; want exit status 1 and what is left", err)
		}
		c.Args = nil
		allKept(t, l, start(t, c))
	})
}

// limitFiles bounds the size of files that a server writes from now on.
func limitFiles(t *testing.T, s *proc.Server, bytes uint64) {
	t.Helper()
	limit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.PID(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Skipf("limiting the server's files: %v", err)
	}
}

// waitLog waits until the server has said something.
func waitLog(t *testing.T, s *proc.Server, what string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.Log(), what); {
		if time.Now().After(end) {
			t.Fatalf("the log says nothing about %q:\n%s", what, s.Log())
		}
		time.Sleep(10 * time.Millisecond) // sleep: nothing tells that a log has grown
	}
}

// A disk that is full from the start.
func TestStartOnFullDisk(t *testing.T) {
	c := config(t)
	disk := smallDisk(t, 1<<20)
	c.Data = filepath.Join(disk, "data")
	fillUp(t, filepath.Join(disk, "ballast"))
	refusesToStart(t, c, c.Data)
}

// A disk that is mounted read-only.
func TestReadOnlyDisk(t *testing.T) {
	c := config(t)
	disk := smallDisk(t, 64<<20)
	c.Args = append(c.Args, "--disk-free-bytes-min", "0")
	c.Data = filepath.Join(disk, "data")
	filled(t, c)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refusesToStart(t, c, c.Data)
}

// nobody is a user who may read and write what everybody may.
const nobody = 65534

// A folder, or a database, that the server's user may not write.
func TestNoPermission(t *testing.T) {
	for _, what := range []string{"folder", "database", "lock"} {
		t.Run(what, func(t *testing.T) {
			c := config(t)
			file, _ := filled(t, c)
			asNobody(t, &c)
			switch what {
			case "folder":
				chmod(t, c.Data, 0o555)
			case "database":
				chmod(t, file, 0o444)
			case "lock":
				chmod(t, filepath.Join(c.Data, sqlite.LockFile), 0o444)
			}
			refusesToStart(t, c, c.Data, "can not be", "permission")
		})
	}
}

// asNobody has the server run without root's rights, on files that are everybody's.
func asNobody(t *testing.T, c *proc.Config) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("there is no setpriv to give up root's rights with")
	}
	id := fmt.Sprint(nobody)
	c.Wrap = []string{setpriv, "--reuid", id, "--regid", id, "--clear-groups", "--"}
	for dir := filepath.Dir(c.Data); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		chmod(t, dir, 0o755)
	}
	chmod(t, filepath.Dir(c.Binary), 0o755)
	err = filepath.WalkDir(c.Data, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// More connections than the server may have open files: those that it has are served,
// the others wait or are turned away, and when some go there is room again.
func TestFewFiles(t *testing.T) {
	const files = 64
	eachDriver(t, func(t *testing.T, c proc.Config) {
		c.Wrap = []string{"/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, files), "sh"}
		s := start(t, c)
		u := user(t, s, "ann")
		room := join(t, u, "r")
		var crowd []net.Conn
		t.Cleanup(func() { closeAll(crowd) })
		for range 2 * files {
			n, err := net.DialTimeout("tcp", s.Addr(), 5*time.Second)
			if err != nil {
				break // the backlog is full, or it says no
			}
			crowd = append(crowd, n)
		}
		if len(crowd) < files {
			t.Logf("only %d connections were taken", len(crowd))
		}
		if publish(t, u, room, 1, "in the crowd") == 0 || u.Ping() != nil {
			t.Error("who is inside is not served")
		}
		closeAll(crowd)
		crowd = nil
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for {
			v, err := wire.Login(ctx, s.Addr(), "ben", nil)
			if err == nil {
				v.Close()
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("nobody gets in after the crowd has gone: %v; the log:\n%s", err, s.Log())
			}
		}
		if n := strings.Count(s.Log(), "\n"); n > 200 {
			t.Errorf("the log has %d lines about it", n)
		}
		u.Close()
		stop(t, s)
	})
}

func closeAll(all []net.Conn) {
	for _, c := range all {
		_ = c.(io.Closer).Close()
	}
}
