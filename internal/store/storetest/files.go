package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sarang/chat"
)

// files is the store as a chat.Files; a store that is none is not asked.
func (f *fixture) files(t *testing.T) chat.Files {
	t.Helper()
	one := f.store
	if several, are := one.(*shared); are {
		one = several.next()
	}
	files, is := one.(chat.Files)
	if !is {
		t.Skip("this store keeps no files")
	}
	return files
}

// addFile adds a file of u's, added at createdMs.
func (f *fixture) addFile(t *testing.T, u chat.User, id chat.FileID, createdMs int64) chat.File {
	t.Helper()
	file := chat.File{
		FileInfo: chat.FileInfo{ID: id, Name: "../a b, 사진.jpg", Type: "image/jpeg", Bytes: 1000 + int64(id%7), Width: 640, Height: 480, Thumbnail: true},
		Owner:    u.ID, Hash: chat.FileHash{1, byte(id)}, CreatedMs: createdMs,
	}
	for range 2 { // the second changes nothing
		if err := f.files(t).AddFile(f.ctx, file, chat.FileQuota{}); err != nil {
			t.Fatalf("AddFile: %v", err)
		}
	}
	return file
}

// naming is a message that names files.
func naming(r chat.Room, seq chat.Seq, u chat.User, text string, files ...chat.File) chat.Event {
	e := message(r, seq, u, text)
	infos := make([]chat.FileInfo, len(files))
	for i := range files {
		infos[i] = files[i].FileInfo
	}
	e.Files = chat.NewFileList(infos...)
	return e
}

// wantOrphans looks which files are orphans, in no order.
func (f *fixture) wantOrphans(t *testing.T, beforeMs int64, want ...chat.File) {
	t.Helper()
	got, err := f.files(t).Orphans(f.ctx, beforeMs, 10)
	byID := func(a, b chat.File) bool { return a.ID < b.ID }
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(byID)); err != nil || diff != "" {
		t.Fatalf("Orphans before %d: %v; want -, got +:\n%s", beforeMs, err, diff)
	}
}

func (f *fixture) wantFile(t *testing.T, want chat.File) {
	t.Helper()
	if got, err := f.files(t).File(f.ctx, want.ID); err != nil || got != want {
		t.Fatalf("File: %+v, %v; want %+v", got, err, want)
	}
}

func (f *fixture) wantNoFile(t *testing.T, id chat.FileID) {
	t.Helper()
	if got, err := f.files(t).File(f.ctx, id); chat.CodeOf(err) != chat.CodeNoFile {
		t.Fatalf("File %d: %+v, %v", id, got, err)
	}
}

func testFilesOfMessages(t *testing.T, f *fixture) {
	r, other, mina, jun := f.room(t, "r"), f.room(t, "other"), f.user(t, "mina"), f.user(t, "jun")
	a, b, his := f.addFile(t, mina, 11, 100), f.addFile(t, mina, chat.FileIDMax, 100), f.addFile(t, jun, 13, 100)
	f.wantFile(t, a)
	f.wantFile(t, b)
	f.wantNoFile(t, 12)
	for _, bad := range []chat.FileID{0, chat.FileIDMax + 1} {
		if err := f.files(t).AddFile(f.ctx, chat.File{FileInfo: chat.FileInfo{ID: bad}, Owner: mina.ID}, chat.FileQuota{}); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Fatalf("AddFile %d: %v", bad, err)
		}
	}
	twin := a
	twin.Name = "b"
	if err := f.files(t).AddFile(f.ctx, twin, chat.FileQuota{}); chat.CodeOf(err) != chat.CodeBadRequest {
		t.Fatalf("another file with the same id: %v", err)
	}

	// What a message names is told with it, whatever its text is.
	first, second := naming(r, 1, mina, "look", a, b), naming(r, 2, mina, "", a)
	plain := naming(r, 3, jun, strings.Repeat("길다 ", 300), his)
	f.commit(t, these(r, 1, first, second, plain), these(other, 1, naming(other, 1, mina, "again", a)))
	f.wantHistory(t, r, 0, first, second, plain)
	f.reopen(t)
	f.wantHistory(t, r, 0, first, second, plain)
	f.wantOrphans(t, 1000)
	// Somebody else's file, and one that is not there, are not linked.
	f.commit(t, these(r, 4, naming(r, 4, jun, "mine", b), naming(r, 5, jun, "nobody's", chat.File{FileInfo: chat.FileInfo{ID: 99, Name: "x", Type: "a/b"}})))

	// The last link counts.
	f.commit(t, these(r, 6, change(r, 6, mina, chat.EventDelete, 1, "")))
	f.wantHistory(t, r, 0, without(first), second, plain, naming(r, 4, jun, "mine", b),
		naming(r, 5, jun, "nobody's", chat.File{FileInfo: chat.FileInfo{ID: 99, Name: "x", Type: "a/b"}}), change(r, 6, mina, chat.EventDelete, 1, ""))
	f.wantNoFile(t, b.ID)
	f.wantOrphans(t, 0, b)
	f.wantNoFile(t, b.ID)
	f.wantOrphans(t, 0, b) // until it is dropped
	f.wantFile(t, a)
	if used, err := f.files(t).HashUsed(f.ctx, b.Hash); err != nil || used {
		t.Fatalf("HashUsed: %t, %v", used, err)
	}
	if used, err := f.files(t).HashUsed(f.ctx, a.Hash); err != nil || !used {
		t.Fatalf("HashUsed: %t, %v", used, err)
	}
	// What is being removed can not be named any more.
	f.commit(t, these(r, 7, naming(r, 7, mina, "late", b)))
	f.wantOrphans(t, 0, b)
	for _, id := range []chat.FileID{b.ID, a.ID} { // a stays: it is not being removed
		if err := f.files(t).DropFile(f.ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	f.wantOrphans(t, 0)
	f.wantFile(t, a)
	f.commit(t, these(r, 8, change(r, 8, mina, chat.EventDelete, 2, "")))
	f.wantOrphans(t, 0)
	f.wantFile(t, a) // the other room has it
	f.commit(t, these(other, 2, change(other, 2, mina, chat.EventDelete, 1, "")))
	f.wantOrphans(t, 0, a)

	// A message that comes and goes in one batch leaves nothing.
	c := f.addFile(t, mina, 20, 100)
	f.commit(t, these(r, 9, naming(r, 9, mina, "", c), change(r, 10, mina, chat.EventDelete, 9, "")))
	f.wantOrphans(t, 0, a, c)
	if rest, err := f.files(t).AllFiles(f.ctx, 0, 10); err != nil || len(rest) != 1 || rest[0] != his {
		t.Fatalf("AllFiles: %+v, %v", rest, err)
	}
}

func testFileQuota(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	add := func(u chat.User, id chat.FileID, bytes int64, q chat.FileQuota) error {
		return f.files(t).AddFile(f.ctx, chat.File{FileInfo: chat.FileInfo{ID: id, Name: "a", Type: "a/b", Bytes: bytes}, Owner: u.ID, CreatedMs: 5}, q)
	}
	want := func(err error, code chat.Code) {
		t.Helper()
		if chat.CodeOf(err) != code {
			t.Fatalf("%v, want code %d", err, code)
		}
	}
	two, bytes := chat.FileQuota{FilesMax: 2}, chat.FileQuota{BytesMax: 100}
	want(add(mina, 1, 60, two), 0)
	want(add(mina, 2, 41, bytes), chat.CodeQuota)
	want(add(mina, 3, 40, bytes), 0)
	want(add(mina, 4, 0, two), chat.CodeQuota)
	want(add(mina, 3, 40, two), 0) // it is there
	want(add(jun, 5, 100, bytes), 0)
	want(add(chat.User{ID: 1 << 40}, 6, 1, two), chat.CodeNoUser)
	if use, err := f.files(t).FileUse(f.ctx, mina.ID); err != nil || use != (chat.FileUse{Files: 2, Bytes: 100}) {
		t.Fatalf("FileUse: %+v, %v", use, err)
	}
	if use, err := f.files(t).FileUse(f.ctx, 1<<63); err != nil || use != (chat.FileUse{}) {
		t.Fatalf("FileUse of nobody: %+v, %v", use, err)
	}
	// What is released, or was never named, makes room.
	if err := f.files(t).ReleaseFile(f.ctx, jun.ID, 1); err != nil { // not his
		t.Fatal(err)
	}
	if err := f.files(t).ReleaseFile(f.ctx, mina.ID, 1); err != nil {
		t.Fatal(err)
	}
	f.wantNoFile(t, 1)
	got, err := f.files(t).Orphans(f.ctx, 5, 10)
	if err != nil || len(got) != 1 || got[0].ID != 1 {
		t.Fatalf("Orphans: %+v, %v", got, err)
	}
	want(add(mina, 7, 1, two), 0)
}

func testOrphans(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	var old []chat.File
	for id := range chat.FileID(5) {
		old = append(old, f.addFile(t, u, id+1, 100+int64(id)))
	}
	f.commit(t, these(r, 1, naming(r, 1, u, "kept", old[1])))
	f.wantOrphans(t, 100)
	f.wantOrphans(t, 103, old[0], old[2])
	// In pieces; those that were marked before are among them.
	seen := map[chat.FileID]bool{}
	for range 10 {
		page, err := f.files(t).Orphans(f.ctx, 1000, 1)
		if err != nil || len(page) > 1 {
			t.Fatalf("Orphans: %+v, %v", page, err)
		}
		if len(page) == 0 {
			break
		}
		seen[page[0].ID] = true
		if err := f.files(t).DropFile(f.ctx, page[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 4 || seen[old[1].ID] {
		t.Fatalf("%v were orphans", seen)
	}
	// All are told, page by page.
	for id := range chat.FileID(4) {
		f.addFile(t, u, id+50, 1)
	}
	var all []chat.FileID
	for after := chat.FileID(0); ; {
		page, err := f.files(t).AllFiles(f.ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, file := range page {
			all = append(all, file.ID)
		}
		after = page[len(page)-1].ID
	}
	if !slices.Equal(all, []chat.FileID{2, 50, 51, 52, 53}) {
		t.Fatalf("AllFiles: %v", all)
	}
}

// testFilesOfErased looks at retention.
func testFilesOfErased(t *testing.T, f *fixture) {
	f.expirer(t)
	r, u := f.room(t, "r"), f.user(t, "u")
	a, b := f.addFile(t, u, 1, 1), f.addFile(t, u, 2, 1)
	events := []chat.Event{naming(r, 1, u, "a", a), naming(r, 2, u, "b", a, b), naming(r, 3, u, "b", b)}
	for i := range events {
		events[i].TimeMs = int64(100 * (i + 1))
	}
	f.commit(t, these(r, 1, events...))
	if n := Expire(t, f.store, 250); n != 2 {
		t.Fatalf("%d are erased", n)
	}
	f.wantOrphans(t, 0, a)
	f.wantFile(t, b)
}
