package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sarang/internal/server"
	"sarang/internal/store"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// hostileServer accepts connections and hands each packet that comes to answer, which
// returns what is said about it. It ends a connection after a goodbye.
func hostileServer(t *testing.T, answer func(id uint16, payload []byte) map[packet.ID]packet.Marshaler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serveHostile(t, c, answer)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// requestOf is the number of a request: the first field of all of them.
func requestOf(payload []byte) uint32 {
	var m sarangv1.Join
	_ = m.UnmarshalVT(payload) // what is no request has none
	return m.Request
}

func serveHostile(t *testing.T, c net.Conn, answer func(id uint16, payload []byte) map[packet.ID]packet.Marshaler) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		payload := make([]byte, binary.LittleEndian.Uint16(head[:])-4)
		if _, err := io.ReadFull(c, payload); err != nil {
			return
		}
		said := answer(binary.LittleEndian.Uint16(head[2:]), payload)
		for _, id := range []packet.ID{sarangv1.SLogin, sarangv1.SJoin, sarangv1.SChat, sarangv1.SError, sarangv1.SGoodbye} {
			m, ok := said[id]
			if !ok {
				continue
			}
			b, err := packet.AppendVT(nil, id, m)
			if err != nil {
				t.Error(err)
			}
			if _, err := c.Write(b); err != nil {
				return
			}
		}
		if said[sarangv1.SGoodbye] != nil {
			return
		}
	}
}

// badText has every character that a terminal might act on, and sequences for it.
func badText() string {
	text := "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b[2J"
	for r := range rune(0xa0) {
		if unicode.IsControl(r) {
			text += string(r)
		}
	}
	for _, r16 := range unicode.Bidi_Control.R16 {
		for r := r16.Lo; r <= r16.Hi; r += r16.Stride {
			text += string(rune(r))
		}
	}
	return text + "\u2028\u2029"
}

// Whatever a server says in whatever packet, what `sarang chat` prints, and the error
// that main prints, are text.
func TestChatPrintsNothingUnclean(t *testing.T) {
	bad := badText()
	login := &sarangv1.LoggedIn{Version: 1, User: 7, Name: bad, Token: make([]byte, 16), Server: bad, Capabilities: []string{bad}}
	room := &sarangv1.Joined{Request: 1, Room: &sarangv1.RoomInfo{Id: 1, Name: bad, Epoch: 5}}
	event := &sarangv1.Event{Room: 1, Seq: 1, Kind: 1, User: 8, Name: bad, Text: bad}
	refusal := func(id packet.ID) *sarangv1.Error {
		return &sarangv1.Error{Code: 26, Message: bad, PacketId: uint32(id), Request: 1}
	}
	for name, answers := range map[string]map[uint16]map[packet.ID]packet.Marshaler{
		"login refused": {uint16(sarangv1.CLogin): {sarangv1.SError: &sarangv1.Error{Code: 7, Message: bad, PacketId: uint32(sarangv1.CLogin)}}},
		"name taken":    {uint16(sarangv1.CLogin): {sarangv1.SError: &sarangv1.Error{Code: 8, Message: bad, PacketId: uint32(sarangv1.CLogin)}}},
		"turned away":   {uint16(sarangv1.CLogin): {sarangv1.SGoodbye: &sarangv1.Goodbye{Code: 14, Message: bad}}},
		"join refused": {
			uint16(sarangv1.CLogin): {sarangv1.SLogin: login},
			uint16(sarangv1.CJoin):  {sarangv1.SError: refusal(sarangv1.CJoin)},
		},
		"put out": {
			uint16(sarangv1.CLogin): {sarangv1.SLogin: login},
			uint16(sarangv1.CJoin):  {sarangv1.SJoin: room, sarangv1.SChat: event, sarangv1.SError: &sarangv1.Error{Code: 1, Message: bad}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr := hostileServer(t, func(id uint16, payload []byte) map[packet.ID]packet.Marshaler {
				if id == uint16(sarangv1.CChat) {
					var m sarangv1.Publish
					if err := m.UnmarshalVT(payload); err != nil {
						t.Error(err)
					}
					return map[packet.ID]packet.Marshaler{sarangv1.SError: &sarangv1.Error{
						Code: 13, Message: bad, PacketId: uint32(sarangv1.CChat), Room: m.Room, Nonce: m.Nonce,
					}}
				}
				if id == uint16(sarangv1.CBlocks) {
					var m sarangv1.Blocks
					if err := m.UnmarshalVT(payload); err != nil {
						t.Error(err)
					}
					return map[packet.ID]packet.Marshaler{sarangv1.SError: &sarangv1.Error{
						Code: 28, Message: bad, PacketId: uint32(id), Request: m.Request,
					}}
				}
				if id == uint16(sarangv1.CJoin) { // whatever was asked before
					var m sarangv1.Join
					if err := m.UnmarshalVT(payload); err != nil {
						t.Error(err)
					}
					room.Request = m.Request
					if e, refused := answers[id][sarangv1.SError].(*sarangv1.Error); refused && e.PacketId != 0 {
						e.Request = m.Request
					}
				}
				return answers[id]
			})
			for _, format := range []string{"--plain", "--json"} {
				out, log, err := talk(t, "hi\n", "mina@"+addr, "#room", format, "--no-save")
				if err == nil {
					t.Fatal("it went well")
				}
				if errors.As(err, new(usageError)) {
					t.Errorf("a usage error: %v", err)
				}
				wantPrintable(t, map[string]string{"output": out, "log": log, "error": err.Error()})
			}
		})
	}
}

func wantPrintable(t *testing.T, texts map[string]string) {
	t.Helper()
	odd := func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	}
	for where, text := range texts {
		if i := strings.IndexFunc(text, odd); i >= 0 {
			t.Errorf("%q reaches the terminal by the %s: %q", text[i:i+1], where, text)
		}
		if !utf8.ValidString(text) {
			t.Errorf("the %s is not UTF-8: %q", where, text)
		}
	}
}

// The same for `sarang swarm`: its report, and the error that main prints.
func TestSwarmPrintsNothingUnclean(t *testing.T) {
	bad := badText()
	for name, answers := range map[string]map[uint16]map[packet.ID]packet.Marshaler{
		"login refused": {uint16(sarangv1.CLogin): {sarangv1.SError: &sarangv1.Error{Code: 7, Message: bad, PacketId: uint32(sarangv1.CLogin)}}},
		"turned away":   {uint16(sarangv1.CLogin): {sarangv1.SGoodbye: &sarangv1.Goodbye{Code: 14, Message: bad}}},
		"join refused": {
			uint16(sarangv1.CLogin): {sarangv1.SLogin: &sarangv1.LoggedIn{Version: 1, User: 7, Name: bad, Token: make([]byte, 16), Server: bad}},
			uint16(sarangv1.CJoin):  {sarangv1.SError: &sarangv1.Error{Code: 26, Message: bad, PacketId: uint32(sarangv1.CJoin), Request: 1}},
		},
	} {
		for _, format := range []string{"--quiet", "--json"} {
			t.Run(name+format, func(t *testing.T) {
				addr := hostileServer(t, func(id uint16, _ []byte) map[packet.ID]packet.Marshaler { return answers[id] })
				c := swarmCommand()
				c.SilenceErrors, c.SilenceUsage = true, true
				var out bytes.Buffer
				c.SetOut(&out)
				c.SetArgs([]string{"--addr", addr, "--clients", "1", "--rooms", "1", "--messages", "1", "--join-timeout", "1s", "--resume-timeout", "200ms", format})
				err := c.ExecuteContext(t.Context())
				if err == nil {
					t.Fatal("it went well")
				}
				wantPrintable(t, map[string]string{"output": out.String(), "error": err.Error()})
				var said any
				if format == "--json" && out.Len() > 0 && json.Unmarshal(out.Bytes(), &said) == nil {
					wantPrintable(t, map[string]string{"report": fmt.Sprint(said)})
				}
			})
		}
	}
}

// Whatever a line of a log quotes, a terminal can show it.
func TestLogPrintsNothingUnclean(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for _, format := range []string{"auto", "text", "json"} {
		for _, bad := range []string{badText(), `not an escape: \x1b]0;owned`} {
			var out bytes.Buffer
			l, err := newLogger(&out, true, "debug", format)
			if err != nil {
				t.Fatal(err)
			}
			l.Info(bad, "text", bad, "error", errors.New(bad))
			colours := regexp.MustCompile("\x1b\\[[0-9;]*m")
			wantPrintable(t, map[string]string{format + " log": colours.ReplaceAllString(out.String(), "")})
			var said map[string]any
			if format == "json" && (json.Unmarshal(out.Bytes(), &said) != nil || said["text"] != bad) {
				t.Errorf("%q is logged as %s", bad, out.String())
			}
		}
	}
}

// A client puts bad text wherever it can: the server's log has nothing of it.
func TestServerLogsNothingUnclean(t *testing.T) {
	bad := badText()
	for _, format := range []string{"auto", "text", "json"} {
		var out bytes.Buffer
		log, err := newLogger(&out, true, "debug", format)
		if err != nil {
			t.Fatal(err)
		}
		c := server.Default()
		c.Web = server.Address{}
		c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
		c.HTTP, c.DataDir, c.Sync, c.SessionsMax, c.Logger = server.Nowhere, t.TempDir(), store.ProcessSafe, 8, log
		s, err := server.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{bad, "mina"} {
			say(t, s.Addrs()[0].Addr.String(), []said{
				{sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: name, Client: bad, Token: []byte(bad)[:60], Capabilities: []string{bad}}},
				{sarangv1.CLogin, &sarangv1.Login{VersionMin: 1, VersionMax: 1, Name: name, Client: bad, Capabilities: []string{bad}}},
				{sarangv1.CCreate, &sarangv1.Create{Request: 1, Name: bad}},
				{sarangv1.CJoin, &sarangv1.Join{Request: 2, Name: bad, Create: true}},
				{sarangv1.CJoin, &sarangv1.Join{Request: 3, Name: "room", Create: true}},
				{sarangv1.CChat, &sarangv1.Publish{Room: 1, Nonce: 1, Text: bad}},
				{packet.ID(9998), &sarangv1.Publish{Text: bad}},
				{sarangv1.CPing, &sarangv1.Ping{Value: 1}},
			})
		}
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		colours := regexp.MustCompile("\x1b\\[[0-9;]*m")
		wantPrintable(t, map[string]string{format + " log": colours.ReplaceAllString(out.String(), "")})
	}
}

type said struct {
	id packet.ID
	m  packet.Marshaler
}

// say sends packets and reads until the answer to the last one, a ping, or the end.
func say(t *testing.T, addr string, all []said) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, s := range all {
		b, err := packet.AppendVT(nil, s.id, s.m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
	for {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil || packet.ID(binary.LittleEndian.Uint16(head[2:])) == sarangv1.SPong {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.LittleEndian.Uint16(head[:]))-4); err != nil {
			return
		}
	}
}

// The error of any command is shown as text.
func TestMainPrintsNothingUnclean(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.ReplaceAll(badText(), "\x00", "") // which no argument has
	for _, args := range [][]string{
		{bad},
		{"serve", bad},
		{"serve", "--listen", bad},
		{"serve", "--config", bad},
		{"serve", "--io", bad},
		{"serve", "--" + bad},
		{"chat", bad},
		{"chat", "mina@" + bad},
		{"chat", "mina@127.0.0.1:1", bad},
		{"swarm", "--addr", bad},
		{"swarm", "--" + bad},
	} {
		c := exec.Command(program, args...)
		c.Env = append(os.Environ(), mainVariable+"=1", "SARANG_"+strings.ReplaceAll(bad, "=", "")+"=1")
		text, err := c.CombinedOutput()
		if err == nil {
			t.Errorf("%q went well", args)
		}
		wantPrintable(t, map[string]string{fmt.Sprintf("output of %q", args): string(text)})
	}
}
