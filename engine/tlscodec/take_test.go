package tlscodec_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"sarang/engine"
	"sarang/engine/tlscodec"
)

// piped is a client of crypto/tls and a server that Handshake has made, on a pipe without a
// buffer: what is written has been read.
type piped struct {
	client *tls.Conn
	wire   net.Conn // the client's
	held   bytes.Buffer
	hold   bool
	server *tls.Conn
}

func (p *piped) Write(b []byte) (int, error) {
	if p.hold {
		return p.held.Write(b)
	}
	return p.wire.Write(b)
}

type pipedConn struct {
	net.Conn
	p *piped
}

func (c pipedConn) Write(b []byte) (int, error) { return c.p.Write(b) }

func newPiped(t *testing.T, config, clientConfig *tls.Config, records tlscodec.Records) *piped {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	p := &piped{wire: a}
	p.client = tls.Client(pipedConn{a, p}, clientConfig)
	done := make(chan error, 1)
	go func() { done <- p.client.Handshake() }()
	var err error
	if p.server, err = tlscodec.Handshake(b, config, records, nil, patience); err == nil {
		err = <-done
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readUntilInterrupted has the server read, as net/http does in the background, until interrupt is
// called; then it returns what was read.
func (p *piped) readUntilInterrupted(t *testing.T) (interrupt func() []byte) {
	t.Helper()
	got := make(chan []byte, 1)
	go func() {
		var all []byte
		b := make([]byte, 50)
		for {
			n, err := p.server.Read(b)
			all = append(all, b[:n]...)
			if err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
				got <- all
				return
			}
		}
	}()
	return func() []byte {
		_ = p.server.SetReadDeadline(time.Unix(1, 0))
		return <-got
	}
}

// Wherever a client's records are cut when the connection changes hands, nothing is lost, doubled
// or in another order; whether they had been read by then, or wait to be.
func TestDetachAtEveryCut(t *testing.T) {
	config, cert := serverConfig(t)
	each(t, func(t *testing.T, version uint16, records tlscodec.Records) {
		buffers := pool(t)
		clientConfig := cert.Client()
		clientConfig.MinVersion, clientConfig.MaxVersion = version, version
		want := "a first record" + "x" + string(bytes.Repeat([]byte("long "), 20)) + "the last"
		for cut := 0; ; cut++ {
			p := newPiped(t, config, clientConfig, records)
			p.hold = true
			for _, s := range []string{want[:14], want[14:15], want[15:115], want[115:]} {
				if _, err := io.WriteString(p.client, s); err != nil {
					t.Fatal(err)
				}
			}
			all := p.held.Bytes()
			if cut > len(all) {
				break
			}
			interrupt := p.readUntilInterrupted(t)
			if _, err := p.wire.Write(all[:cut]); err != nil {
				t.Fatal(err)
			}
			ahead := interrupt()
			_, read, codec, err := tlscodec.Detach(p.server, ahead)
			if err != nil {
				t.Fatal(err)
			}
			if own := records == tlscodec.OwnRecords && version == tls.VersionTLS13; own != (tlscodec.RecordsOf(codec) == tlscodec.OwnRecords) {
				t.Fatalf("cut at %d: the records are made by %s", cut, tlscodec.RecordsOf(codec))
			}
			tlscodec.Bind(codec, buffers)
			plain, raw, err := codec.Decode(nil, nil, read)
			if err == nil {
				plain, raw, err = codec.Decode(plain, raw, all[cut:])
			}
			if err != nil || string(plain) != want || len(raw) > 0 {
				t.Fatalf("cut at %d: %q, %x, %v", cut, plain, raw, err)
			}
			if r, ok := codec.(engine.CodecReleaser); ok {
				r.Release()
			}
		}
	})
}
