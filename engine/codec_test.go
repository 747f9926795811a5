package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// veil is a codec for tests: bytes are turned over, after a handshake of one byte
// each way. A coded 0xff asks for answers, a coded 0xfe is the orderly end, and a
// coded 0xfd is an error.
type veil struct {
	ready bool
	end   []byte
}

var errVeil = errors.New("a veil was torn")

func (v *veil) Start(raw []byte) ([]byte, error) { return append(raw, 'S'), nil }

func (v *veil) Ready() bool { return v.ready }

func (v *veil) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	for _, c := range src {
		switch {
		case !v.ready && c != 'C':
			return plain, append(raw, '?'), errVeil
		case !v.ready:
			v.ready = true
		case c == 0xff:
			raw = append(raw, '!', '!', '!')
		case c == 0xfe:
			return plain, raw, io.EOF
		case c == 0xfd:
			return plain, append(raw, '?'), errVeil
		default:
			plain = append(plain, c^0x80)
		}
	}
	return plain, raw, nil
}

func (v *veil) Encode(raw, src []byte) ([]byte, error) {
	if !v.ready {
		return raw, errVeil
	}
	for _, c := range src {
		raw = append(raw, c^0x80)
	}
	return raw, nil
}

func (v *veil) End(raw []byte) []byte { return append(raw, v.end...) }

// unveil takes the coding off in place.
func unveil(b []byte) []byte {
	for i := range b {
		b[i] ^= 0x80
	}
	return b
}

func veiled() setup {
	return setup{
		codec:  func(*engine.Session) engine.Codec { return &veil{end: []byte("E")} },
		config: engine.Config{Socket: smallSocket(), DirectQueueBytesMax: 20000},
		faults: aiosim.Faults{DelayMax: 2e6, ShortSend: .3, SegmentBytesMin: 1, SegmentBytesMax: 500},
	}
}

// greet does the peer's part of the handshake.
func greet(h *harness, p *peer) {
	h.Helper()
	p.write([]byte("C"))
	h.until("the greeting", func() bool { return len(p.got) > 0 })
	if p.got[0] != 'S' {
		h.Fatalf("greeted with %x", p.got)
	}
	p.got = p.got[1:]
}

// plain decodes what a peer has got, so that take finds packets.
func plain(p *peer) {
	p.got = append([]byte(nil), p.got...)
	unveil(p.got)
}

func TestCodecCarriesPackets(t *testing.T) {
	everywhere(t, veiled(), func(h *harness) {
		h.packet = func(s *engine.Session, p packet.Packet) {
			if s.QueuedBytes() < 10000 {
				_ = s.Send(pack(p.ID, p.Payload...))
			}
		}
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		_ = s.Send(numbered(7, 100)) // waits for the handshake
		s.Follow(f.feed, 1)
		f.append(20, 3000)
		f.appendBatch(60000, 50, 70)
		h.step()
		greet(h, p)
		p.write(unveil(pack(idEcho, 'h', 'i')))
		want := 100 + 20*3000 + 60120 + 6
		h.until("everything", func() bool { return len(p.got) == want })
		plain(p)
		r := newReader(h, p).expect(1, 1)
		if !r.has(1, f.next()) || r.direct != 2 {
			h.Errorf("entries up to %d of %d came, and %d direct packets", r.next[1], f.next(), r.direct)
		}
		h.until("nothing to be held but the window", func() bool {
			return s.QueuedBytes() == 0 && h.service.Stats().Memory.Total.InUseBytes < 300<<10
		})
	})
}

func TestCodecEnds(t *testing.T) {
	for _, c := range []struct {
		name, says, gets string
		code             engine.ReasonCode
	}{
		{"bad handshake", "X", "S?E", engine.ReasonCodec},
		{"bad bytes", "C\xfd", "S?E", engine.ReasonCodec},
		{"orderly end", "C\xfe", "SE", engine.ReasonPeerClosed},
		{"last words", "C" + string(unveil(pack(idEcho, 'x'))) + "\xfe", "S" + string(unveil(pack(idEcho, 'x'))) + "E", engine.ReasonPeerClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, veiled(), func(h *harness) {
				h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(p.ID, p.Payload...)) }
				p, _ := h.connect()
				p.write([]byte(c.says))
				h.until("the end", p.over)
				if string(p.got) != c.gets {
					h.Errorf("the peer got %q, not %q", p.got, c.gets)
				}
				p.close()
				h.until("the session's end", func() bool { return len(h.ended) == 1 })
				if h.ended[0].Code != c.code {
					h.Errorf("ended with %v", h.ended[0])
				}
			})
		})
	}
}

// Close sends the plain bytes that wait, then the codec's end.
func TestCodecCloseFlushes(t *testing.T) {
	everywhere(t, veiled(), func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		greet(h, p)
		for i := range 19 { // the handshake's end may still be on its way
			if err := s.Send(numbered(i, 1000)); err != nil {
				h.Fatal(err)
			}
		}
		s.Close()
		h.until("the end", p.over)
		if n := len(p.got); n != 19001 || p.got[n-1] != 'E' {
			h.Fatalf("%d bytes came, not 19001", n)
		}
		p.got = p.got[:19000]
		plain(p)
		for i, one := range p.take() {
			if int(binary.LittleEndian.Uint32(one.Payload)) != i {
				h.Fatalf("packet %d is not in its place", i)
			}
		}
	})
}

// Bytes that wait for the handshake are sent before the end, too, if it comes about;
// what the peer says meanwhile is not told.
func TestCodecCloseBeforeHandshake(t *testing.T) {
	everywhere(t, veiled(), func(h *harness) {
		h.packet = func(*engine.Session, packet.Packet) { h.Error("a packet after Close") }
		p, s := h.connect()
		_ = s.Send(unveil(numbered(1, 100)))
		s.Close()
		h.pass(holdUp(h))
		if p.end != nil || string(p.got) != "S" {
			h.Fatalf("the peer got %q, then %v", p.got, p.end)
		}
		p.write(append([]byte("C"), unveil(pack(idEcho))...))
		h.until("the end", p.over)
		if want := "S" + string(numbered(1, 100)) + "E"; string(p.got) != want {
			h.Errorf("the peer got %q", p.got)
		}
	})
}

// A peer that has the codec answer and does not read is not answered for ever.
func TestCodecAnswersAreBounded(t *testing.T) {
	everywhere(t, veiled(), func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		greet(h, p)
		p.stall()
		most := int64(0)
		h.until("the session to end", func() bool {
			if len(p.out) == 0 {
				p.write(bytes.Repeat([]byte{0xff}, 500))
			}
			most = max(most, h.service.Stats().Memory.Total.InUseBytes)
			return s.Closing() || h.worker.Session(s.ID()) == nil
		})
		if most > 200<<10 {
			h.Errorf("%d bytes were in use", most)
		}
		p.readOn()
		h.until("the end", func() bool { return p.end != nil })
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonDirectQueue {
			h.Errorf("ended with %v", h.ended[0])
		}
	})
}

// stillborn is a codec that can not start.
type stillborn struct{ veil }

func (*stillborn) Start(raw []byte) ([]byte, error) { return raw, errVeil }

func TestCodecThatDoesNotStart(t *testing.T) {
	c := veiled()
	c.codec = func(*engine.Session) engine.Codec { return new(stillborn) }
	everywhere(t, c, func(h *harness) {
		h.peers.connect(h, h.at, aio.SocketOptions{})
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonCodec || !errors.Is(h.ended[0].Err, errVeil) {
			h.Errorf("ended with %v", h.ended[0])
		}
		if len(h.sessions) != 0 {
			h.Error("a session that never stood was Connected")
		}
	})
}
