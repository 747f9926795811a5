package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store"
)

func openStore(t *testing.T, dir string) chat.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.DefaultURL(dir), store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// listen answers at a socket of a folder until the test ends.
func listen(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Listen(t.Context(), dir, &Operations{Store: openStore(t, dir), Now: time.Now}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// shortDir is a folder whose path fits into a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sarang")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func silent(Answer) {}

func TestSocket(t *testing.T) {
	dir := shortDir(t)
	_, err := Ask(t.Context(), dir, Request{Do: "ping"}, silent)
	if !errors.Is(err, ErrNobody) {
		t.Fatalf("without a server: %v", err)
	}
	// What a killed server has left does not keep the next one from it.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, SocketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	s := listen(t, dir)
	if info, err := os.Lstat(s.path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("the socket: %v, %v; want mode 0600", info.Mode(), err)
	}
	if got, err := Ask(t.Context(), dir, Request{Do: "ping"}, silent); err != nil || string(got) != "{}" {
		t.Errorf("ping: %s, %v", got, err)
	}
	if _, err := Listen(t.Context(), dir, s.operations, s.log); chat.CodeOf(err) != chat.CodeAlreadyRunning {
		t.Errorf("a second server at the socket: %v", err)
	}
	if _, err := Ask(t.Context(), dir, Request{Do: "dance"}, silent); chat.CodeOf(err) != chat.CodeUnknownPacket {
		t.Errorf("an operation that nobody knows: %v", err)
	}
	if _, err := Ask(t.Context(), dir, Request{Do: "backup", Args: json.RawMessage(`{"dir":"here"}`)}, silent); chat.CodeOf(err) != chat.CodeBadRequest {
		t.Errorf("a backup at a path that is not whole: %v", err)
	}
	if _, err := Ask(t.Context(), dir, Request{Do: "backup", Args: json.RawMessage(`[]`)}, silent); chat.CodeOf(err) != chat.CodeMalformed {
		t.Errorf("arguments of another form: %v", err)
	}
	s.Close()
	if _, err := os.Lstat(s.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
}

// Something of that name that is no socket is left as it is.
func TestSocketIsSomethingElse(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, SocketFile)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &Operations{Store: openStore(t, dir), Now: time.Now}
	if s, err := Listen(t.Context(), dir, o, slog.Default()); err == nil {
		s.Close()
		t.Error("a file was taken for a socket")
	}
	if text, err := os.ReadFile(path); string(text) != "mine" {
		t.Errorf("the file has %q, %v", text, err)
	}
	long := filepath.Join(dir, strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(t.Context(), long, o, slog.Default())
	if err == nil {
		s.Close() // this system takes longer ones
	} else if !strings.Contains(err.Error(), "too long for a socket") {
		t.Errorf("a long path: %v", err)
	}
}

// Nonsense is told so, and nobody's silence or crowd holds up others for ever.
func TestSocketHostile(t *testing.T) {
	dir := shortDir(t)
	s := listen(t, dir)
	open := func() net.Conn {
		conn, err := dial(t.Context(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	answer := func(conn net.Conn) chat.Code {
		line, err := bufio.NewReader(conn).ReadBytes('\n')
		var a Answer
		if err != nil || json.Unmarshal(line, &a) != nil || a.Error == nil {
			t.Fatalf("%q, %v; want an error", line, err)
		}
		return a.Error.Code
	}
	for _, text := range []string{"\n", "{}x\n", "[1]\n", `{"do":1}` + "\n", `{"do":"ping","as":"root"}` + "\n", strings.Repeat("x", requestBytesMax)} {
		conn := open()
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if code := answer(conn); code != chat.CodeMalformed {
			t.Errorf("%.20q: code %d", text, code)
		}
		_ = conn.Close()
	}
	var all []net.Conn
	for range connectionsMax {
		all = append(all, open())
	}
	// The accepting goroutine takes them in order: this one is behind the others.
	if code := answer(open()); code != chat.CodeTooMany {
		t.Errorf("one connection too many: code %d", code)
	}
	for _, conn := range all {
		_ = conn.Close()
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, err := Ask(t.Context(), dir, Request{Do: "ping"}, silent)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody is there, and the places are taken: %v", err)
		}
	}
	// Who asks can give it up, and the end of the server gives up what is being answered.
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := Ask(ctx, dir, Request{Do: "ping"}, silent); err == nil {
		t.Error("an answer for somebody who had given up")
	}
	open()
	s.Close()
}

// A backup by the socket is whole, and progress is told.
func TestBackupBySocket(t *testing.T) {
	dir, to := shortDir(t), t.TempDir()
	s := listen(t, dir)
	if _, err := s.operations.Store.ClaimUser(t.Context(), chat.Claim{Name: "ann", Key: "ann", NowMs: 1}); err != nil {
		t.Fatal(err)
	}
	args, _ := json.Marshal(BackupArgs{Dir: to})
	told := 0
	answer, err := Ask(t.Context(), dir, Request{Do: "backup", Args: args}, func(Answer) { told++ })
	var r BackupResult
	if err != nil || json.Unmarshal(answer, &r) != nil || r.Bytes == 0 || told == 0 {
		t.Fatalf("%s, %v; told %d times", answer, err, told)
	}
	file := filepath.Join(t.TempDir(), "b.db")
	if a, err := store.FinishBackup(t.Context(), to, file, func(string, uint64, uint64) {}); err != nil || a.Users != 1 || a.Faults != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the backup stays: %v", err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if a, err := store.Restore(t.Context(), file, data, func(string, uint64, uint64) {}); err != nil || a.Users != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	if u, err := openStore(t, data).UserByKey(t.Context(), "ann"); err != nil || u.Name != "ann" {
		t.Errorf("%+v, %v", u, err)
	}
}
