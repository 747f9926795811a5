package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/engine/tlscodec/tlstest"
	"sarang/internal/server"
	"sarang/internal/store"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		args []string
		want chatTarget
	}{
		{[]string{"ann@host"}, chatTarget{"ann", "host:7777", ""}},
		{[]string{"ann@host:1234", "#dev"}, chatTarget{"ann", "host:1234", "dev"}},
		{[]string{"민지@host", "사랑방"}, chatTarget{"민지", "host:7777", "사랑방"}},
		{[]string{"host:1"}, chatTarget{"me", "host:1", ""}},
		{[]string{"@host"}, chatTarget{"me", "host:7777", ""}},
		{[]string{"ann@127.0.0.1"}, chatTarget{"ann", "127.0.0.1:7777", ""}},
		{[]string{"ann@::1"}, chatTarget{"ann", "[::1]:7777", ""}},
		{[]string{"ann@[::1]"}, chatTarget{"ann", "[::1]:7777", ""}},
		{[]string{"ann@[::1]:80"}, chatTarget{"ann", "[::1]:80", ""}},
	} {
		got, err := parseTarget(c.args, "me")
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.args, got, err, c.want)
		}
	}
	for _, args := range [][]string{
		{"ann@"},
		{""},
		{"ann@host:"},
		{"ann@host:0"},
		{"ann@host:99999"},
		{"ann@host:x"},
		{"ann@:7"},
		{"a b@host"},
		{"ann@host", "two words"},
		{"ann@http://host"},
		{"ann@a:b:c"},
	} {
		if got, err := parseTarget(args, "me"); err == nil {
			t.Errorf("%q is %+v; want an error", args, got)
		}
	}
	if _, err := parseTarget([]string{"host"}, ""); err == nil || !strings.Contains(err.Error(), "NAME@host") {
		t.Errorf("nobody: %v", err)
	}
}

// talk runs the command as a script would.
func talk(t *testing.T, in string, args ...string) (out, log string, err error) {
	t.Helper()
	return talkIn(t.Context(), in, args...)
}

func talkIn(ctx context.Context, in string, args ...string) (out, log string, err error) {
	c := chatCommand()
	var o, l bytes.Buffer
	c.SetArgs(args)
	c.SetIn(strings.NewReader(in))
	c.SetOut(&o)
	c.SetErr(&l)
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.ExecuteContext(ctx)
	return o.String(), l.String(), err
}

func TestChatUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"ann@"},
		{"ann@h", "#a", "hello"},
		{"ann@h", "--plain", "--history", "-1"},
		{"ann@h", "--plain", "--no-save", "--resume"},
		{"ann@h", "--plain", "--log-level", "loud"},
		{"ann@h", "--plain", "--resume", "--token-file", "f"},
		{"ann@h", "--plain", "--ca", "file"},
		{"ann@h", "--plain", "--tls", "--ca", "/no/such/file"},
		{"ann@h", "--plain", "--tls", "--ca", "chat_test.go"},
	} {
		var usage usageError
		if _, _, err := talk(t, "", args...); !errors.As(err, &usage) {
			t.Errorf("%q: %v; want a usage error", args, err)
		}
	}
}

func TestChatOfNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // nobody listens there now
	_, _, err = talk(t, "hi\n", "ann@"+addr, "--plain", "--no-save")
	var usage usageError
	if err == nil || errors.As(err, &usage) {
		t.Errorf("a server that is not there: %v", err)
	}
}

// startServer returns the address of a server of this test's.
func startServer(t *testing.T) string { return startServerAt(t, "tcp", tlstest.Certificate{}) }

func startServerAt(t *testing.T, scheme string, cert tlstest.Certificate) string {
	c := server.Default()
	c.Web = server.Address{}
	c.Listen = []server.Address{{Scheme: scheme, Addr: netip.MustParseAddrPort("127.0.0.1:0")}}
	c.TLSCert, c.TLSKey = cert.CertFile, cert.KeyFile
	c.HTTP, c.DataDir, c.Sync, c.SessionsMax = server.Nowhere, t.TempDir(), store.ProcessSafe, 8
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	return s.Addrs()[0].Addr.String()
}

// Who has the proof of a name keeps it; who has not is told so.
func TestChatKeepsTheName(t *testing.T) {
	addr := startServer(t)
	mine, other := t.TempDir(), t.TempDir()
	home := func(dir string) { // wherever a system looks for the folder
		t.Setenv("XDG_CONFIG_HOME", dir)
		t.Setenv("HOME", dir)
		t.Setenv("AppData", dir)
	}
	home(mine)
	for _, line := range []string{"first", "second"} {
		out, log, err := talk(t, line+"\n", "mina@"+addr, "#room", "--plain")
		if err != nil || !strings.Contains(out, "mina: "+line) {
			t.Fatalf("%v\n%s%s", err, out, log)
		}
	}
	home(other)
	if out, _, err := talk(t, "I am mina\n", "mina@"+addr, "#room", "--plain"); err == nil ||
		!strings.Contains(err.Error(), "choose another name") {
		t.Errorf("another mina: %v\n%s", err, out)
	}
	home(mine)
	out, _, err := talk(t, "", "mina@"+addr, "#room", "--plain", "--history", "100")
	if err != nil || !strings.Contains(out, "mina: second") || strings.Contains(out, "I am mina") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Over TLS, with an authority of one's own; without it nothing is said.
func TestChatTLS(t *testing.T) {
	cert := tlstest.Write(t, t.TempDir(), 1)
	addr := startServerAt(t, "tls", cert)
	out, log, err := talk(t, "hello\n", "mina@"+addr, "#room", "--plain", "--no-save", "--tls", "--ca", cert.CertFile)
	if err != nil || !strings.Contains(out, "mina: hello") {
		t.Errorf("%v\n%s%s", err, out, log)
	}
	if _, _, err := talk(t, "hello\n", "nina@"+addr, "#room", "--plain", "--no-save", "--tls"); err == nil ||
		!strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server that nobody knows: %v", err)
	}
}

func TestChatTokenFile(t *testing.T) {
	addr := startServer(t)
	path := filepath.Join(t.TempDir(), "token")
	for range 2 {
		if out, log, err := talk(t, "hi\n", "bot@"+addr, "--plain", "--token-file", path); err != nil {
			t.Fatalf("%v\n%s%s", err, out, log)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text))); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	// A link stays one, and what has not changed is not written.
	link := filepath.Join(t.TempDir(), "link")
	err = os.Symlink(path, link)
	if through, readErr := os.ReadFile(link); err != nil || string(through) != string(text) {
		t.Log("no link can be made here: ", err, readErr)
		link = path
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := talk(t, "hi\n", "bot@"+addr, "--plain", "--token-file", link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("the token was written again: %v, %v", info, err)
	}
	// A token that the server does not know says nothing about a name that is free.
	if err := os.WriteFile(path, []byte("AAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := talk(t, "hi\n", "bot@"+addr, "--plain", "--token-file", path); err == nil {
		t.Error("a wrong token was good enough for a name that is taken")
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != "AAAA\n" {
		t.Errorf("the token file was changed to %q, %v", now, err)
	}
}
