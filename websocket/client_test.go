package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sarang/packet"
	"sarang/websocket"
)

// The key and its answer of RFC 6455, section 1.3.
func TestUpgradeOfTheStandard(t *testing.T) {
	r := request("")
	r.Header.Set("Sec-Websocket-Protocol", "chat, superchat")
	answer, protocol, err := websocket.Upgrade(r, http.Header{}, "superchat", "chat")
	if err != nil || protocol != "superchat" || !strings.Contains(string(answer), "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("%q, %q, %v", answer, protocol, err)
	}
	got, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), r)
	if err != nil || got.StatusCode != http.StatusSwitchingProtocols || got.Header.Get("Sec-Websocket-Protocol") != "superchat" {
		t.Errorf("%v, %v", got, err)
	}
}

// request is that of the standard, with one header left out or changed: "Field: value".
func request(change string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://server.example.com/chat", nil)
	for _, h := range []string{
		"Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-Websocket-Version: 13", "Sec-Websocket-Protocol: chat",
	} {
		field, value, _ := strings.Cut(h, ": ")
		if changed, to, _ := strings.Cut(change, ": "); changed == field {
			value = to
		}
		if value != "" {
			r.Header.Set(field, value)
		}
	}
	return r
}

func TestUpgradeRefused(t *testing.T) {
	for change, status := range map[string]int{
		"Upgrade: ":                                 426,
		"Upgrade: h2c":                              426,
		"Connection: keep-alive":                    426,
		"Sec-Websocket-Version: 8":                  426,
		"Sec-Websocket-Version: ":                   426,
		"Sec-Websocket-Key: ":                       400,
		"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ": 400,
		"Sec-Websocket-Key: c2hvcnQ=":               400,
		"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZSBhbmQgbW9yZQ==": 400,
		"Sec-Websocket-Protocol: ":                                400,
		"Sec-Websocket-Protocol: Chat":                            400,
	} {
		_, _, err := websocket.Upgrade(request(change), http.Header{}, "chat")
		var refused *websocket.HandshakeError
		if !errors.As(err, &refused) || refused.Status != status {
			t.Errorf("%q: %v, want %d", change, err, status)
		}
	}
	post := request("")
	post.Method = http.MethodPost
	old := request("")
	old.ProtoMinor = 0
	twice := request("")
	twice.Header.Add("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	for _, r := range []*http.Request{post, old, twice} {
		if _, _, err := websocket.Upgrade(r, http.Header{}, "chat"); err == nil {
			t.Errorf("%v is upgraded", r)
		}
	}
	if _, _, err := websocket.Upgrade(request("Upgrade: WebSocket"), http.Header{}, "chat"); err != nil {
		t.Error(err)
	}
}

// newClient makes a codec that carries packets.
func newClient() *websocket.Client {
	n := uint64(0)
	return websocket.NewClient(&websocket.ClientConfig{
		Host: "server.example.com", Path: "/chat", Protocol: "chat", Framer: packet.Framer{}, BytesMax: 1000,
		Random: func() uint64 { n++; return n * 0x9e3779b97f4a7c15 },
	})
}

// upgraded does the handshake, and returns the server's answer.
func upgraded(t testing.TB, c *websocket.Client) []byte {
	t.Helper()
	raw, err := c.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if r.Host != "server.example.com" || r.URL.Path != "/chat" {
		t.Errorf("asked is %v of %q", r.URL, r.Host)
	}
	answer, _, err := websocket.Upgrade(r, http.Header{}, "chat")
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// A client reads the same however its stream is cut: the answer, messages, pings, and the
// end.
func TestClientEveryCut(t *testing.T) {
	packets := [][]byte{{4, 0, 1, 0}, {6, 0, 3, 0, 'h', 'i'}}
	stream := upgraded(t, newClient())
	stream = websocket.AppendFrame(stream, websocket.OpBinary, packets[0])
	stream = websocket.AppendFrame(stream, websocket.OpPing, []byte("there?"))
	stream = append(websocket.AppendHeader(stream, false, websocket.OpBinary, 2), packets[1][:2]...)
	stream = websocket.AppendFrame(stream, websocket.OpPong, nil)
	stream = append(websocket.AppendHeader(stream, true, websocket.OpContinuation, 4), packets[1][2:]...)
	stream = websocket.AppendFrame(stream, websocket.OpClose, websocket.ClosePayload(websocket.CodeGoingAway, "bye"))
	for cut := range len(stream) {
		for _, pieces := range [][][]byte{{stream[:cut], stream[cut:]}, singles(stream, cut)} {
			c := newClient()
			upgraded(t, c)
			var plain, raw []byte
			var err error
			for _, piece := range pieces {
				if plain, raw, err = c.Decode(plain, raw, piece); err != nil {
					break
				}
			}
			if err != io.EOF || !bytes.Equal(plain, bytes.Join(packets, nil)) {
				t.Fatalf("cut at %d: %x, %v", cut, plain, err)
			}
			got, err := said(websocket.Framer{Masked: true, PayloadBytesMax: 1000}, c.End(raw), 1<<20)
			if err != nil || strings.Join(got, ", ") != "pong there?, close 1000 " {
				t.Fatalf("cut at %d: answered is %q, %v", cut, got, err)
			}
			c.Release()
		}
	}
}

// singles is the stream in pieces of one byte, from at on.
func singles(stream []byte, at int) (all [][]byte) {
	all = append(all, stream[:at])
	for i := range stream[at:] {
		all = append(all, stream[at+i:at+i+1])
	}
	return all
}

// Each packet that is sent has a message of its own, with a mask of its own.
func TestClientEncode(t *testing.T) {
	c := newClient()
	answer := upgraded(t, c)
	if c.Ready() {
		t.Error("a client is ready before it has its answer")
	}
	if _, _, err := c.Decode(nil, nil, answer); err != nil || !c.Ready() {
		t.Fatalf("ready: %v, %v", c.Ready(), err)
	}
	raw, err := c.Encode(nil, []byte{4, 0, 1, 0, 6, 0, 3, 0, 'h', 'i', 4, 0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	got, err := said(websocket.Framer{Masked: true, PayloadBytesMax: 1000}, raw, 1<<20)
	want := "binary \x04\x00\x01\x00, binary \x06\x00\x03\x00hi, binary \x04\x00\x01\x00"
	if err != nil || strings.Join(got, ", ") != want {
		t.Errorf("%q, %v", got, err)
	}
	if bytes.Equal(raw[:10], raw[len(raw)-10:]) {
		t.Error("two messages have the same mask")
	}
	if _, err := c.Encode(nil, []byte{9, 0, 1, 0}); err == nil {
		t.Error("half a packet is sent")
	}
	got, err = said(websocket.Framer{Masked: true, PayloadBytesMax: 1000}, c.End(c.End(nil)), 1<<20)
	if err != nil || len(got) != 1 || got[0] != "close 1000 " {
		t.Errorf("at the end: %q, %v", got, err)
	}
}

// What a server must not answer, and must not send.
func TestClientRefuses(t *testing.T) {
	good := string(upgraded(t, newClient()))
	for _, answer := range []string{
		"HTTP/1.1 403 Forbidden\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n\r\n",
		strings.Replace(good, "Accept: ", "Accept: x", 1),
		strings.Replace(good, "Upgrade: websocket", "Upgrade: h2c", 1),
		strings.Replace(good, "Connection: Upgrade", "Connection: close", 1),
		strings.Replace(good, "Protocol: chat", "Protocol: superchat", 1),
		strings.Replace(good, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1),
		strings.Repeat("x", 20_000),
	} {
		c := newClient()
		upgraded(t, c)
		_, _, err := c.Decode(nil, nil, []byte(answer))
		if !errors.As(err, new(*websocket.HandshakeError)) || c.Ready() {
			t.Errorf("%.60q: %v, ready %v", answer, err, c.Ready())
		}
		if raw := c.End(nil); len(raw) > 0 {
			t.Errorf("%.60q: frames before there is a WebSocket: %x", answer, raw)
		}
	}
	for stream, code := range map[string]websocket.Code{
		"81 01 41": websocket.CodeUnsupported, "82 7e 03 e9": websocket.CodeTooBig, "82 81": websocket.CodeProtocol,
		"88 01 41": websocket.CodeProtocol, "02 00 82 00": websocket.CodeProtocol,
	} {
		c := newClient()
		upgraded(t, c)
		_, raw, err := c.Decode(nil, nil, append([]byte(good), unhex(t, stream)...))
		got, err2 := said(websocket.Framer{Masked: true, PayloadBytesMax: 1000}, raw, 1<<20)
		if codeOf(err) != code || err2 != nil || len(got) != 1 || !strings.HasPrefix(got[0], "close ") {
			t.Errorf("%s: %v; answered is %q, %v", stream, err, got, err2)
		}
	}
}

// FuzzClient takes any bytes from a server, in pieces: no panic, and what is answered are
// frames.
func FuzzClient(f *testing.F) {
	good := upgraded(f, newClient())
	f.Add(good, 7)
	for _, c := range conversations() {
		f.Add(append(bytes.Clone(good), unhex(f, c.stream)...), 100)
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		c := newClient()
		upgraded(t, c)
		var plain, raw []byte
		var err error
		for piece = max(piece, 1); err == nil && len(stream) > 0; {
			n := min(piece, len(stream))
			plain, raw, err = c.Decode(plain, raw, stream[:n])
			stream = stream[n:]
		}
		if _, err := said(websocket.Framer{Masked: true, PayloadBytesMax: 1000}, c.End(raw), 1<<20); err != nil {
			t.Fatalf("%x is answered: %v", raw, err)
		}
	})
}
