package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/client"
)

// FuzzTarget reads whom to be, and where, from what people type. What is taken is a name
// that a server may take, a host with a port, and a room; written down in full and read
// again it is the same.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"ann@host", "ann@host:1234", "민지@[::1]:80", "@host", "ann@", "", "ann@::1", "a@b@host", "ann@[fe80::1%eth0]", "ann@]]::1[[",
		"ann@[host]:80", "ann@[::1]", "ann@[::1", "ann@host:00080", "ann@010.0.0.1:80", "ann@http://host", "ann@ho st:80", "ann@h\x00:80", "ann@:80",
	} {
		f.Add(s, "#dev", "me")
		f.Add(s, "", "")
	}
	f.Fuzz(func(t *testing.T, whom, room, user string) {
		args := []string{whom}
		if room != "" {
			args = append(args, room)
		}
		got, err := parseTarget(args, user)
		if err != nil {
			return
		}
		if _, _, err := chat.ParseUserName(got.name); err != nil {
			t.Fatalf("%q: the name %q: %v", args, got.name, err)
		}
		host, port, err := net.SplitHostPort(got.addr)
		number, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || number == 0 || host == "" || strings.ContainsAny(host, "[]/@ \x00\n") {
			t.Fatalf("%q: the address %q", args, got.addr)
		}
		if port != strconv.FormatUint(number, 10) {
			t.Fatalf("%q: the port %q is known by another name", args, port)
		}
		full := []string{got.name + "@" + got.addr}
		if room != "" {
			full = append(full, "#"+got.room)
		}
		if again, err := parseTarget(full, "nobody"); err != nil || again != got {
			t.Fatalf("%q: %+v; %q: %+v, %v", args, got, full, again, err)
		}
	})
}

// FuzzListen reads an address to listen on; what is looked up elsewhere is left out.
func FuzzListen(f *testing.F) {
	for _, s := range []string{
		"tcp://127.0.0.1:7777", "tcp://[::]:7777", "tcp://:7777", "tcp://[::ffff:1.2.3.4]:1", "tcp://[fe80::1%lo]:2", "tcp://[::1]:0",
		"127.0.0.1:7777", "tcp://", "tcp://:", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:-1", "udp://:1", "tcp://[::1", "tcp://010.0.0.1:1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, port, err := net.SplitHostPort(strings.TrimPrefix(s, "tcp://"))
		if _, e := netip.ParseAddr(host); err == nil && e != nil && host != "" {
			return
		}
		where, parseErr := parseListen(s)
		at := where.Addr
		if parseErr != nil {
			if at.IsValid() || !strings.HasPrefix(parseErr.Error(), "listen is "+strconv.Quote(s)) {
				t.Fatalf("%q: %v, %v", s, at, parseErr)
			}
			return
		}
		if err != nil || !strings.HasPrefix(s, "tcp://") || at.Addr().Is4In6() || !at.IsValid() {
			t.Fatalf("%q is %v", s, at)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && uint16(n) != at.Port() {
			t.Fatalf("%q is %v", s, at)
		}
		if again, err := parseListen("tcp://" + at.String()); err != nil || again != where {
			t.Fatalf("%q is %v, and read again %v, %v", s, at, again, err)
		}
	})
}

// FuzzActivation reads what systemd says of sockets that it hands over. Only what is
// meant for this process counts, and at most 64 of them, from the third file on.
func FuzzActivation(f *testing.F) {
	for _, s := range []string{"1", "0", "64", "65", "-1", "", "x", "007", "+2", " 2", "1e1", "99999999999999999999", "0x2"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, fds string, ours bool) {
		if strings.ContainsRune(fds, 0) {
			return // no environment has that
		}
		t.Setenv("LISTEN_FDS", fds)
		t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		if !ours {
			t.Setenv("LISTEN_PID", "1"+strconv.Itoa(os.Getpid()))
		}
		sockets, err := inheritedSockets()
		if !ours {
			if err != nil || len(sockets) > 0 {
				t.Fatalf("%q is for somebody else: %v, %v", fds, sockets, err)
			}
			return
		}
		n, numberErr := strconv.Atoi(fds)
		if good := numberErr == nil && 0 <= n && n <= 64; good != (err == nil) {
			t.Fatalf("LISTEN_FDS=%q: %v, %v", fds, sockets, err)
		}
		if err != nil {
			if len(sockets) > 0 || !strings.Contains(err.Error(), strconv.Quote(fds)) {
				t.Fatalf("LISTEN_FDS=%q: %v, %v", fds, sockets, err)
			}
			return
		}
		if len(sockets) != n {
			t.Fatalf("LISTEN_FDS=%q: %v", fds, sockets)
		}
		for i, s := range sockets {
			if s != uintptr(3+i) {
				t.Fatalf("LISTEN_FDS=%q: %v", fds, sockets)
			}
		}
	})
}

// FuzzTokenFile reads anything as the proof of a name. It is refused with the file's
// name, or is a token that is read again after it was kept. Nothing at all is made one.
func FuzzTokenFile(f *testing.F) {
	for _, s := range []string{"AQIDBAUGBwgJCgsMDQ4PEA==\n", "", "\n", "AQID", "AQ=", "?", "AQID\r\nAQID\n", "\xff"} {
		f.Add([]byte(s))
	}
	target := chatTarget{name: "ann", addr: "host:7777"}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := openKeeper(chatFlags{tokenFile: path}, target)
		if err != nil {
			if k != nil || !strings.Contains(err.Error(), path) {
				t.Fatalf("%q: %+v, %v", text, k, err)
			}
			return
		}
		if k.id.Name != target.name || k.id.Server != target.addr || len(text) > 0 && len(k.id.Token) > len(text) {
			t.Fatalf("%q is %+v", text, k.id)
		}
		k.self = loggedIn(target.name, k.id.Token)
		if err := k.save(); err != nil {
			t.Fatal(err)
		}
		again, err := openKeeper(chatFlags{tokenFile: path}, target)
		if err != nil || string(again.id.Token) != string(k.id.Token) {
			t.Fatalf("%q is %x, and read again %+v, %v", text, k.id.Token, again, err)
		}
	})
}

// loggedIn is what a server says at a login.
func loggedIn(name string, token []byte) func() client.LoggedIn {
	return func() client.LoggedIn { return client.LoggedIn{Name: name, Token: token} }
}
