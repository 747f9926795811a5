package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sarang/engine"
)

// The line protocol: texts that end with a newline. It shares services with packets.

// lineBytesMax is the longest line, its newline included.
const lineBytesMax = 512

// lineError means that a line is too long.
type lineError struct{ bytes int }

func (e *lineError) Error() string { return fmt.Sprintf("a line of %d bytes", e.bytes) }

type lineFramer struct{}

func (lineFramer) Split(b []byte) (int, error) {
	n := bytes.IndexByte(b[:min(len(b), lineBytesMax)], '\n') + 1
	if n == 0 && len(b) >= lineBytesMax {
		return 0, &lineError{len(b)}
	}
	return n, nil
}

func (lineFramer) Need(b []byte) int {
	if n := bytes.IndexByte(b, '\n') + 1; n > 0 {
		return n
	}
	return len(b) + 1
}

// lines is a protocol of lines.
func lines(newHandler func(w *engine.Worker) engine.Handler) *engine.Protocol {
	return &engine.Protocol{Name: "lines", Framer: lineFramer{}, NewHandler: newHandler}
}

// lineHandler notes what it is told, and answers.
type lineHandler struct {
	h     *harness
	lines *lineNotes
}

type lineNotes struct {
	sessions []*engine.Session
	got      []string
	ended    []engine.Reason
	beats    int
	answer   func(s *engine.Session, line string)
}

func (r lineHandler) Connected(s *engine.Session) {
	r.lines.sessions = append(r.lines.sessions, s)
}

func (r lineHandler) Received(s *engine.Session, frame []byte) {
	line := string(frame)
	r.lines.got = append(r.lines.got, line)
	if r.lines.answer != nil {
		r.lines.answer(s, line)
	}
}

func (r lineHandler) Sent(*engine.Session, int) {}

func (r lineHandler) Disconnected(_ *engine.Session, why engine.Reason) {
	r.lines.ended = append(r.lines.ended, why)
}

func (r lineHandler) Heartbeat(s *engine.Session) {
	r.lines.beats++
	_ = s.Send([]byte("PING\n"))
}

func (r lineHandler) Farewell(to engine.Sender, why engine.Reason) {
	_ = to.Send(fmt.Appendf(nil, "BYE %v\n", why.Code))
}

// speakLines has the harness's service speak lines, too; peers find them at the returned
// notes' address.
func speakLines(h *harness) (*engine.Protocol, *lineNotes) {
	notes := &lineNotes{answer: func(s *engine.Session, line string) { _ = s.Send([]byte(line)) }}
	return lines(func(*engine.Worker) engine.Handler { return lineHandler{h, notes} }), notes
}

func TestTwoProtocolsAtOnce(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		h.packet = func(s *engine.Session, p packetOf) { _ = s.Send(pack(p.ID, p.Payload...)) }
		p, notes := speakLines(h)
		at := h.listen(p)
		var peers [2][]*peer
		for range 5 {
			one, s := h.connect()
			if s.Protocol() != h.packets {
				h.Errorf("a session of packets speaks %v", s.Protocol())
			}
			peers[0] = append(peers[0], one)
			peers[1] = append(peers[1], h.dialLines(at, notes))
		}
		for i := range 100 {
			for j := range peers[0] {
				peers[0][j].write(pack(idEcho, byte(i)))
				peers[1][j].write(fmt.Appendf(nil, "line %d\n", i))
			}
			h.until("the echoes", func() bool {
				for j := range peers[0] {
					if len(peers[0][j].got) != 5 || len(peers[1][j].got) != len(fmt.Sprintf("line %d\n", i)) {
						return false
					}
				}
				return true
			})
			for j := range peers[0] {
				if got := string(peers[1][j].got); got != fmt.Sprintf("line %d\n", i) {
					h.Fatalf("%q came back", got)
				}
				peers[0][j].got, peers[1][j].got = nil, nil
			}
		}
		for _, s := range notes.sessions {
			if s.Protocol() != p {
				h.Errorf("a session of lines speaks %v", s.Protocol())
			}
		}
		if len(notes.got) != 500 || h.service.Stats().Frames != 1000 {
			h.Errorf("%d lines came, %d frames in all", len(notes.got), h.service.Stats().Frames)
		}
	})
}

func TestLinesCutAnywhere(t *testing.T) {
	text := "a\n\nannyeonghaseyo " + strings.Repeat("x", 100) + "\nlast\n"
	everywhere(t, setup{}, func(h *harness) {
		p, notes := speakLines(h)
		notes.answer = nil
		one := h.dialLines(h.listen(p), notes)
		received := uint64(0)
		for cut := 1; cut < len(text); cut++ {
			notes.got = nil
			for _, part := range []string{text[:cut], text[cut:]} {
				one.write([]byte(part))
				received += uint64(len(part))
				h.until("the part to arrive", func() bool { return h.service.Stats().BytesReceived == received })
			}
			if got := strings.Join(notes.got, ""); got != text || len(notes.got) != 4 {
				h.Fatalf("cut after %d bytes: %q", cut, notes.got)
			}
		}
	})
}

// A line without an end costs its session, however it is cut, and nobody else theirs.
func TestLineTooLong(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		p, notes := speakLines(h)
		at := h.listen(p)
		good, packets := h.dialLines(at, notes), h.peers.connect(h, h.at, noDelay)
		for i, step := range []int{1, 7, 100, 511, 2000} {
			one := h.dialLines(at, notes)
			one.write([]byte("hello\n"))
			h.until("the echo", func() bool { return string(one.got) == "hello\n" })
			sent := 0
			h.until("the end", func() bool {
				if len(one.out) == 0 && sent < 2000 {
					one.write(bytes.Repeat([]byte("x"), step))
					sent += step
				}
				return one.over()
			})
			if got := string(one.got); got != "hello\nBYE frame\n" {
				h.Errorf("in steps of %d the peer got %q", step, got)
			}
			one.close()
			h.until("the session's end", func() bool { return len(notes.ended) == i+1 })
			var long *lineError
			if why := notes.ended[i]; why.Code != engine.ReasonFrame || !errors.As(why.Err, &long) {
				h.Errorf("ended with %v", why)
			}
		}
		good.write([]byte("still here\n"))
		h.until("the echo", func() bool { return string(good.got) == "still here\n" })
		if packets.end != nil {
			h.Error("a session of packets has ended")
		}
	})
}

// Heartbeats and deadlines hold for each protocol, by its own handler.
func TestHeartbeatOfEachProtocol(t *testing.T) {
	c := setup{simply: true, config: engine.Config{HeartbeatInterval: 1e9, IdleTimeout: 10e9, LoginDeadline: 2e9}}
	everywhere(t, c, func(h *harness) {
		p, notes := speakLines(h)
		at := h.listen(p)
		beats := 0
		h.heartbeat = func(*engine.Session) { beats++ }
		h.farewell = func(to engine.Sender, _ engine.Reason) { _ = to.Send(pack(idBye)) }
		late, admitted := h.dialLines(at, notes), h.dialLines(at, notes)
		notes.sessions[1].Admit()
		packetLate, _ := h.connect()
		_, s := h.connect()
		s.Admit()
		h.pass(5e9)
		if got := string(late.got); got != "BYE login_deadline\n" {
			h.Errorf("the late line session got %q", got)
		}
		if got := packetLate.take(); len(got) != 1 || got[0].ID != idBye {
			h.Errorf("the late packet session got %v", got)
		}
		if notes.beats < 3 || beats < 3 || !strings.HasPrefix(string(admitted.got), "PING\nPING\n") {
			h.Errorf("%d and %d heartbeats; %q", notes.beats, beats, admitted.got)
		}
	})
}

// Who is refused is told so in the listener's own protocol.
func TestRefusalInEachProtocol(t *testing.T) {
	gate := &door{farewell: true}
	everywhere(t, setup{config: engine.Config{Gate: gate}}, func(h *harness) {
		h.farewell = func(to engine.Sender, why engine.Reason) { _ = to.Send(pack(idBye, byte(why.Code))) }
		p, notes := speakLines(h)
		a, b := h.peers.connect(h, h.at, noDelay), h.peers.connect(h, h.listen(p), noDelay)
		h.until("both ends", func() bool { return a.over() && b.over() })
		if got := a.take(); len(got) != 1 || got[0].ID != idBye || got[0].Payload[0] != byte(engine.ReasonRefused) {
			h.Errorf("the peer of packets was told %v", got)
		}
		if got := string(b.got); got != "BYE refused\n" {
			h.Errorf("the peer of lines was told %q", got)
		}
		a.close()
		b.close()
		h.until("the sessions' ends", func() bool { return h.service.Stats().Disconnected[engine.ReasonRefused] == 2 })
		if len(h.ended)+len(h.sessions)+len(notes.ended)+len(notes.sessions) != 0 {
			h.Error("a handler was told of a session that was refused")
		}
	})
}

// A service takes so many protocols and no more; what has one already is not hindered.
func TestProtocolsMax(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		made := 0
		var last *engine.Protocol
		for range 254 { // one is the harness's own
			last = lines(func(*engine.Worker) engine.Handler { made++; return engine.NopHandler{} })
			if err := h.service.Connect(h.at, last, nil); err != nil {
				h.Fatal(err)
			}
		}
		for _, p := range []*engine.Protocol{lines(newEcho), lines(newEcho)} {
			if err := h.service.Connect(h.at, p, nil); !errors.Is(err, engine.ErrProtocolsMax) {
				h.Errorf("one protocol too many gave %v", err)
			}
			if _, err := h.worker.Connect(h.at, p, nil); !errors.Is(err, engine.ErrProtocolsMax) {
				h.Errorf("one protocol too many gave %v", err)
			}
			if _, err := h.service.Listen(h.at, p); !errors.Is(err, engine.ErrProtocolsMax) {
				h.Errorf("one protocol too many gave %v", err)
			}
		}
		if err := h.service.Connect(h.at, last, nil); err != nil {
			h.Error(err)
		}
		if made != 254 {
			h.Errorf("%d handlers were made", made)
		}
		for _, p := range []*engine.Protocol{nil, {NewHandler: newEcho}, {Framer: lineFramer{}}} {
			if err := h.service.Connect(h.at, p, nil); err == nil {
				h.Errorf("the protocol %+v was taken", p)
			}
		}
	})
}

func FuzzLineFramer(f *testing.F) {
	f.Add([]byte("one\ntwo\n"))
	f.Add([]byte(strings.Repeat("x", 600)))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := lineFramer{}.Split(b)
		if n < 0 || n > len(b) || n > lineBytesMax || n > 0 && (err != nil || b[n-1] != '\n') {
			t.Fatalf("%d of %q, %v", n, b, err)
		}
		need := lineFramer{}.Need(b)
		if err == nil && (need > len(b)) != (n == 0) {
			t.Fatalf("%d whole, %d needed of %q", n, need, b)
		}
	})
}
