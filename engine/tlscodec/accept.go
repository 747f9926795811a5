package tlscodec

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	"sarang/engine"
)

// Tokens bound how many handshakes compute at once: a channel with as much room. Who waits for
// its peer has none.
type Tokens chan struct{}

// Records says who makes the records of a connection behind its handshake.
type Records string

// Who may. Of TLS 1.2 crypto/tls makes them always.
const (
	OwnRecords    Records = "own"    // package tlsrecord; the tls.Conn is given up
	CryptoRecords Records = "crypto" // the tls.Conn, which stays
)

// Handshake makes a server's end of TLS of c, and shakes hands on it within timeout, waiting
// for a token included. With an error c is closed. The result is for Detach, or for ordinary
// use; the deadline stays on it, as for what Detach may have to write. Where the records are to be
// our own, session tickets are disabled.
func Handshake(c net.Conn, config *tls.Config, records Records, tokens Tokens, timeout time.Duration) (*tls.Conn, error) {
	end := time.NewTimer(timeout)
	defer end.Stop()
	w := &wire{lent: c, tokens: tokens, end: end.C}
	if records == OwnRecords {
		w.taking = new(taking)
		config = w.taking.config(config)
	}
	conn := tls.Server(w, config)
	err := c.SetDeadline(time.Now().Add(timeout))
	if err == nil {
		err = conn.Handshake()
	}
	w.giveToken()
	w.tokens = nil
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	if w.taking != nil {
		w.taking.counting = true
	}
	return conn, nil
}

// ErrForeign means that a connection was not made by Handshake.
var ErrForeign = errors.New("tlscodec: the connection was not made here")

// Below returns the connection that Handshake was given for conn; nil for any other.
func Below(conn *tls.Conn) net.Conn {
	w, ok := conn.NetConn().(*wire)
	if !ok {
		return nil
	}
	return w.lent
}

// Detach makes a codec of a connection that Handshake has returned and that nobody uses any
// more; ahead is what was read of it and not used. It returns the connection below, with what
// is to be handed to engine.Service.Adopt as read and, for a protocol made by Over, as data.
// The tls.Conn is the codec's from then on, or nobody's if the codec is one with OwnRecords.
func Detach(conn *tls.Conn, ahead []byte) (below net.Conn, read []byte, codec engine.Codec, err error) {
	w, ok := conn.NetConn().(*wire)
	if !ok || w.lent == nil {
		return nil, nil, nil, ErrForeign
	}
	var taking *taking
	below, taking = w.lent, w.taking
	w.lent, w.taking = nil, nil
	of := &Codec{conn: conn, wire: w, ready: true}
	// What crypto/tls has read ahead may hold whole records: nothing would come to ask for
	// them.
	var raw []byte
	read, raw, err = of.Decode(append([]byte(nil), ahead...), nil, nil)
	if err == nil && len(raw) > 0 { // the answer to a KeyUpdate
		_, err = below.Write(raw)
	}
	if err != nil {
		_ = below.Close()
		return nil, nil, nil, err
	}
	early := len(read)
	if taking == nil {
		of.early = early
		return below, read, of, nil
	}
	read = append(append(read, taking.give...), taking.part...)
	if c, ok := taking.take(conn.ConnectionState()); ok {
		c.early = int32(early)
		return below, read, c, nil
	}
	of.early = early
	return below, read, of, nil
}

// RecordsOf says who makes the records of a codec that Detach has returned.
func RecordsOf(codec engine.Codec) Records {
	if _, ok := codec.(*records); ok {
		return OwnRecords
	}
	return CryptoRecords
}

// Over is p with the codec that is a session's data: what Detach has returned.
func Over(p *engine.Protocol, shared *Shared) *engine.Protocol {
	over := *p
	over.Name += " over TLS"
	over.NewCodec = func(s *engine.Session) engine.Codec {
		switch c := s.Data.(type) {
		case *Codec:
			return c
		case *records:
			c.share = shared.of(s.Worker())
			return c
		default:
			engine.Invariant(false, "a session of TLS without its codec")
			return nil
		}
	}
	return &over
}

// Client is p of a client with TLS below it.
func Client(p *engine.Protocol, config *tls.Config) *engine.Protocol {
	return Through(p, func(*engine.Session) engine.Codec { return NewClient(config) })
}

// Through is p with what codec returns below it; p's own codec, if it has one, is between that and
// p's framer.
func Through(p *engine.Protocol, codec func(*engine.Session) engine.Codec) *engine.Protocol {
	over := *p
	over.Name += " over TLS"
	over.NewCodec = func(s *engine.Session) engine.Codec {
		outer := codec(s)
		if p.NewCodec == nil {
			return outer
		}
		inner := p.NewCodec(s)
		if inner == nil {
			return outer
		}
		return &chain{outer: outer, inner: inner}
	}
	return &over
}
