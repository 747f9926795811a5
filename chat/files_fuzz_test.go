package chat_test

import (
	"testing"
	"unicode/utf8"

	"sarang/chat"
)

// FuzzBody splits and joins what a store may have in its column.
func FuzzBody(f *testing.F) {
	list := string(chat.NewFileList(chat.FileInfo{ID: 7, Name: "a, b", Type: "image/jpeg", Bytes: 10, Width: 1, Height: 2, Thumbnail: true}))
	for _, seed := range []string{"", "hello", list, "hello" + list + list, "\uFDD0", list[:len(list)-1], list + "\uFDD01,2", "\uFDD07,a,1,2,1,a/b,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		e := chat.Event{Kind: chat.EventMessage}
		e.SetBody(body)
		if e.Body() != body || e.BodyBytes() != len(body) {
			t.Fatalf("%q has become %q", body, e.Body())
		}
		if chat.CheckText(body, 1<<20) == nil && e.Files != "" {
			t.Fatalf("a text names files: %q", body)
		}
		files := e.Files.All()
		if (e.Files != "") != (len(files) > 0) || len(files) > chat.FilesPerMessageMax {
			t.Fatalf("%q names %d files", e.Files, len(files))
		}
		for i, file := range files {
			if chat.CheckFileName(file.Name) != nil || chat.CheckFileType(file.Type) != nil || file.ID == 0 || file.Bytes < 0 || file.Width < 0 || file.Height < 0 {
				t.Fatalf("a file is %+v", file)
			}
			if found, ok := e.Files.Find(file.ID); !ok || i == 0 && found != file {
				t.Fatalf("%+v is not found", file)
			}
		}
		if again := chat.NewFileList(files...); len(files) > 0 && len(again.All()) != len(files) {
			t.Fatalf("%q is told as %q", e.Files, again)
		}
		if !utf8.ValidString(body) {
			return // stores return none
		}
		if last := chat.LastText(body); last != chat.LastText(e.Text) {
			t.Fatalf("the beginning of %q is %q", body, last)
		}
	})
}
