package packet_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"sarang/packet"
)

type session struct{ got []string }

func notePacket(t testing.TB, id packet.ID, n *note) packet.Packet {
	t.Helper()
	b, err := packet.AppendVT(nil, id, n)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := packet.Split(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMuxTyped(t *testing.T) {
	m := packet.NewMux[*session]()
	packet.Handle(m, 2, func(s *session, n *note) error {
		s.got = append(s.got, n.Text)
		return nil
	})
	refused := errors.New("refused")
	packet.Handle(m, 4, func(*session, *note) error { return refused })

	var s session
	for _, text := range []string{"one", "", "three"} {
		if err := m.Dispatch(&s, notePacket(t, 2, &note{Text: text})); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"one", "", "three"}; !slices.Equal(s.got, want) {
		t.Errorf("handlers saw %q, want %q", s.got, want)
	}
	if err := m.Dispatch(&s, notePacket(t, 4, &note{})); err != refused {
		t.Errorf("the handler's error came back as %v", err)
	}
}

func TestMuxUnknownID(t *testing.T) {
	m := packet.NewMux[*session]()
	packet.Handle(m, 2, func(*session, *note) error { return nil })
	for _, id := range []packet.ID{0, 1, 3, 258, 65535} { // 258 shares its low byte with 2
		err := m.Dispatch(nil, packet.Packet{ID: id})
		var unknown *packet.UnknownIDError
		if !errors.As(err, &unknown) || unknown.ID != id {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

func TestMuxDecodeErrorLeavesNoTrace(t *testing.T) {
	m := packet.NewMux[*session]()
	packet.Handle(m, 2, func(s *session, n *note) error {
		s.got = append(s.got, n.Text)
		return nil
	})
	var s session
	err := m.Dispatch(&s, packet.Packet{ID: 2, Payload: []byte("short")})
	var decode *packet.DecodeError
	if !errors.As(err, &decode) || decode.ID != 2 || !errors.Is(err, errShort) {
		t.Fatalf("a short payload: %v", err)
	}
	if len(s.got) != 0 {
		t.Fatalf("the handler ran with %q", s.got)
	}
	if err := m.Dispatch(&s, notePacket(t, 2, &note{Text: "next"})); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.got, []string{"next"}) {
		t.Errorf("the next message was %q", s.got)
	}
}

func TestMuxLendsWhenTheMessageCan(t *testing.T) {
	m := packet.NewMux[*session]()
	var kept *lentNote
	packet.Handle(m, 2, func(s *session, n *lentNote) error {
		kept = n
		s.got = append(s.got, string([]byte(n.Text)))
		return nil
	})
	var s session
	for i := range 3 {
		if err := m.Dispatch(&s, notePacket(t, 2, &note{Text: "lent"})); err != nil {
			t.Fatal(err)
		}
		if kept.Text != "" || kept.resets != i+1 {
			t.Fatalf("after %d packets the message still holds %q, %d resets", i+1, kept.Text, kept.resets)
		}
	}
	if !slices.Equal(s.got, []string{"lent", "lent", "lent"}) {
		t.Errorf("handlers saw %q", s.got)
	}
}

func TestMuxKeepsCapacityOfPooledMessages(t *testing.T) {
	m := packet.NewMux[*session]()
	packet.Handle(m, 2, func(s *session, n *pooledNote) error {
		s.got = append(s.got, string(n.Body))
		return nil
	})
	var s session
	for _, body := range []string{"long body", "short"} {
		if err := m.Dispatch(&s, packet.Packet{ID: 2, Payload: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(s.got, []string{"long body", "short"}) {
		t.Errorf("handlers saw %q", s.got)
	}
}

func TestMuxRaw(t *testing.T) {
	m := packet.NewMux[*session]()
	own := errors.New("own")
	m.HandleRaw(1, func(s *session, r *packet.Reader) error {
		text := r.Text()
		if err := r.Done(); err != nil {
			return err
		}
		s.got = append(s.got, text)
		return nil
	})
	m.HandleRaw(3, func(_ *session, r *packet.Reader) error { r.Uint64(); return nil })
	m.HandleRaw(5, func(_ *session, r *packet.Reader) error { r.Uint64(); return own })
	m.HandleRaw(7, func(_ *session, r *packet.Reader) error { r.Uint64(); return errors.Join(own, r.Err()) })

	var s session
	if err := m.Dispatch(&s, packet.Packet{ID: 1, Payload: []byte{2, 0, 'o', 'k'}}); err != nil || !slices.Equal(s.got, []string{"ok"}) {
		t.Errorf("whole record: %q, %v", s.got, err)
	}
	for _, p := range []packet.Packet{
		{ID: 1, Payload: []byte{2, 0, 'o'}},           // reported by the handler
		{ID: 1, Payload: []byte{2, 0, 'o', 'k', '!'}}, // the same, by Done
		{ID: 3}, // overlooked by the handler
		{ID: 7}, // wrapped by the handler
	} {
		err := m.Dispatch(&s, p)
		var decode *packet.DecodeError
		var read *packet.ReadError
		if !errors.As(err, &decode) || decode.ID != p.ID || !errors.As(err, &read) {
			t.Errorf("packet %v: %v", p, err)
		}
		if p.ID == 7 && !errors.Is(err, own) {
			t.Errorf("what the handler wrapped around is lost: %v", err)
		}
	}
	if err := m.Dispatch(&s, packet.Packet{ID: 5}); err != own {
		t.Errorf("the handler's error came back as %v", err)
	}
	if len(s.got) != 1 {
		t.Errorf("handlers acted on broken records: %q", s.got)
	}
}

func TestMuxIDs(t *testing.T) {
	m := packet.NewMux[int]()
	want := []packet.ID{0, 2, 255, 256, 4096, 65535}
	for _, i := range []int{3, 0, 5, 1, 4, 2} {
		m.HandleRaw(want[i], func(int, *packet.Reader) error { return nil })
	}
	if got := m.IDs(); !slices.Equal(got, want) {
		t.Errorf("IDs = %v, want %v", got, want)
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func TestMuxBrokenInvariantsPanic(t *testing.T) {
	m := packet.NewMux[int]()
	raw := func(int, *packet.Reader) error { return nil }
	typed := func(int, *note) error { return nil }
	m.HandleRaw(1, raw)
	mustPanic(t, "raw over raw", func() { m.HandleRaw(1, raw) })
	mustPanic(t, "typed over raw", func() { packet.Handle(m, 1, typed) })
	mustPanic(t, "nil raw handler", func() { m.HandleRaw(2, nil) })
	mustPanic(t, "nil typed handler", func() { packet.Handle[int, note](m, 2, nil) })
}

// A packet of packets may be dispatched from its handler; one inside of itself
// would be decoded over the message in use.
func TestMuxNested(t *testing.T) {
	m := packet.NewMux[*session]()
	packet.Handle(m, 2, func(s *session, n *note) error {
		s.got = append(s.got, n.Text)
		return nil
	})
	m.HandleRaw(4, func(s *session, r *packet.Reader) error {
		for rest := r.Bytes(r.Left()); len(rest) > 0; {
			p, n, err := packet.Split(rest)
			if err != nil {
				return err
			}
			if err := m.Dispatch(s, p); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
	var inner []byte
	for _, text := range []string{"a", "b"} {
		var err error
		if inner, err = packet.AppendVT(inner, 2, &note{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	var s session
	if err := m.Dispatch(&s, packet.Packet{ID: 4, Payload: inner}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.got, []string{"a", "b"}) {
		t.Errorf("handlers saw %q", s.got)
	}

	self := binary.LittleEndian.AppendUint16(nil, packet.HeaderBytes)
	self = append(self, 4, 0)
	mustPanic(t, "a packet inside of its own handler", func() {
		_ = m.Dispatch(&s, packet.Packet{ID: 4, Payload: self})
	})
	if err := m.Dispatch(&s, packet.Packet{ID: 4, Payload: inner}); err != nil {
		t.Errorf("after a handler that panicked: %v", err)
	}
}

func FuzzMux(f *testing.F) {
	f.Add(uint16(2), []byte("01234567text"))
	f.Add(uint16(2), []byte("short"))
	f.Add(uint16(4), []byte{2, 0, 'o', 'k'})
	f.Add(uint16(4), []byte{1, 0, 0xff})
	f.Add(uint16(6), []byte("01234567"))
	f.Add(uint16(999), []byte{})
	m := packet.NewMux[*int]()
	ran := func(n *int) error { *n++; return nil }
	packet.Handle(m, 2, func(n *int, _ *note) error { return ran(n) })
	packet.Handle(m, 6, func(n *int, _ *lentNote) error { return ran(n) })
	m.HandleRaw(4, func(n *int, r *packet.Reader) error {
		r.Text()
		if err := r.Done(); err != nil {
			return err
		}
		return ran(n)
	})
	f.Fuzz(func(t *testing.T, id uint16, payload []byte) {
		var calls int
		err := m.Dispatch(&calls, packet.Packet{ID: packet.ID(id), Payload: payload})
		if (err == nil) != (calls == 1) {
			t.Fatalf("%d calls and error %v", calls, err)
		}
		var unknown *packet.UnknownIDError
		var decode *packet.DecodeError
		if err != nil && !errors.As(err, &unknown) && !errors.As(err, &decode) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
