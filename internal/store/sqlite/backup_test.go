package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

func quiet(int, int) {}

// A backup of a store to which somebody writes all the time has everything that was stored
// before it began, a log without gaps, and ends.
func TestBackupOfABusyStore(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{Dir: t.TempDir(), Sync: sqlite.ProcessSafe, WALBytesMax: 256 << 10})
	last := chat.Seq(0)
	add := func() {
		if err := commit(t.Context(), s, say(last+1, 100)); err != nil {
			t.Error(err)
		}
		last += 100
	}
	for range 200 {
		add()
	}
	before := last
	var steps, during atomic.Int64
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			add()
			during.Add(1)
		}
	}()
	to := t.TempDir()
	err := s.Backup(t.Context(), to, func(done, total int) {
		steps.Add(1)
		if done < 0 || done > total || total == 0 {
			t.Errorf("%d of %d pages", done, total)
		}
	})
	end()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if steps.Load() < 3 || during.Load() == 0 {
		t.Errorf("the backup took %d turns, and %d commits came in between: it disturbs", steps.Load(), during.Load())
	}
	files, err := os.ReadDir(to)
	if err != nil || len(files) != 1 {
		t.Errorf("the backup left %v, %v; want one file", files, err)
	}
	b := open(t, sqlite.Config{Dir: to})
	if faults, err := b.Integrity(t.Context()); err != nil || len(faults) > 0 {
		t.Fatalf("the copy is not sound: %v, %v", faults, err)
	}
	r, err := b.Room(t.Context(), 1)
	if err != nil || r.LastSeq < before || r.LastSeq > last || r.LastSeq%100 != 0 {
		t.Fatalf("the copy ends at %d, %v; want %d to %d, whole commits", r.LastSeq, err, before, last)
	}
	for at := chat.Seq(0); at < r.LastSeq; {
		page, _, err := b.History(t.Context(), 1, chat.Page{After: at, ItemsMax: 1000, BytesMax: 1 << 20})
		if err != nil || len(page) == 0 || page[0].Seq != at+1 {
			t.Fatalf("behind %d: %d events, %v", at, len(page), err)
		}
		at = page[len(page)-1].Seq
	}
}

// A backup that is given up leaves nothing, and the store goes on; one at a time is made; and
// none is written over a file that is there.
func TestBackupGivenUp(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{Dir: t.TempDir(), Sync: sqlite.ProcessSafe})
	for i := range 100 {
		if err := commit(t.Context(), s, say(chat.Seq(1+100*i), 100)); err != nil {
			t.Fatal(err)
		}
	}
	to := t.TempDir()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	second := errors.New("not asked")
	err := s.Backup(ctx, to, func(int, int) {
		second = s.Backup(t.Context(), t.TempDir(), quiet)
		end()
	})
	wantError(t, err, chat.CodeUnavailable, "")
	wantError(t, second, chat.CodeUnavailable, "another backup")
	if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
		t.Errorf("a backup that was given up left %v, %v", left, err)
	}
	if err := commit(t.Context(), s, say(10001, 10)); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), to, quiet); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Backup(t.Context(), to, quiet), chat.CodeBadRequest, "can not be written there")
	wantLast(t, open(t, sqlite.Config{Dir: to}), 10010)
}

// What is restored has everything, and each log has a new epoch.
func TestRestore(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{Dir: t.TempDir(), Sync: sqlite.ProcessSafe})
	if err := commit(t.Context(), s, say(1, 10)); err != nil {
		t.Fatal(err)
	}
	copies, dir := t.TempDir(), filepath.Join(t.TempDir(), "new")
	if err := s.Backup(t.Context(), copies, quiet); err != nil {
		t.Fatal(err)
	}
	was, err := s.Room(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(copies, sqlite.DatabaseFile)
	given, err := sqlite.Restore(t.Context(), file, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := given.Close(); err != nil { // given up
		t.Fatal(err)
	}
	r, err := sqlite.Restore(t.Context(), file, dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	wantError(t, err, chat.CodeAlreadyRunning, "")
	if err := r.Install(); err != nil {
		t.Fatal(err)
	}
	now, err := open(t, sqlite.Config{Dir: dir}).Room(t.Context(), 1)
	if err != nil || now.LastSeq != 10 || now.Epoch == was.Epoch || now.Epoch == 0 || int64(now.Epoch) < 0 {
		t.Errorf("the room is %+v, %v; it was %+v", now, err, was)
	}
	_, err = sqlite.Restore(t.Context(), file, dir)
	wantError(t, err, chat.CodeAlreadyRunning, "")
	other := t.TempDir()
	writeFile(t, filepath.Join(other, sqlite.DatabaseFile), readFile(t, file))
	_, err = sqlite.Restore(t.Context(), file, other)
	wantError(t, err, chat.CodeBadRequest, "there is a database already")
}

// What is no backup is refused, and nothing of it stays.
func TestRestoreOfSomethingElse(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{Dir: t.TempDir(), Sync: sqlite.ProcessSafe})
	if err := commit(t.Context(), s, say(1, 1000)); err != nil {
		t.Fatal(err)
	}
	copies := t.TempDir()
	if err := s.Backup(t.Context(), copies, quiet); err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, filepath.Join(copies, sqlite.DatabaseFile))
	for what, text := range map[string][]byte{
		"empty": nil, "text": []byte("no database at all"), "cut off": whole[:len(whole)-5000], "a page": whole[:4096],
	} {
		file, dir := filepath.Join(t.TempDir(), "b"), t.TempDir()
		writeFile(t, file, text)
		if _, err := sqlite.Restore(t.Context(), file, dir); err == nil {
			t.Errorf("%s: it was restored", what)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 { // the lock
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}
	dir := t.TempDir()
	if _, err := sqlite.Restore(t.Context(), filepath.Join(dir, "none"), dir); chat.CodeOf(err) != chat.CodeBadRequest {
		t.Errorf("a file that is not there: %v", err)
	}
}
