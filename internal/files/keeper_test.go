package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/files"
	"sarang/internal/store/storesim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a keeper on a store that fails as a test says, with a clock of its own.
type rig struct {
	*failing
	*files.Keeper
	t    *testing.T
	dir  string
	now  time.Time
	room chat.Room
	user chat.UserID
	seq  chat.Seq
}

// failing is a store some of whose calls fail.
type failing struct {
	*storesim.Store
	fail map[string]error
}

func (f *failing) AddFile(ctx context.Context, file chat.File, q chat.FileQuota) error {
	if err := f.fail["AddFile"]; err != nil {
		return err
	}
	return f.Store.AddFile(ctx, file, q)
}

func (f *failing) DropFile(ctx context.Context, id chat.FileID) error {
	if err := f.fail["DropFile"]; err != nil {
		return err
	}
	return f.Store.DropFile(ctx, id)
}

var errDown = chat.Errorf(chat.CodeUnavailable, "the store is down")

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), now: time.Now(), failing: &failing{Store: storesim.NewDisk(nil).Open(), fail: map[string]error{}}}
	ctx := context.Background()
	u, err := r.ClaimUser(ctx, chat.Claim{Name: "mina", Key: "mina", Fresh: chat.TokenHash{1}})
	if err != nil {
		t.Fatal(err)
	}
	r.user = u.ID
	if r.room, err = r.CreateRoom(ctx, chat.Room{Name: "r", Key: "r", Epoch: 1}, chat.RoomQuota{}); err != nil {
		t.Fatal(err)
	}
	r.open()
	t.Cleanup(func() { _ = r.Keeper.Close() })
	return r
}

// open opens the keeper, as a start of the server does.
func (r *rig) open() {
	r.t.Helper()
	var err error
	r.Keeper, err = files.Open(files.Config{
		Dir: r.dir, Store: r.failing, Random: rand.Reader, Now: func() time.Time { return r.now }, Full: func() bool { return false },
		Limits: files.Limits{BytesMax: 1 << 20, UserUploadsMax: 10, UploadsMax: 10, PixelsMax: 1 << 20}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// again closes the keeper and opens it.
func (r *rig) again() {
	r.t.Helper()
	if err := r.Keeper.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *rig) begin(name string, content []byte) chat.FileID {
	r.t.Helper()
	id, err := r.Begin(context.Background(), r.user, netip.Prefix{}, files.NewUpload{Name: name, Bytes: int64(len(content))})
	if err != nil {
		r.t.Fatal(err)
	}
	if n, err := r.Write(r.user, id, 0, bytes.NewReader(content)); err != nil || n != int64(len(content)) {
		r.t.Fatalf("Write: %d, %v", n, err)
	}
	return id
}

func (r *rig) file(name string, content []byte) chat.FileInfo {
	r.t.Helper()
	f, err := r.Complete(context.Background(), r.user, r.begin(name, content))
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

// say stores an event of the user's.
func (r *rig) say(e chat.Event) chat.Seq {
	r.t.Helper()
	r.seq++
	e.Room, e.Seq, e.User, e.Name, e.Nonce, e.TimeMs = r.room.ID, r.seq, r.user, "mina", chat.Nonce(r.seq), chat.Millis(r.now)
	b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(r.seq)}, Appends: []chat.Append{{Room: r.room.ID, After: r.seq - 1, Events: []chat.Event{e}}}}
	if conflicts, err := r.Commit(context.Background(), b); err != nil || len(conflicts) > 0 {
		r.t.Fatal(conflicts, err)
	}
	return r.seq
}

func (r *rig) collect() {
	r.t.Helper()
	if err := r.Collect(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// kept are how many files there are in a folder below the keeper's.
func (r *rig) kept(dir string) (n int) {
	r.t.Helper()
	err := filepath.WalkDir(filepath.Join(r.dir, dir), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *rig) wantKept(blobs, uploads int) {
	r.t.Helper()
	if b, u := r.kept("blobs"), r.kept("uploads"); b != blobs || u != uploads {
		r.t.Fatalf("%d files of bytes and %d of uploads, want %d and %d", b, u, blobs, uploads)
	}
}

func TestBytesAreShared(t *testing.T) {
	r := newRig(t)
	a, b := r.file("a", []byte("the same")), r.file("b", []byte("the same"))
	r.wantKept(1, 0)
	one, two := r.say(chat.Event{Kind: chat.EventMessage, Files: chat.NewFileList(a)}), r.say(chat.Event{Kind: chat.EventMessage, Files: chat.NewFileList(b)})
	r.say(chat.Event{Kind: chat.EventDelete, Target: one})
	r.collect()
	r.wantKept(1, 0)
	f, err := r.File(context.Background(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := r.Open(&f, files.Content)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(blob); err != nil || string(got) != "the same" || blob.Close() != nil {
		t.Fatalf("%q, %v", got, err)
	}
	r.say(chat.Event{Kind: chat.EventDelete, Target: two})
	r.collect()
	r.wantKept(0, 0)
	if _, err := r.Open(&f, files.Content); chat.CodeOf(err) != chat.CodeNoFile {
		t.Fatalf("Open: %v", err)
	}
}

// TestNothingIsLeftByACrash fails each step of making and removing a file, and starts again.
func TestNothingIsLeftByACrash(t *testing.T) {
	r := newRig(t)
	r.say(chat.Event{Kind: chat.EventMessage, Files: chat.NewFileList(r.file("stays", []byte("stays")))})

	// Bytes without a record: the upload is there and can be completed,
	id := r.begin("a", []byte("of a"))
	r.fail["AddFile"] = errDown
	if _, err := r.Complete(context.Background(), r.user, id); chat.CodeOf(err) != chat.CodeUnavailable {
		t.Fatal(err)
	}
	r.wantKept(2, 3) // the copy that would have been a picture, too
	r.again()
	delete(r.fail, "AddFile")
	a, err := r.Complete(context.Background(), r.user, id)
	if err != nil || a.Name != "a" {
		t.Fatal(a, err)
	}
	r.wantKept(2, 0)

	// or it is not, and the bytes are found by the look through the folder, when they are old.
	id = r.begin("b", []byte("of b"))
	r.fail["AddFile"] = errDown
	_, _ = r.Complete(context.Background(), r.user, id)
	delete(r.fail, "AddFile")
	if err := r.Cancel(r.user, id); err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		if err := r.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	r.wantKept(3, 0)
	r.now = r.now.Add(2 * time.Hour)
	sweep()
	r.wantKept(2, 0)

	// A record whose bytes are gone already is found again.
	seq := r.say(chat.Event{Kind: chat.EventMessage, Files: chat.NewFileList(a)})
	r.say(chat.Event{Kind: chat.EventDelete, Target: seq})
	r.fail["DropFile"] = errDown
	if err := r.Collect(context.Background()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	r.wantKept(1, 0)
	delete(r.fail, "DropFile")
	r.again()
	r.collect()
	if left, err := r.Orphans(context.Background(), 0, 10); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	r.wantKept(1, 0)
}

func TestWhatIsGivenUpIsForgotten(t *testing.T) {
	r := newRig(t)
	id := r.begin("a", []byte("a part"))
	r.file("never named", []byte("never named"))
	r.wantKept(1, 2)
	r.now = r.now.Add(files.UploadIdleMax - time.Minute)
	r.collect()
	r.wantKept(1, 2)
	r.now = r.now.Add(2 * time.Minute)
	r.collect()
	r.wantKept(0, 0)
	if _, _, err := r.Offset(r.user, id); chat.CodeOf(err) != chat.CodeNoFile {
		t.Fatal(err)
	}
}

func TestWhatDoesNotBelongThereIsRemoved(t *testing.T) {
	r := newRig(t)
	id := r.begin("a", []byte("0123456789"))
	for name, content := range map[string]string{
		"0123456789abcdef.part":  "bytes without a description",
		"0123456789abcdee.json":  `{"id":"1","name":"another id","bytes":3}`,
		"0123456789abcded.json":  "no description",
		"0123456789abcdec.clean": "half a picture",
		"notes.txt":              "?",
	} {
		if err := writeFile(filepath.Join(r.dir, "uploads", name), content); err != nil {
			t.Fatal(err)
		}
	}
	r.again()
	r.wantKept(0, 2)
	if have, all, err := r.Offset(r.user, id); err != nil || have != 10 || all != 10 {
		t.Fatal(have, all, err)
	}
	if f, err := r.Complete(context.Background(), r.user, id); err != nil || f.Bytes != 10 {
		t.Fatal(f, err)
	}
}
