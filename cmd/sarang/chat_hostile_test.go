package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

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

// What a log on a terminal quotes stays quoted.
func TestColouredLogPrintsNothingUnclean(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for _, bad := range []string{badText(), `not an escape: \x1b]0;owned`} {
		var out bytes.Buffer
		l, err := newLogger(&out, true, "debug", "auto")
		if err != nil {
			t.Fatal(err)
		}
		l.Info("said", "text", bad, "error", errors.New(bad))
		colours := regexp.MustCompile("\x1b\\[[0-9;]*m")
		wantPrintable(t, map[string]string{"log": colours.ReplaceAllString(out.String(), "")})
	}
}
