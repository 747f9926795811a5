package tlscodec_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/engine/tlscodec/tlstest"
	"sarang/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func serverConfig(t *testing.T) (*tls.Config, tlstest.Certificate) {
	t.Helper()
	cert := tlstest.Write(t, t.TempDir(), 1)
	pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, cert
}

// pair is both ends of a connection of TCP.
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err == nil {
		server, err = l.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// Who stops in the middle of a handshake holds no token: with one for all, and more who have
// stopped than that, the others shake hands.
func TestTokens(t *testing.T) {
	config, cert := serverConfig(t)
	tokens := make(tlscodec.Tokens, 1)
	var all sync.WaitGroup
	var silent []net.Conn
	for range 5 {
		server, client := pair(t)
		silent = append(silent, client)
		_, _ = client.Write([]byte("\x16\x03\x01\x01\x00\x01")) // the beginning of a hello
		all.Go(func() {
			if _, err := tlscodec.Handshake(server, config, tlscodec.OwnRecords, tokens, patience); err == nil {
				t.Error("a handshake of six bytes is done")
			}
		})
	}
	for range 20 {
		server, client := pair(t)
		all.Go(func() {
			c, err := tlscodec.Handshake(server, config, tlscodec.OwnRecords, tokens, patience)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.Write([]byte("welcome"))
			c.Close()
		})
		c := tls.Client(client, cert.Client())
		if b, err := io.ReadAll(c); string(b) != "welcome" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	}
	for _, c := range silent {
		c.Close()
	}
	all.Wait()
	if len(tokens) != 0 {
		t.Errorf("%d tokens are out when all is over", len(tokens))
	}
}

// A handshake has an end.
func TestHandshakeTimeout(t *testing.T) {
	config, _ := serverConfig(t)
	server, _ := pair(t)
	if _, err := tlscodec.Handshake(server, config, tlscodec.OwnRecords, nil, time.Millisecond); err == nil {
		t.Error("nobody has shaken hands")
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection is open: %v", err)
	}
}

// each calls f for each version and each maker of records.
func each(t *testing.T, f func(t *testing.T, version uint16, records tlscodec.Records)) {
	t.Helper()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, records := range []tlscodec.Records{tlscodec.OwnRecords, tlscodec.CryptoRecords} {
			t.Run(fmt.Sprintf("%s/%s", tls.VersionName(version), records), func(t *testing.T) { f(t, version, records) })
		}
	}
}

// pool is for what codecs keep.
func pool(t *testing.T) *mem.Pool {
	p := mem.NewPool(mem.Config{})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// What was read ahead is in two layers, and all of it comes, before what follows.
func TestDetachReadsAhead(t *testing.T) {
	config, cert := serverConfig(t)
	each(t, func(t *testing.T, version uint16, records tlscodec.Records) {
		buffers := pool(t)
		for _, count := range []int{0, 3, 5, 17, 100} { // bytes that are read before
			server, client := pair(t)
			clientConfig := cert.Client()
			clientConfig.MinVersion, clientConfig.MaxVersion = version, version
			said := make(chan error, 1)
			c := tls.Client(client, clientConfig)
			go func() {
				err := c.Handshake()
				for i := range 10 {
					_, e := fmt.Fprintf(c, "record %d, ", i)
					err = errors.Join(err, e)
				}
				said <- err
			}()
			conn, err := tlscodec.Handshake(server, config, records, make(tlscodec.Tokens, 1), patience)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-said; err != nil {
				t.Fatal(err)
			}
			ahead := make([]byte, count)
			if _, err := io.ReadFull(conn, ahead); err != nil {
				t.Fatal(err)
			}
			if count > 10 { // then something was answered, too
				if _, err := conn.Write([]byte("an ")); err != nil {
					t.Fatal(err)
				}
			}
			below, read, codec, err := tlscodec.Detach(conn, ahead)
			if err != nil || below != server || !codec.Ready() {
				t.Fatalf("%v, %v", below, err)
			}
			if own := records == tlscodec.OwnRecords && version == tls.VersionTLS13; own != (tlscodec.RecordsOf(codec) == tlscodec.OwnRecords) {
				t.Errorf("the records are made by %s", tlscodec.RecordsOf(codec))
			}
			tlscodec.Bind(codec, buffers)
			plain, raw, err := codec.Decode(nil, nil, read)
			for err == nil && len(plain) < 100 { // the rest is in the connection
				b := make([]byte, 1000)
				n, e := below.Read(b)
				plain, raw, err = codec.Decode(plain, raw, b[:n])
				err = errors.Join(err, e)
			}
			want := ""
			for i := range 10 {
				want += fmt.Sprintf("record %d, ", i)
			}
			if string(plain) != want || err != nil {
				t.Errorf("%q, %v", plain, err)
			}
			if raw, err = codec.Encode(raw, []byte("answer")); err == nil {
				_, err = below.Write(codec.End(raw))
			}
			want = "answer"
			if count > 10 {
				want = "an answer"
			}
			if b, e := io.ReadAll(c); string(b) != want || err != nil || e != nil {
				t.Errorf("answered is %q, %v, %v", b, err, e)
			}
			if _, _, _, err := tlscodec.Detach(conn, nil); !errors.Is(err, tlscodec.ErrForeign) {
				t.Errorf("the second time: %v", err)
			}
			if r, ok := codec.(engine.CodecReleaser); ok {
				r.Release()
			}
		}
	})
	if _, _, _, err := tlscodec.Detach(tls.Server(nil, config), nil); !errors.Is(err, tlscodec.ErrForeign) {
		t.Errorf("of another's: %v", err)
	}
}

// FuzzServer takes any bytes for what a client says, in pieces: no panic, no end of it all, and
// nothing is left when the session is over.
func FuzzServer(f *testing.F) {
	var hello wireTap
	_ = tls.Client(&hello, &tls.Config{ServerName: tlstest.Host}).Handshake()
	f.Add([]byte(hello), 1000)
	f.Add([]byte(hello), 1)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 3)
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return nil, errors.New("there is none")
	}}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		codec := tlscodec.NewServer(config)
		raw, err := codec.Start(nil)
		var plain []byte
		for piece = max(piece, 1); err == nil && len(stream) > 0; {
			n := min(piece, len(stream))
			plain, raw, err = codec.Decode(plain, raw, stream[:n])
			stream = stream[n:]
		}
		if len(plain) > 0 || codec.Ready() {
			t.Fatalf("%q is said to who has no certificate", plain)
		}
		codec.Release()
		codec.Release()
	})
}

// wireTap keeps what is written, and has nothing to read.
type wireTap []byte

func (w *wireTap) Write(b []byte) (int, error)    { *w = append(*w, b...); return len(b), nil }
func (*wireTap) Read([]byte) (int, error)         { return 0, io.EOF }
func (*wireTap) Close() error                     { return nil }
func (*wireTap) LocalAddr() net.Addr              { return nil }
func (*wireTap) RemoteAddr() net.Addr             { return nil }
func (*wireTap) SetDeadline(time.Time) error      { return nil }
func (*wireTap) SetReadDeadline(time.Time) error  { return nil }
func (*wireTap) SetWriteDeadline(time.Time) error { return nil }
