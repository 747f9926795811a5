package engine_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"iter"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"sarang/engine"
)

// tlsCodec is the spike of docs/tls.md: crypto/tls as an engine.Codec, without a
// goroutine per connection. The handshake runs in a coroutine that gives way when it
// wants bytes that have not come; after it, a read that finds none returns a
// temporary error, after which crypto/tls can be asked again.
type tlsCodec struct {
	conn   *tls.Conn
	wire   wire
	client bool
	resume func() (struct{}, bool) // runs the handshake on; nil when it is over
	stop   func()
	err    error // of the handshake
	ready  bool
}

func tlsServer(c *tls.Config) *tlsCodec {
	t := new(tlsCodec)
	t.conn = tls.Server(&t.wire, c)
	return t
}

func tlsClient(c *tls.Config) *tlsCodec {
	t := &tlsCodec{client: true}
	t.conn = tls.Client(&t.wire, c)
	return t
}

// Start begins the handshake: a client has something to say at once.
func (t *tlsCodec) Start(raw []byte) ([]byte, error) {
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.wire.yield = yield
		t.err = t.conn.Handshake()
	})
	return t.shake(raw)
}

// shake runs the handshake until it wants bytes or is over.
func (t *tlsCodec) shake(raw []byte) ([]byte, error) {
	t.wire.out = raw
	if _, more := t.resume(); !more {
		t.resume, t.wire.yield = nil, nil
		t.ready = t.err == nil
	}
	raw, t.wire.out = t.wire.out, nil
	return raw, t.err
}

func (t *tlsCodec) Ready() bool { return t.ready }

// Decode hands src to crypto/tls and takes what that makes of it.
func (t *tlsCodec) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	t.wire.in = src
	if t.resume != nil {
		var err error
		if raw, err = t.shake(raw); err != nil || !t.ready {
			return plain, raw, err
		}
	}
	t.wire.out = raw
	var err error
	for err == nil {
		plain = slices.Grow(plain, 4096)
		var n int
		n, err = t.conn.Read(plain[len(plain):cap(plain)])
		plain = plain[:len(plain)+n]
	}
	raw, t.wire.out = t.wire.out, nil
	if errors.Is(err, errWantBytes) {
		err = nil
	}
	return plain, raw, err
}

func (t *tlsCodec) Encode(raw, src []byte) ([]byte, error) {
	t.wire.out = raw
	_, err := t.conn.Write(src)
	raw, t.wire.out = t.wire.out, nil
	return raw, err
}

func (t *tlsCodec) End(raw []byte) []byte {
	if !t.ready {
		return raw
	}
	t.wire.out = raw
	_ = t.conn.CloseWrite() // the wire takes everything
	raw, t.wire.out = t.wire.out, nil
	return raw
}

// Release ends a handshake that nobody will go on with.
func (t *tlsCodec) Release() {
	if t.stop != nil {
		t.wire.gone = true
		t.stop()
		t.resume = nil
	}
}

// wire is what crypto/tls takes for its connection.
type wire struct {
	in, out []byte
	yield   func(struct{}) bool // only during the handshake
	gone    bool
}

func (w *wire) Read(p []byte) (int, error) {
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
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// errWantBytes is a net.Error that passes: crypto/tls does not keep it as the
// connection's end.
var errWantBytes net.Error = wantBytes{}

type wantBytes struct{}

func (wantBytes) Error() string   { return "more bytes are wanted" }
func (wantBytes) Timeout() bool   { return true }
func (wantBytes) Temporary() bool { return true }

var _ engine.CodecReleaser = (*tlsCodec)(nil)

// certificate is one for all tests; making it takes a while.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sarang.test"}, DNSNames: []string{"sarang.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
})

func serverTLS(version uint16) *tls.Config {
	cert, _ := certificate()
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version}
}

func clientTLS(version uint16) *tls.Config {
	_, pool := certificate()
	return &tls.Config{RootCAs: pool, ServerName: "sarang.test", MinVersion: version, MaxVersion: version}
}

// duplex is two codecs that talk, piece by piece.
type duplex struct {
	server, client     *tlsCodec
	toServer, toClient []byte
	atServer, atClient bytes.Buffer
	serverEnd          error
	clientEnd          error
}

func newDuplex(server, client *tls.Config) (*duplex, error) {
	d := &duplex{server: tlsServer(server), client: tlsClient(client)}
	var err error
	if d.toClient, err = d.server.Start(nil); err != nil {
		return d, err
	}
	d.toServer, err = d.client.Start(nil)
	return d, err
}

// run carries bytes in pieces of at most n until there are none.
func (d *duplex) run(n int) {
	for len(d.toServer)+len(d.toClient) > 0 {
		d.toServer = d.carry(d.server, d.toServer, n, &d.toClient, &d.atServer, &d.serverEnd)
		d.toClient = d.carry(d.client, d.toClient, n, &d.toServer, &d.atClient, &d.clientEnd)
	}
}

func (d *duplex) carry(to *tlsCodec, b []byte, n int, back *[]byte, out *bytes.Buffer, end *error) []byte {
	n = min(n, len(b))
	if n == 0 || *end != nil {
		return nil
	}
	lent := bytes.Clone(b[:n])
	plain, raw, err := to.Decode(nil, *back, lent)
	clear(lent) // the loan is over
	*back, *end = raw, err
	out.Write(plain)
	return b[n:]
}

func (d *duplex) release() {
	d.server.Release()
	d.client.Release()
}
