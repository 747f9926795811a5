package tui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

func TestFileCommands(t *testing.T) {
	for line, want := range map[string]tui.Command{
		"/send a.jpg":                  {Verb: tui.VerbSend, Path: "a.jpg"},
		"/send a.jpg look at that":     {Verb: tui.VerbSend, Path: "a.jpg", Text: "look at that"},
		`/send "my pictures/a.jpg" ok`: {Verb: tui.VerbSend, Path: "my pictures/a.jpg", Text: "ok"},
		"/save":                        {Verb: tui.VerbSave},
		"/save ^2":                     {Verb: tui.VerbSave, Number: 2},
		"/save ^2 ~/in":                {Verb: tui.VerbSave, Number: 2, Path: "~/in"},
		"/save in":                     {Verb: tui.VerbSave, Path: "in"},
	} {
		if c, err := tui.ParseCommand(line); err != nil || c != want {
			t.Errorf("%s: %+v, %v", line, c, err)
		}
	}
	for _, line := range []string{"/send", `/send "a`, "/save ^0", "/save ^x", "/save a b"} {
		if c, err := tui.ParseCommand(line); err == nil {
			t.Errorf("%s: %+v", line, c)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"a.jpg": "a.jpg", "../../.ssh/authorized_keys": "authorized_keys", `C:\Windows\x.dll`: "x.dll", ".bashrc": "bashrc",
		"..": "file", "": "file", "con.txt": "file con.txt", "COM1": "file COM1", "사진.jpg": "사진.jpg", "a\x1b[2J\n.txt": "a_[2J_.txt", "a:b?.txt": "a_b_.txt",
		"a/": "file", strings.Repeat("x", 300) + ".png": strings.Repeat("x", 96) + ".png",
	} {
		if got := tui.SafeName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// filing is a connection that takes and gives files.
type filing struct {
	*fake
	uploaded []byte
	said     client.Reply
	give     string
	err      error
}

func (f *filing) Upload(_ context.Context, n client.NewFile) (chat.FileInfo, error) {
	b, err := io.ReadAll(io.NewSectionReader(n.Content, 0, n.Bytes))
	f.uploaded = b
	return chat.FileInfo{ID: 7, Name: n.Name, Type: "text/plain", Bytes: n.Bytes}, err
}

func (f *filing) Reply(_ context.Context, _ chat.RoomID, y client.Reply) (chat.Seq, error) {
	f.said = y
	return 1, f.err
}

func (f *filing) Download(_ context.Context, _ client.NamedFile, w io.Writer) (int64, error) {
	n, err := io.WriteString(w, f.give)
	return int64(n), errors.Join(err, f.err)
}

func TestFilesAreSentAndSaved(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "a b.txt")
	if err := os.WriteFile(from, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := &filing{fake: newFake(), give: "bytes"}
	done := tui.Perform(t.Context(), conn, tui.SendFile{Room: lobby, Path: from, Text: "look"})
	if failed, is := done.(tui.Failed); is || !bytes.Equal(conn.uploaded, []byte("hello")) || conn.said.Text != "look" || len(conn.said.Files) != 1 || conn.said.Files[0] != 7 {
		t.Fatalf("%+v: %q, %+v", failed, conn.uploaded, conn.said)
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir} {
		if failed, is := tui.Perform(t.Context(), conn, tui.SendFile{Room: lobby, Path: path}).(tui.Failed); !is || strings.Contains(failed.Err.Error(), dir) {
			t.Errorf("%s: %+v", path, failed)
		}
	}
	save := tui.SaveFiles{Room: lobby, Seq: 1, To: dir, Files: chat.NewFileList(chat.FileInfo{ID: 7, Name: "../a b.txt", Type: "text/plain"})}
	for _, want := range []string{"a b (2).txt", "a b (3).txt"} { // what is there stays
		told, is := tui.Perform(t.Context(), conn, save).(tui.Notice)
		if got, err := os.ReadFile(filepath.Join(dir, want)); !is || err != nil || string(got) != "bytes" || !strings.Contains(told.Text, want) {
			t.Fatalf("%+v: %q, %v", told, got, err)
		}
	}
	conn.err = errors.New("lost")
	if failed, is := tui.Perform(t.Context(), conn, save).(tui.Failed); !is || failed.Err == nil {
		t.Fatalf("%+v", failed)
	}
	if _, err := os.Stat(filepath.Join(dir, "a b (4).txt")); err == nil {
		t.Error("a part of a file was left")
	}
	if got, err := os.ReadFile(from); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}
