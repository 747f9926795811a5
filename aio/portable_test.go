package aio_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiotest"
)

// portablePatience bounds every wait; only a driver that is broken uses it up.
const portablePatience = 20 * time.Second

// TestPortablePlainConformance: connections that can not tell when they are ready
// must do as well.
func TestPortablePlainConformance(t *testing.T) { conformPortable(t, aio.OpenPlainPortable) }

func conformPortable(t *testing.T, open func(aio.Config) (*aio.Portable, error)) {
	aiotest.Run(t, aiotest.Factory{
		Name: "portable",
		Open: func(t *testing.T, configs ...aio.Config) []aio.Driver {
			var all []aio.Driver
			for _, c := range configs {
				d, err := open(c)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, d)
			}
			return all
		},
		Loopback:        netip.MustParseAddrPort("127.0.0.1:0"),
		Loopback6:       netip.MustParseAddrPort("[::1]:0"),
		ReadsOnce:       true,
		IdleConnections: 500,
	})
}

// portableEnd is one socket of a portable driver, and what has come of it.
type portableEnd struct {
	t    *testing.T
	d    *aio.Portable
	s    aio.Socket
	got  []byte // received
	past []aio.Event
}

func newPortableEnd(t *testing.T, open func(aio.Config) (*aio.Portable, error), c net.Conn) *portableEnd {
	t.Helper()
	d, err := open(aio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.AttachConn(c, 77)
	if err != nil {
		t.Fatal(err)
	}
	return &portableEnd{t: t, d: d, s: s}
}

// until waits until done.
func (e *portableEnd) until(what string, done func() bool) {
	e.t.Helper()
	events := make([]aio.Event, 8)
	for end := e.d.Now() + portablePatience; !done(); {
		n, err := e.d.Wait(events, 50*time.Millisecond)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, x := range events[:n] {
			if x.Token != 77 || x.Socket != e.s {
				e.t.Fatalf("an event of a stranger: %+v", x)
			}
			e.got = append(e.got, x.Data...)
			x.Data = nil // its loan ends
			e.past = append(e.past, x)
		}
		if e.d.Now() > end {
			e.t.Fatalf("waited for: %s", what)
		}
	}
}

// next waits for one more event of a kind and returns it; those with bytes do not
// count.
func (e *portableEnd) next(kind aio.Kind) aio.Event {
	e.t.Helper()
	at := func() int {
		return slices.IndexFunc(e.past, func(x aio.Event) bool {
			return x.Kind == kind && !(kind == aio.KindRecv && x.More)
		})
	}
	e.until(kind.String(), func() bool { return at() >= 0 })
	i := at()
	x := e.past[i]
	e.past = slices.Delete(e.past, i, i+1)
	return x
}

func (e *portableEnd) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// TestPortablePipe: a pipe in memory has no room at all, so every byte waits for
// its reader.
func TestPortablePipe(t *testing.T) {
	near, far := net.Pipe()
	e := newPortableEnd(t, aio.NewPortable, near)
	e.must(e.d.Recv(e.s))
	message := bytes.Repeat([]byte("pipe"), 15_000)
	e.must(e.d.Send(e.s, [][]byte{message[:10], nil, message[10:]}))
	first := e.next(aio.KindSend)
	if first.Err != nil || first.N != aio.WriteCopyBytes {
		t.Fatalf("taken %d, %v, want a copy's %d", first.N, first.Err, aio.WriteCopyBytes)
	}
	e.must(e.d.Send(e.s, [][]byte{message[first.N:]}))
	if x := e.next(aio.KindSend); !errors.Is(x.Err, aio.ErrWouldBlock) || !x.More {
		t.Fatalf("with a copy on its way: %+v, want ErrWouldBlock", x)
	}
	got := make([]byte, first.N)
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, message[:first.N]) {
		t.Fatalf("the far end read something else, or %v", err)
	}
	if x := e.next(aio.KindWritable); x.Err != nil {
		t.Fatalf("writable with %v", x.Err)
	}

	if _, err := far.Write([]byte("and back")); err != nil {
		t.Fatal(err)
	}
	e.until("the bytes", func() bool { return string(e.got) == "and back" })
	if err := e.d.Shutdown(e.s); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Shutdown of a pipe: %v", err)
	}
	far.Close()
	if x := e.next(aio.KindRecv); !errors.Is(x.Err, io.EOF) {
		t.Errorf("receiving ended with %v", x.Err)
	}
	e.must(e.d.Close(e.s))
	e.next(aio.KindDisconnect)
	e.must(e.d.Release())
}

// TestPortableTLS: a connection whose closing may wait, and that holds bytes of its
// own.
func TestPortableTLS(t *testing.T) {
	near, far := loopbackPair(t)
	certificate := selfSigned(t)
	e := newPortableEnd(t, aio.NewPortable, tls.Server(near, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	client := tls.Client(far, &tls.Config{RootCAs: poolOf(certificate), ServerName: "sarang"})

	message := bytes.Repeat([]byte("secret "), 9000)
	var group sync.WaitGroup
	var echoed []byte
	var clientErr error
	group.Go(func() {
		defer client.Close()
		if _, clientErr = client.Write(message); clientErr == nil {
			echoed, clientErr = io.ReadAll(client)
		}
	})
	e.must(e.d.Recv(e.s))
	e.until("the message", func() bool { return len(e.got) == len(message) })
	for rest := e.got; len(rest) > 0; {
		e.must(e.d.Send(e.s, [][]byte{rest}))
		x := e.next(aio.KindSend)
		if x.More {
			x = e.next(aio.KindWritable)
		}
		e.must(x.Err)
		rest = rest[x.N:]
	}
	e.must(e.d.Shutdown(e.s))
	group.Wait()
	if clientErr != nil || !bytes.Equal(echoed, message) {
		t.Errorf("%d bytes came back of %d, then %v", len(echoed), len(message), clientErr)
	}
	if x := e.next(aio.KindRecv); !errors.Is(x.Err, io.EOF) {
		t.Errorf("receiving ended with %v", x.Err)
	}
	e.must(e.d.Close(e.s))
	e.next(aio.KindDisconnect)
	e.must(e.d.Release())
}

// TestPortableReleaseWritesWhatWasTaken: the owner was told that the bytes are on
// their way.
func TestPortableReleaseWritesWhatWasTaken(t *testing.T) {
	for name, open := range map[string]func(aio.Config) (*aio.Portable, error){
		"asked": aio.NewPortable, "plain": aio.OpenPlainPortable,
	} {
		t.Run(name, func(t *testing.T) {
			near, far := loopbackPair(t)
			defer far.Close()
			e := newPortableEnd(t, open, near)
			message := bytes.Repeat([]byte{42}, aio.WriteCopyBytes)
			e.must(e.d.Send(e.s, [][]byte{message}))
			x := e.next(aio.KindSend)
			e.must(x.Err)
			e.must(e.d.Release())
			if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, message[:x.N]) {
				t.Errorf("read %d bytes, %v, want %d", len(got), err, x.N)
			}
		})
	}
}

// TestPortableLostBytesAreNoEnd: a socket closed with a copy that its peer does not
// take is gone for its owner at once, and the peer must not think that the stream
// is whole.
func TestPortableLostBytesAreNoEnd(t *testing.T) {
	near, far := loopbackPair(t)
	defer far.Close()
	e := newPortableEnd(t, aio.OpenPlainPortable, near)
	junk := make([]byte, 1<<20)
	for full := false; !full; {
		e.must(e.d.Send(e.s, [][]byte{junk}))
		if x := e.next(aio.KindSend); !x.More {
			continue
		}
		// Full is when nothing moves for a while.
		quiet := e.d.Now() + 200*time.Millisecond
		e.until("quiet", func() bool { return e.d.Now() > quiet || len(e.past) > 0 })
		if full = len(e.past) == 0; !full {
			e.must(e.next(aio.KindWritable).Err)
		}
	}
	begun := e.d.Now()
	e.must(e.d.Close(e.s))
	if x := e.next(aio.KindWritable); !errors.Is(x.Err, aio.ErrCanceled) {
		t.Errorf("the blocked send ended with %v", x.Err)
	}
	e.next(aio.KindDisconnect)
	if took := e.d.Now() - begun; took >= aio.CopyGrace {
		t.Errorf("closing kept its owner waiting for %v", took)
	}
	e.must(e.d.Release())
	if n, err := io.Copy(io.Discard, far); err == nil {
		t.Errorf("after %d bytes the stream ended as if it were whole", n)
	}
}

// TestPortableAttachRefuses: what is no net.Conn, and what finds no room, which is
// closed.
func TestPortableAttachRefuses(t *testing.T) {
	d, err := aio.NewPortable(aio.Config{SocketsMax: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Attach(aio.Conn{Handle: 1}, 1); err == nil {
		t.Error("a number was attached")
	}
	one, _ := net.Pipe()
	if _, err := d.AttachConn(one, 1); err != nil {
		t.Fatal(err)
	}
	two, far := net.Pipe()
	if _, err := d.AttachConn(two, 2); !errors.Is(err, aio.ErrTooMany) {
		t.Errorf("beyond SocketsMax: %v", err)
	}
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the refused connection is not closed: %v", err)
	}
	if err := d.Release(); err != nil {
		t.Fatal(err)
	}
}

// loopbackPair makes a TCP connection with ordinary sockets at both ends.
func loopbackPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"sarang"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func poolOf(c tls.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.Leaf)
	return p
}
