package tlsrecord_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/engine/tlscodec/tlstest"
	"sarang/engine/tlsrecord"
)

// certificates are for all tests: to make one takes a while.
var certificates = struct {
	sync.Once
	server, client *tls.Config
}{}

func configs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	c := &certificates
	c.Do(func() {
		cert := tlstest.Write(t, t.TempDir(), 1)
		pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		c.server = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
		c.client = cert.Client()
	})
	return c.server.Clone(), c.client.Clone()
}

// library is one end of package crypto/tls, behind a handshake, and ours is the other one's
// Layer.
type library struct {
	engine.Codec
	keys *tlsrecord.Keys
	ours *tlsrecord.Layer
	// mirror is a Layer in the place of the library's end.
	mirror *tlsrecord.Layer
}

// withLibrary shakes hands, and takes the place of one end.
func withLibrary(t testing.TB, oursIsClient bool) library {
	t.Helper()
	serverConfig, clientConfig := configs(t)
	var log bytes.Buffer
	serverConfig.KeyLogWriter = &log
	server, client := tlscodec.NewServer(serverConfig), tlscodec.NewClient(clientConfig)
	toClient, err := server.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	toServer, err := client.Start(nil)
	for err == nil && len(toServer)+len(toClient) > 0 {
		var back []byte
		if _, back, err = server.Decode(nil, toClient, toServer); err == nil {
			_, toServer, err = client.Decode(nil, nil, back)
			toClient = nil
		}
	}
	if err != nil || !server.Ready() || !client.Ready() {
		t.Fatalf("no handshake: %v", err)
	}
	var secrets [2][]byte // of what the client sends, and the server
	for line := range strings.Lines(log.String()) {
		f := strings.Fields(line)
		for i, label := range []string{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"} {
			if f[0] == label {
				secrets[i] = unhex(t, f[2])
			}
		}
	}
	suite := tlsrecord.Suite(server.ConnectionState().CipherSuite)
	layers := [2]tlsrecord.Layer{}
	err = errors.Join(
		layers[0].Init(tlsrecord.Config{Suite: suite, Client: true, In: tlsrecord.Traffic{Secret: secrets[1]}, Out: tlsrecord.Traffic{Secret: secrets[0]}}),
		layers[1].Init(tlsrecord.Config{Suite: suite, In: tlsrecord.Traffic{Secret: secrets[0]}, Out: tlsrecord.Traffic{Secret: secrets[1]}}))
	if err != nil {
		t.Fatal(err)
	}
	l := library{keys: tlsrecord.NewKeys(6, 0), Codec: client, ours: &layers[1], mirror: &layers[0]}
	if oursIsClient {
		l.Codec, l.ours, l.mirror = server, &layers[0], &layers[1]
	}
	t.Cleanup(func() { server.Release(); client.Release() })
	return l
}

// take hands bytes to our end in pieces, as they may arrive, and returns the data in them.
func (l *library) take(t testing.TB, raw []byte, piece int) (plain, back []byte, err error) {
	t.Helper()
	var held []byte
	for len(raw) > 0 && err == nil {
		n := min(piece, len(raw))
		held = append(held, raw[:n]...)
		raw = raw[n:]
		var used int
		plain, back, used, err = l.ours.Decode(l.keys, plain, back, held)
		held = held[used:]
	}
	if err == nil && len(held) > 0 {
		t.Fatalf("%d bytes of whole records are left", len(held))
	}
	return plain, back, err
}

// Package crypto/tls understands us and we it, in both roles, wherever the stream is cut, over
// changes of keys, to the end.
func TestWithLibrary(t *testing.T) {
	for _, client := range []bool{false, true} {
		l := withLibrary(t, client)
		l.keys.SetRecordsMax(5)
		big := bytes.Repeat([]byte("0123456789abcdef"), 3000)
		for _, piece := range []int{1, 2, 3, 4, 5, 6, 7, 21, 22, 23, 100, 4096, 16405, 1 << 20} {
			for _, data := range [][]byte{[]byte("x"), big, big[:100]} {
				raw, err := l.ours.Encode(l.keys, nil, data[:len(data)/3], data[len(data)/3:])
				if err != nil {
					t.Fatal(err)
				}
				var plain, back []byte
				for rest := raw; len(rest) > 0 && err == nil; {
					n := min(piece, len(rest))
					plain, back, err = l.Decode(plain, back, rest[:n])
					rest = rest[n:]
				}
				if err != nil || !bytes.Equal(plain, data) {
					t.Fatalf("pieces of %d: the library has %d bytes of %d: %v", piece, len(plain), len(data), err)
				}
				// back is its answer to a KeyUpdate that has asked for one.
				if back, err = l.Encode(back, data); err != nil {
					t.Fatal(err)
				}
				if plain, back, err = l.take(t, back, piece); err != nil || !bytes.Equal(plain, data) || len(back) > 0 {
					t.Fatalf("pieces of %d: we have %d bytes of %d: %v", piece, len(plain), len(data), err)
				}
			}
		}
		if c := l.keys.Counts(); c.UpdatesSent.Load() == 0 || c.UpdatesReceived.Load() == 0 {
			t.Errorf("%d and %d changes of keys", c.UpdatesSent.Load(), c.UpdatesReceived.Load())
		}
		if _, _, err := l.Decode(nil, nil, l.ours.End(l.keys, nil)); err != io.EOF {
			t.Errorf("the library sees our end as %v", err)
		}
		if _, _, err := l.take(t, l.End(nil), 7); err != io.EOF {
			t.Errorf("we see its end as %v", err)
		}
	}
}

// Every single cut of records of the library, in both roles.
func TestEveryCutOfLibrary(t *testing.T) {
	for _, client := range []bool{false, true} {
		l := withLibrary(t, client)
		for cut := 1; cut < 2*tlsrecord.OverheadBytes+60; cut++ {
			raw, err := l.Encode(nil, []byte("the first record of two"))
			if err == nil {
				raw, err = l.Encode(raw, []byte("and the other one, which is longer"))
			}
			if err != nil {
				t.Fatal(err)
			}
			plain, _, used, err := l.ours.Decode(l.keys, nil, nil, raw[:min(cut, len(raw))])
			if err == nil {
				plain, _, _, err = l.ours.Decode(l.keys, plain, nil, raw[used:])
			}
			if err != nil || string(plain) != "the first record of twoand the other one, which is longer" {
				t.Fatalf("cut at %d: %q, %v", cut, plain, err)
			}
		}
	}
}

// Both ends are told the same of what is no TLS, as far as RFC 8446 leaves no choice. script is
// records for a server: each a length, a kind and bytes of inner plaintext.
func compareWithLibrary(t *testing.T, script []byte) {
	l := withLibrary(t, true)
	writer, library, keys, ours := l.ours, l.Codec, l.keys, l.mirror
	useless := 0
	for records := 0; len(script) > 2 && records < 20; records++ {
		n, kind := int(script[0]), script[1]
		script = script[2:]
		n = min(n, len(script), 200)
		inner := append(bytes.Clone(script[:n]), [...]byte{23, 22, 21, 22, 23, 20, 0}[kind%7])
		script = script[n:]
		raw := writer.SealInner(keys, nil, inner...)
		if update := []byte{24, 0, 0, 1, 0, 22}; bytes.Equal(inner, update) || bytes.Equal(inner, append(update[:4:4], 1, 22)) {
			writer.NextOut(keys)
		}
		theirs, _, theirErr := library.Decode(nil, nil, raw)
		got, back, used, err := ours.Decode(keys, nil, nil, raw)
		if used != len(raw) || !bytes.Equal(got, theirs) {
			t.Fatalf("%x: the library has %x and we %x; %v, %v", inner, theirs, got, theirErr, err)
		}
		if len(got) > 0 {
			useless = 0
		} else {
			useless++
		}
		switch {
		case err == nil && theirErr == nil:
		case err == io.EOF || theirErr == io.EOF:
			if !errors.Is(err, theirErr) {
				t.Fatalf("%x: the library says %v and we %v", inner, theirErr, err)
			}
			return
		case err == nil:
			if useless < 10 { // it bounds those; here package tlscodec does
				t.Fatalf("%x: the library says %v and we nothing", inner, theirErr)
			}
			return
		case theirErr == nil:
			// It waits for the whole of a message that is none, and takes an encrypted change
			// of cipher for a plain one.
			if fault := new(tlsrecord.Error); !errors.As(err, &fault) ||
				fault.Alert != tlsrecord.AlertUnexpectedMessage && fault.Alert != tlsrecord.AlertDecodeError || len(back) == 0 {
				t.Fatalf("%x: we say %v and the library nothing", inner, err)
			}
			return
		default:
			return
		}
	}
}

func seeds() [][]byte {
	return [][]byte{
		{3, 0, 'a', 'b', 'c', 5, 1, 24, 0, 0, 1, 0, 1, 0, 'x'},
		{5, 1, 24, 0, 0, 1, 1, 2, 0, 'x', 'y', 2, 2, 1, 0},
		{2, 1, 24, 0, 3, 1, 0, 1, 0, 1, 0, 'x'},
		{2, 2, 1, 90, 1, 0, 'x', 2, 2, 2, 40},
		{1, 5, 1, 0, 0, 0, 6, 0},
		{5, 1, 24, 0, 0, 1, 2},
		{6, 1, 24, 0, 0, 1, 0, 24},
		{4, 1, 1, 0, 0, 0},
		{0, 1, 0, 0},
		{4, 0, 0, 0, 0, 0, 2, 2, 1, 0},
	}
}

func TestLikeLibrary(t *testing.T) {
	for _, s := range seeds() {
		compareWithLibrary(t, s)
	}
}

// FuzzLikeLibrary compares us with package crypto/tls on records of any content.
func FuzzLikeLibrary(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(compareWithLibrary)
}

// FuzzDecode takes any bytes for records, in pieces: none is one, and nothing breaks.
func FuzzDecode(f *testing.F) {
	e := newEnds(f, tlsrecord.AES128GCMSHA256)
	good, err := e.client.Encode(e.keys, nil, []byte("a record"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, 3)
	f.Add(append(bytes.Clone(good), good...), 100)
	other, _ := hex.DecodeString("17030300130000000000000000000000000000000000000015")
	f.Add(other, 1)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		e := newEnds(t, tlsrecord.AES128GCMSHA256)
		var held, plain, raw []byte
		var err error
		for rest := stream; len(rest) > 0 && err == nil; {
			n := min(max(piece, 1), len(rest))
			held = append(held, rest[:n]...)
			rest = rest[n:]
			var used int
			plain, raw, used, err = e.server.Decode(e.keys, plain, raw, held)
			held = held[used:]
			if err == nil && len(held) >= tlsrecord.HeaderBytes && e.server.Need(held) <= len(held) {
				t.Fatalf("%d bytes are held, of a record of %d", len(held), e.server.Need(held))
			}
		}
		switch {
		case bytes.HasPrefix(stream, good) && string(plain) != "a record", !bytes.HasPrefix(stream, good) && len(plain) > 0:
			t.Fatalf("%q, %v", plain, err)
		case err != nil && len(raw) == 0:
			t.Fatalf("without an alert: %v", err)
		}
	})
}
