package sqlite_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// limitedVariable says that this is the process of TestFileSizeLimit's own.
const limitedVariable = "SARANG_SQLITE_TEST_LIMITED"

// A real failure at COMMIT: the write-ahead log may not grow any more. It has a process of
// its own, for the limit holds for all that a process writes, what go test keeps of a run
// included.
func TestFileSizeLimit(t *testing.T) {
	if os.Getenv(limitedVariable) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), self, "-test.run", "^TestFileSizeLimit$")
		c.Env = append(os.Environ(), limitedVariable+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if err := commit(t.Context(), s, say(1, 10)); err != nil {
		t.Fatal(err)
	}
	limit := limitFileBytes(t, uint64(s.Stats().WALBytes))
	err := commit(t.Context(), s, say(11, 1000))
	code := chat.CodeOf(err)
	if code != chat.CodeUncertain && code != chat.CodeUnavailable {
		t.Fatalf("Commit on a full disk: %v", err)
	}
	limit()
	wantLast(t, s, 10)
	goOn(t, s, dir, 11)
}

// limitFileBytes bounds the size of files that this process writes until the
// returned function is called.
func limitFileBytes(t *testing.T, limit uint64) (lift func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	set := func(cur uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: cur, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
	}
	set(limit)
	return func() { set(old.Cur) }
}

func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o555)
	err := openAsNobody(t, dir)
	wantError(t, err, chat.CodeInternal, "the data folder "+dir+" can not be written")
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("error %v does not carry its cause", err)
	}
}

func TestReadOnlyDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := openWithRoom(t, sqlite.Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sqlite.DatabaseFile)
	chmod(t, dir, 0o777)
	chmod(t, filepath.Join(dir, sqlite.LockFile), 0o666)
	chmod(t, file, 0o444)
	wantError(t, openAsNobody(t, dir), chat.CodeInternal, file+" can not be written")
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// openAsNobody opens the store on a thread that has no more rights on files than
// their modes give: for root, who may write anywhere, it is made another user's.
func openAsNobody(t *testing.T, dir string) error {
	t.Helper()
	const nobody = 65534
	chmod(t, filepath.Dir(dir), 0o755) // the test's own folder, made for one user
	opened := make(chan error)
	go func() {
		if os.Getuid() == 0 {
			// Never unlocked: the thread ends with the goroutine.
			runtime.LockOSThread()
			if _, err := unix.SetfsuidRetUid(nobody); err != nil {
				opened <- err
				return
			}
		}
		s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	return <-opened
}
