package simulate

import (
	"bytes"
	"net/netip"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/engine/tlsrecord"
)

// tlsPort is where the server speaks WebSocket over TLS, behind both handshakes: that of TLS wants
// goroutines, too, and is not the same twice.
const tlsPort = webSocketPort + 1

// tlsRecordsMax is how many records are made with a key here: they are to be followed by others.
const tlsRecordsMax = 20

// tlsTraffic is what each handshake has agreed on, for one of the two ends.
func tlsTraffic(client bool) tlsrecord.Config {
	c := tlsrecord.Config{
		Suite: tlsrecord.ChaCha20Poly1305SHA256, Client: client, // of the three it is the quickest to begin
		In:  tlsrecord.Traffic{Secret: bytes.Repeat([]byte{1}, 32)},
		Out: tlsrecord.Traffic{Secret: bytes.Repeat([]byte{2}, 32)},
	}
	if client {
		c.In, c.Out = c.Out, c.In
	}
	return c
}

// overTLS is p over such records.
func overTLS(p *engine.Protocol, shared *tlscodec.Shared, client bool) *engine.Protocol {
	return tlscodec.Through(p, func(s *engine.Session) engine.Codec {
		c, err := shared.New(s.Worker(), tlsTraffic(client))
		engine.Invariant(err == nil, "the secrets of a simulated handshake are of no use")
		return c
	})
}

// newTLSRecords is what the sessions of a service have together. It has place for few keys.
func newTLSRecords() *tlscodec.Shared {
	return tlscodec.NewShared(tlscodec.SharedConfig{KeysMax: 3, RecordsMax: tlsRecordsMax})
}

// listenTLS opens the addresses where p is spoken over TLS.
func (s *server) listenTLS(p *engine.Protocol) error {
	p = overTLS(p, newTLSRecords(), false)
	for _, at := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if _, err := s.svc.Listen(netip.AddrPortFrom(at, tlsPort), p); err != nil {
			return err
		}
	}
	return nil
}
