package aio_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"sarang/aio"
)

// handles counts what the process has open in the system.
func handles(t *testing.T) int {
	t.Helper()
	var n uint32
	r, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetProcessHandleCount").
		Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n)))
	if r == 0 {
		t.Skipf("handles can not be counted here: %v", err)
	}
	return int(n)
}

// TestSessionsLeaveNothing: 2,000 sessions come, say something and go, half of them
// by a reset. Each request has one last event, and in the end nothing is open.
func TestSessionsLeaveNothing(t *testing.T) {
	const sessions, atOnce = 2000, 100
	p := newPort(t, aio.SocketOptions{LingerResetOnClose: true})
	w := &wave{port: p, o: aio.SocketOptions{LingerResetOnClose: true}}
	w.run(atOnce) // what is opened once is open now
	before := handles(t)
	for w.ended = 0; w.ended < sessions; {
		w.o.LingerResetOnClose = !w.o.LingerResetOnClose
		w.run(atOnce)
	}
	if after := handles(t); after > before+atOnce/2 {
		t.Errorf("%d handles before, %d after", before, after)
	}
	requests, controls, copies, accepts := aio.InSystem(p.Driver)
	if requests != aio.AcceptsPosted || controls != 0 || copies != 0 || accepts != aio.AcceptsPosted {
		t.Errorf("in the end: %d requests, %d controls, %d copies, %d accepts", requests, controls, copies, accepts)
	}
}

// wave makes sessions, and keeps the account of their requests.
type wave struct {
	*port
	o       aio.SocketOptions
	pending map[request]bool
	open    int
	ended   int // sessions
}

type request struct {
	socket aio.Socket
	kind   aio.Kind
}

// run makes count sessions at once and waits for the end of them all.
func (w *wave) run(count int) {
	w.t.Helper()
	w.pending = make(map[request]bool)
	for range count {
		s, err := w.Connect(w.at, w.o, 3)
		must(w.t, err)
		w.pending[request{s, aio.KindConnect}] = true
		w.open += 2 // the far end will be accepted
	}
	for w.open > 0 || len(w.pending) > 0 {
		for _, e := range w.events() {
			w.take(e)
		}
	}
	w.ended += count
}

func (w *wave) begin(s aio.Socket, kind aio.Kind, err error) {
	w.t.Helper()
	must(w.t, err)
	w.pending[request{s, kind}] = true
}

func (w *wave) take(e aio.Event) {
	w.t.Helper()
	if e.Kind == aio.KindAccept {
		must(w.t, e.Err)
		s, err := w.Attach(e.Conn, 4)
		must(w.t, err)
		w.begin(s, aio.KindRecv, w.Recv(s))
		return
	}
	if !e.More {
		r := request{e.Socket, e.Kind}
		if !w.pending[r] {
			w.t.Fatalf("a last event that nobody waits for: %+v", e)
		}
		delete(w.pending, r)
	}
	switch {
	case e.Kind == aio.KindConnect:
		must(w.t, e.Err)
		w.begin(e.Socket, aio.KindSend, w.Send(e.Socket, [][]byte{[]byte("hello")}))
		w.begin(e.Socket, aio.KindRecv, w.Recv(e.Socket))
	case e.Kind == aio.KindRecv && e.More && e.Token == 4: // answered, and cut short
		w.begin(e.Socket, aio.KindSend, w.Send(e.Socket, [][]byte{e.Data}))
		w.begin(e.Socket, aio.KindDisconnect, w.Close(e.Socket))
	case e.Kind == aio.KindRecv && !e.More && e.Token == 3:
		w.begin(e.Socket, aio.KindDisconnect, w.Close(e.Socket))
	case e.Kind == aio.KindDisconnect:
		w.open--
	}
}
