package server_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
)

// TestFilesOfTheSDK sends and gets a file by package client, through a server that is started
// again in the middle.
func TestFilesOfTheSDK(t *testing.T) {
	c := oneServer(t)
	c.DataDir = t.TempDir()
	s, _ := filesServer(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	addr := "ws://" + s.WebAddr().Addr.String()
	c.Web = s.WebAddr() // the same again
	conn, err := client.Dial(ctx, client.Config{
		Addr: addr, Name: "mina", DiscardEvents: true, ReconnectMin: 20 * time.Millisecond, ReconnectMax: 200 * time.Millisecond, Logger: c.Logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	room, err := conn.Join(ctx, client.Join{Name: "hall", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("a line of the file\n"), 200000) // some pieces
	again := make(chan *running, 1)
	up := client.NewFile{Name: "log.txt", Content: bytes.NewReader(content), Bytes: int64(len(content))}
	stopped := false
	up.Progress = func(done, all int64) {
		if all != up.Bytes || done > all {
			t.Errorf("%d of %d", done, all)
		}
		if stopped || done == 0 || done == all {
			return
		}
		stopped = true
		stop(t, s)
		again <- start(t, c)
	}
	file, err := conn.Upload(ctx, up)
	if err != nil || file.Bytes != up.Bytes || file.Type != "text/plain" {
		t.Fatalf("%+v, %v", file, err)
	}
	if !stopped {
		t.Fatal("the server was not stopped in the middle")
	}
	s = <-again
	defer stop(t, s)
	seq, err := conn.Reply(ctx, room.Room.ID, client.Reply{Text: "see", Files: []chat.FileID{file.ID}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := conn.History(ctx, client.History{Room: room.Room.ID, Before: seq + 1, ItemsMax: 1})
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	named := page.Events[0].Files.All()
	if len(named) != 1 || named[0] != file || page.Events[0].Text != "see" {
		t.Fatalf("the message names %+v; the file is %+v", named, file)
	}
	var got bytes.Buffer
	n, err := conn.Download(ctx, client.NamedFile{Room: room.Room.ID, Seq: seq, File: file.ID}, &got)
	if err != nil || n != file.Bytes || !bytes.Equal(got.Bytes(), content) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	// What the reader does not take is his affair, and is not tried again.
	if _, err := conn.Download(ctx, client.NamedFile{Room: room.Room.ID, Seq: seq, File: file.ID}, broken{}); err == nil || err.Error() != "no room" {
		t.Fatalf("a writer that fails: %v", err)
	}
	if _, err := conn.Download(ctx, client.NamedFile{Room: room.Room.ID, Seq: seq + 1, File: file.ID}, &got); chat.CodeOf(err) != chat.CodeNoFile {
		t.Fatalf("what no message names: %v", err)
	}
	if _, err := conn.Upload(ctx, client.NewFile{Name: "a\nb", Content: bytes.NewReader(content), Bytes: 1}); chat.CodeOf(err) != chat.CodeBadFile {
		t.Fatalf("a bad name: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }
