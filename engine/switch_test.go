package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
)

// A session that is switched by what it receives loses nothing, wherever the bytes are
// cut: frames before are packets, what others have read comes next, then lines.
func TestSwitchInReceived(t *testing.T) {
	stream := slices.Concat(pack(idEcho, 'a'), pack(idBye), []byte("one\ntwo "), []byte("and more\n\nthree\n"))
	for _, read := range []string{"", "zero\n", "half a line, "} {
		t.Run(fmt.Sprintf("%q read", read), func(t *testing.T) {
			everywhere(t, setup{}, func(h *harness) {
				for cut := range stream {
					switchedAt(h, stream[:cut], stream[cut:], read)
				}
			})
		})
	}
}

// switchedAt has a new peer write two parts of a stream, of which a packet idBye switches.
func switchedAt(h *harness, one, other []byte, read string) {
	p, notes := speakLines(h)
	if h.cuts == nil {
		h.cuts, h.notes = p, notes // one protocol for all cuts
	}
	p, notes = h.cuts, h.notes
	*notes = lineNotes{}
	heard := 0
	h.packet = func(s *engine.Session, got packetOf) {
		if heard++; got.ID == idBye {
			s.Switch(p, []byte(read))
			if s.Protocol() != p {
				h.Error("a switched session speaks something else")
			}
		}
	}
	peer, s := h.connect()
	received := h.service.Stats().BytesReceived
	for _, part := range [][]byte{one, other} {
		peer.write(part)
		received += uint64(len(part))
		h.until("the part to arrive", func() bool { return h.service.Stats().BytesReceived == received })
	}
	want := read + "one\ntwo and more\n\nthree\n"
	lines := 4 + strings.Count(read, "\n")
	h.until("all lines", func() bool { return len(notes.got) >= lines })
	if got := strings.Join(notes.got, ""); got != want || heard != 2 || len(notes.sessions) != 1 || notes.sessions[0] != s {
		h.Fatalf("cut after %d bytes: %d packets, lines %q", len(one), heard, notes.got)
	}
	s.Abort()
	h.until("the session's end", func() bool { return len(notes.ended) == 1 })
	if len(h.ended) != 0 {
		h.Error("the old handler was told of the end")
	}
}

// A session that is switched from elsewhere hands on what it has held: here, lines that
// look like the beginning of a packet.
func TestSwitchFromOutside(t *testing.T) {
	stream := []byte("zzzz\nthe first bytes are the size of a long packet\n")
	for _, paused := range []bool{false, true} {
		everywhere(t, setup{}, func(h *harness) {
			p, notes := speakLines(h)
			h.packet = func(*engine.Session, packetOf) { h.Error("a packet was found") }
			for cut := range stream {
				*notes = lineNotes{}
				peer, s := h.connect()
				if paused {
					s.Pause()
				}
				received := h.service.Stats().BytesReceived
				peer.write(stream[:cut])
				if !paused {
					received += uint64(cut)
					h.until("the part to arrive", func() bool { return h.service.Stats().BytesReceived == received })
				}
				s.Switch(p, nil)
				peer.write(stream[cut:])
				h.until("both lines", func() bool { return len(notes.got) == 2 })
				if got := strings.Join(notes.got, ""); got != string(stream) {
					h.Fatalf("cut after %d bytes: lines %q", cut, notes.got)
				}
				if s.Paused() {
					h.Error("a switched session is paused")
				}
			}
		})
	}
}

// The peer's end that has come already is behind what is still to be read.
func TestSwitchBeforeTheEnd(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		p, notes := speakLines(h)
		notes.answer = func(s *engine.Session, line string) {
			if len(notes.ended) > 0 {
				h.Error("a line after the end")
			}
			_ = s.Send([]byte(line))
		}
		h.packet = func(s *engine.Session, _ packetOf) { s.Switch(p, nil) }
		peer, _ := h.connect()
		peer.write(append(pack(idBye), "one\ntwo\n"...))
		peer.shutdown()
		h.until("the end", peer.over)
		if got := string(peer.got); got != "one\ntwo\nBYE peer_closed\n" {
			h.Errorf("the peer got %q", got)
		}
		peer.close()
		h.until("the session's end", func() bool { return len(notes.ended) == 1 })
		if notes.ended[0].Code != engine.ReasonPeerClosed || len(h.ended) != 0 {
			h.Errorf("ended with %v, and %v for the old handler", notes.ended, h.ended)
		}
	})
}

// What waits in the direct queue goes out before what the new protocol says, as it is;
// cursors stay behind, between two entries.
func TestSwitchKeepsTheDirectQueue(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket(), DirectQueueBytesMax: 1 << 20}}
	everywhere(t, c, func(h *harness) {
		p, notes := speakLines(h)
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		peer, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		peer.stall()
		s.Follow(f.feed, 1)
		f.append(50, 3000)
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 })
		for i := range 100 {
			_ = s.Send(numbered(i, 500))
		}
		s.Switch(p, nil)
		_ = notes.sessions[0].Send([]byte("a line\n"))
		f.append(1, 3000)
		peer.readOn()
		h.until("the line", func() bool { return bytes.HasSuffix(peer.got, []byte("a line\n")) })
		peer.got = peer.got[:len(peer.got)-len("a line\n")]
		if r := newReader(h, peer).expect(1, 1); r.has(1, 51) || r.direct != 100 || len(peer.got) != 0 {
			h.Errorf("entries up to %d, %d direct packets, %d bytes behind them", r.next[1], r.direct, len(peer.got))
		}
		if f.feed.Cursors() != 0 {
			h.Error("a cursor is left")
		}
	})
}

// To a protocol with a codec and back: each side's bytes are coded as they were when they
// were said.
func TestSwitchCodec(t *testing.T) {
	c := setup{faults: aiosim.Faults{DelayMax: 2e6, ShortSend: .3, SegmentBytesMin: 1, SegmentBytesMax: 5}}
	everywhere(t, c, func(h *harness) {
		p, notes := speakLines(h)
		secret, secrets := speakLines(h)
		released := 0
		secret.NewCodec = func(*engine.Session) engine.Codec { return &counted{veil: veil{end: []byte("E")}, released: &released} }
		say := func(s *engine.Session, line string) { _ = s.Send([]byte("you said " + line)) }
		notes.answer, secrets.answer = say, func(s *engine.Session, line string) {
			say(s, line)
			if line == "open\n" {
				s.Switch(p, []byte("read\n"))
				_ = s.Send([]byte("welcome back\n"))
			}
		}
		h.packet = func(s *engine.Session, _ packetOf) {
			_ = s.Send([]byte("plain\n"))
			s.Switch(secret, []byte("C"+veiledText("coded\n")))
			_ = s.Send([]byte("first\n"))
		}
		peer, _ := h.connect()
		peer.write(slices.Concat(pack(idBye), []byte(veiledText("one\nopen\n"))))
		want := "plain\nS" + veiledText("first\nyou said coded\nyou said one\nyou said open\n") +
			"welcome back\nyou said read\n"
		h.until("the talk", func() bool { return len(peer.got) >= len(want) })
		if got := string(peer.got); got != want {
			h.Fatalf("the peer got %q", got)
		}
		peer.got = nil
		peer.write([]byte("last\n"))
		h.until("the echo", func() bool { return string(peer.got) == "you said last\n" })
		if released != 1 {
			h.Errorf("the codec was released %d times", released)
		}
	})
}

func veiledText(text string) string { return string(unveil([]byte(text))) }

// counted is a veil that counts its releases.
type counted struct {
	veil
	released *int
}

func (c *counted) Release() { *c.released++ }

// A session that can not start the new codec ends, and the new handler is told.
func TestSwitchToACodecThatDoesNotStart(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		p, notes := speakLines(h)
		p.NewCodec = func(*engine.Session) engine.Codec { return new(stillborn) }
		h.packet = func(s *engine.Session, _ packetOf) { s.Switch(p, nil) }
		peer, _ := h.connect()
		peer.write(append(pack(idBye), "a line\n"...))
		h.until("the session's end", func() bool { return len(notes.ended) == 1 })
		if notes.ended[0].Code != engine.ReasonCodec || len(h.ended)+len(notes.got)+len(notes.sessions) != 0 {
			h.Errorf("ended with %v; the old handler with %v", notes.ended, h.ended)
		}
	})
}

// A switched session has to log in anew; whoever had not done so gets no more time.
func TestSwitchAndTheLoginDeadline(t *testing.T) {
	c := setup{simply: true, config: engine.Config{LoginDeadline: 10e9, HeartbeatInterval: -1, IdleTimeout: -1}}
	everywhere(t, c, func(h *harness) {
		p, notes := speakLines(h)
		_, late := h.connect()
		_, admitted := h.connect()
		admitted.Admit()
		began := h.now()
		h.pass(6e9)
		late.Switch(p, nil)
		admitted.Switch(p, nil)
		for i, after := range []int64{10e9, 16e9} {
			h.until("a session's end", func() bool { return len(notes.sessions) == 2 && notes.closing(i) })
			if took := int64(h.now() - began); took < after || took > after+1e8 {
				h.Errorf("session %d ended after %d ns, not %d", i, took, after)
			}
		}
	})
}

func (n *lineNotes) closing(i int) bool { return len(n.ended) > i || n.sessions[i].Closing() }

// Switching to and fro, while the network does what it likes.
func TestSwitchOften(t *testing.T) {
	for seed := range uint64(30) {
		c := setup{
			world:  aiosim.Config{Seed: seed},
			faults: aiosim.Faults{DelayMax: 3e6, ShortRecv: .5, ShortSend: .5, SegmentBytesMin: 1, SegmentBytesMax: 60},
		}
		onSim(t, c, func(h *harness) {
			p, notes := speakLines(h)
			var said, heard bytes.Buffer
			h.packet = func(s *engine.Session, got packetOf) {
				fmt.Fprintf(&heard, "packet %d,", got.Payload[0])
				if got.Payload[0]%3 == 0 {
					s.Pause() // switching ends it
				}
				s.Switch(p, nil)
			}
			notes.answer = func(s *engine.Session, line string) {
				heard.WriteString(line)
				if strings.HasPrefix(line, "switch") {
					s.Switch(h.packets, nil)
				}
			}
			peer, _ := h.connect()
			for i := range byte(100) {
				peer.write(pack(idEcho, i))
				fmt.Fprintf(&said, "packet %d,", i)
				for j := range i % 4 {
					fmt.Fprintf(io.MultiWriter(&said, peerWriter{peer}), "line %d\n", j)
				}
				fmt.Fprintf(io.MultiWriter(&said, peerWriter{peer}), "switch %d\n", i)
			}
			h.until("everything", func() bool { return heard.Len() >= said.Len() })
			if heard.String() != said.String() {
				h.Errorf("seed %d: %q was heard as %q", seed, said.String(), heard.String())
			}
		})
	}
}

type peerWriter struct{ p *peer }

func (w peerWriter) Write(b []byte) (int, error) {
	w.p.write(bytes.Clone(b))
	return len(b), nil
}

// pausing pauses its sessions at once.
type pausing struct{ lineHandler }

func (p pausing) Connected(s *engine.Session) {
	p.lineHandler.Connected(s)
	s.Pause()
}

// A session that is switched while what was read before waits behind a pause goes on.
func TestSwitchOutOfAPause(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		paused, open := &lineNotes{}, &lineNotes{}
		first := lines(func(*engine.Worker) engine.Handler { return pausing{lineHandler{h, paused}} })
		second := lines(func(*engine.Worker) engine.Handler { return lineHandler{h, open} })
		peer, s := h.connect()
		s.Switch(first, []byte("one\n"))
		for range 5 {
			h.step()
		}
		s.Switch(second, nil)
		peer.write([]byte("two\n"))
		for range 20 {
			h.step()
		}
		if len(paused.got) != 0 || len(open.got) != 2 {
			t.Errorf("%q and %q were received", paused.got, open.got)
		}
	})
}
