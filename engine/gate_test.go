package engine_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
	"sarang/packet"
)

// door is a Gate that lets so many in at once, and remembers whom.
type door struct {
	mu       sync.Mutex
	most     int
	farewell bool
	inside   map[netip.AddrPort]bool
	wrong    []string
}

var errDoor = errors.New("the room is full")

func (d *door) Enter(peer netip.AddrPort) engine.Refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.inside) >= d.most {
		return engine.Refusal{Err: errDoor, Farewell: d.farewell}
	}
	if d.inside[peer] {
		d.wrong = append(d.wrong, "entered twice: "+peer.String())
	}
	d.inside[peer] = true
	return engine.Refusal{}
}

func (d *door) Leave(peer netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.inside[peer] {
		d.wrong = append(d.wrong, "left without having entered: "+peer.String())
	}
	delete(d.inside, peer)
}

func (d *door) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.inside)
}

// doorman says farewell, and echoes to those who came in.
type doorman struct {
	echo
	t *testing.T
}

func (h doorman) Farewell(to engine.Sender, why engine.Reason) {
	if why.Code != engine.ReasonRefused {
		return
	}
	if s := to.Session(); s.Data != nil || !s.Peer().IsValid() || !errors.Is(why.Err, errDoor) && !errors.Is(why.Err, engine.ErrSessionsMax) {
		h.t.Errorf("farewell to %v with data %v: %v", s.Peer(), s.Data, why)
	}
	if err := to.Send(pack(9, []byte(why.Err.Error())...)); err != nil {
		h.t.Error(err)
	}
}

// said reads what a connection is told until its end.
func said(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil && !isReset(err) {
		t.Fatalf("reading to the end: %v", err)
	}
	if len(b) == 0 {
		return ""
	}
	p, n, err := packet.Split(b)
	if err != nil || n != len(b) || p.ID != 9 {
		t.Fatalf("told %q", b)
	}
	return string(p.Payload)
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// A gate lets in and keeps out; those who are kept out are told why, if it says so.
// Everybody who came in leaves once, however the session ends.
func TestGate(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		d := &door{most: 2, farewell: true, inside: map[netip.AddrPort]bool{}}
		svc := serve(t, engine.Config{
			OpenDriver: open, Gate: d, Workers: 2,
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return doorman{t: t} }))
		a, b := dial(t, at), dial(t, at)
		roundTrip(t, a, 'a')
		roundTrip(t, b, 'b')
		for range 3 {
			if told := said(t, dial(t, at)); told != errDoor.Error() {
				t.Errorf("told %q", told)
			}
		}
		d.mu.Lock()
		d.farewell = false
		d.mu.Unlock()
		if told := said(t, dial(t, at)); told != "" {
			t.Errorf("told %q, silence was wanted", told)
		}
		st := svc.Stats()
		if st.Refused[engine.RefusedByGate] != 4 || st.Silent != 1 || svc.Sessions() != 2 {
			t.Errorf("refused %v, %d in silence, %d sessions", st.Refused, st.Silent, svc.Sessions())
		}
		a.Close()
		until(t, svc, func() bool { return d.count() == 1 })
		roundTrip(t, dial(t, at), 'c')
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		if d.count() != 0 || len(d.wrong) > 0 {
			t.Errorf("%d are inside after the end; %v", d.count(), d.wrong)
		}
	})
}

// Over SessionsMax a connection is told so, but not more than FarewellsMax at once.
func TestFarewellsMax(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{
			OpenDriver: open, SessionsMax: 1, FarewellsMax: 2, LingerTimeout: time.Minute,
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return doorman{t: t} }))
		roundTrip(t, dial(t, at), 'a')
		// Two are told and do not hang up: the third can not be told.
		told := []net.Conn{dial(t, at), dial(t, at)}
		for _, c := range told {
			if s := said(t, c); s != engine.ErrSessionsMax.Error() {
				t.Errorf("told %q", s)
			}
		}
		if s := said(t, dial(t, at)); s != "" {
			t.Errorf("the third was told %q", s)
		}
		for _, c := range told {
			c.Close()
		}
		until(t, svc, func() bool { return svc.Stats().Disconnected[engine.ReasonRefused] == 2 })
		if s := said(t, dial(t, at)); s != engine.ErrSessionsMax.Error() {
			t.Errorf("after others had hung up: told %q", s)
		}
		if svc.Sessions() != 1 {
			t.Errorf("%d sessions", svc.Sessions())
		}
	})
}

// Refused connections do not keep a drain or an end from coming.
func TestFarewellsAtTheEnd(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{
			OpenDriver: open, Gate: &door{farewell: true}, LingerTimeout: time.Minute,
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return doorman{t: t} }))
		for range 5 {
			if s := said(t, dial(t, at)); s != errDoor.Error() {
				t.Errorf("told %q", s)
			}
		}
		svc.Drain(t.Context())
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
	})
}

// noAttach is a driver that can not take connections.
type noAttach struct{ aio.Driver }

func (d noAttach) Attach(c aio.Conn, _ aio.Token) (aio.Socket, error) {
	d.Discard(c)
	return 0, aio.ErrTooMany
}

// A connection that came in and can not be served has left, too.
func TestGateWhenAttachFails(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		d := &door{most: 1, farewell: true, inside: map[netip.AddrPort]bool{}}
		svc := serve(t, engine.Config{
			Gate: d,
			OpenDriver: func(worker int) (aio.Driver, error) {
				d, err := open(worker)
				return noAttach{d}, err
			},
		})
		at := listen(t, svc, "127.0.0.1:0", packets(func(*engine.Worker) engine.Handler { return doorman{t: t} }))
		for range 3 {
			if told := said(t, dial(t, at)); told != "" {
				t.Errorf("told %q", told)
			}
		}
		if st := svc.Stats(); st.AcceptErrors != 3 || st.Refused[engine.RefusedByGate] != 0 || d.count() != 0 || len(d.wrong) > 0 {
			t.Errorf("%d errors, refused %v, %d inside, %v", st.AcceptErrors, st.Refused, d.count(), d.wrong)
		}
		d.mu.Lock()
		d.most = 0 // now it can not even be told
		d.mu.Unlock()
		if told := said(t, dial(t, at)); told != "" {
			t.Errorf("told %q", told)
		}
		if st := svc.Stats(); st.Silent != 1 {
			t.Errorf("%d refused in silence", st.Silent)
		}
	})
}

// until asks the service again and again until it is as it should be.
func until(t *testing.T, svc *engine.Service, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); svc.Stats() {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to be")
		}
	}
}
