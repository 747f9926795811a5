package tlscodec

import (
	"net"
	"os"
	"time"
)

// wire is what crypto/tls takes for its connection: a real one while it is lent, then what
// the engine hands over.
type wire struct {
	lent   net.Conn         // nil: in and out are the connection
	tokens Tokens           // during a handshake on a goroutine
	has    bool             // one of them
	end    <-chan time.Time // of the handshake: who has no token by then is too late
	taking *taking          // while it is lent; nil: the records stay with crypto/tls

	in, out []byte
	yield   func(struct{}) bool // only during a handshake in a coroutine
	gone    bool
}

func (w *wire) Read(p []byte) (int, error) {
	if w.taking != nil {
		return w.readRecord(p)
	}
	if w.lent != nil {
		w.giveToken()
		n, err := w.lent.Read(p)
		if err == nil && !w.takeToken() {
			return 0, os.ErrDeadlineExceeded // what it would compute is for nobody
		}
		return n, err
	}
	for len(w.in) == 0 {
		if w.yield == nil {
			return 0, errWantBytes
		}
		if w.gone || !w.yield(struct{}{}) {
			return 0, net.ErrClosed
		}
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	if w.taking != nil {
		w.taking.written(p)
	}
	if w.lent != nil {
		return w.lent.Write(p)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// readRecord is Read that hands on one record at a time. A token is wanted for plain messages of
// a handshake, which are dear. A client's last flight of TLS 1.3 is cheap, and must not wait in the
// same line as those who only begin: where that is long, nobody would come to his end in time.
func (w *wire) readRecord(p []byte) (int, error) {
	t := w.taking
	for len(t.give) == 0 {
		w.giveToken()
		if whole, err := t.fill(w.lent); err != nil {
			return 0, err
		} else if whole && t.last[0] == typeHandshake && !w.takeToken() {
			return 0, os.ErrDeadlineExceeded
		}
	}
	n := copy(p, t.give)
	t.give = t.give[n:]
	return n, nil
}

// takeToken waits for a token, if there are any: what follows is computing. False: the time
// for the handshake is over.
func (w *wire) takeToken() bool {
	if w.tokens == nil || w.has {
		return true
	}
	select {
	case w.tokens <- struct{}{}:
		w.has = true
		return true
	case <-w.end:
		return false
	}
}

// giveToken gives it back: what follows waits for the peer.
func (w *wire) giveToken() {
	if w.has {
		<-w.tokens
		w.has = false
	}
}

func (w *wire) Close() error {
	if w.lent != nil {
		return w.lent.Close()
	}
	return nil
}

func (w *wire) LocalAddr() net.Addr {
	if w.lent != nil {
		return w.lent.LocalAddr()
	}
	return nil
}

func (w *wire) RemoteAddr() net.Addr {
	if w.lent != nil {
		return w.lent.RemoteAddr()
	}
	return nil
}

func (w *wire) SetDeadline(t time.Time) error {
	if w.lent != nil {
		return w.lent.SetDeadline(t)
	}
	return nil
}

func (w *wire) SetReadDeadline(t time.Time) error {
	if w.lent != nil {
		return w.lent.SetReadDeadline(t)
	}
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.lent != nil {
		return w.lent.SetWriteDeadline(t)
	}
	return nil
}

// errWantBytes is a net.Error that passes: crypto/tls does not keep it as the connection's
// end, and goes on when it is asked again.
var errWantBytes net.Error = wantBytes{}

type wantBytes struct{}

func (wantBytes) Error() string   { return "tlscodec: more bytes are wanted" }
func (wantBytes) Timeout() bool   { return true }
func (wantBytes) Temporary() bool { return true }
