package tlscodec_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"sarang/engine"
	"sarang/engine/tlscodec"
)

// expandLabel is HKDF-Expand-Label of RFC 8446, section 7.1, without a context.
func expandLabel(t *testing.T, secret []byte, label string, n int) []byte {
	t.Helper()
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	b, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records writes what no library would: a client's records of TLS 1.3, one by one.
type records struct {
	t      *testing.T
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

func (r *records) use(secret []byte) {
	block, err := aes.NewCipher(expandLabel(r.t, secret, "key", 16))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.aead, err = cipher.NewGCM(block); err != nil {
		r.t.Fatal(err)
	}
	r.secret, r.iv, r.seq = secret, expandLabel(r.t, secret, "iv", 12), 0
}

// add appends a record with data of a content type (RFC 8446, section 5.2).
func (r *records) add(dst []byte, contentType byte, data ...byte) []byte {
	in := append(data, contentType)
	head := []byte{23, 3, 3, byte((len(in) + 16) >> 8), byte(len(in) + 16)}
	nonce := bytes.Clone(r.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(r.seq >> (56 - 8*i))
	}
	r.seq++
	return append(append(dst, head...), r.aead.Seal(nil, nonce, in, head)...)
}

// keyUpdate appends one, and goes on with the next key (section 7.2).
func (r *records) keyUpdate(dst []byte) []byte {
	dst = r.add(dst, 22, 24, 0, 0, 1, 0)
	r.use(expandLabel(r.t, r.secret, "traffic upd", 32))
	return dst
}

// handmade is a codec of a server, and a client's records for it.
func handmade(t *testing.T, by tlscodec.Records) (engine.Codec, *records) {
	t.Helper()
	config, cert := serverConfig(t)
	server, client := pair(t)
	var secrets bytes.Buffer
	cc := cert.Client()
	cc.MinVersion, cc.KeyLogWriter = tls.VersionTLS13, &secrets
	done := make(chan *tls.Conn, 1)
	go func() {
		c := tls.Client(client, cc)
		if err := c.Handshake(); err != nil {
			t.Error(err)
		}
		done <- c
	}()
	conn, err := tlscodec.Handshake(server, config, by, nil, patience)
	if err != nil {
		t.Fatal(err)
	}
	if suite := (<-done).ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("the suite is %x: these records are of another", suite)
	}
	r := &records{t: t}
	r.use(secretOf(t, &secrets, "CLIENT_TRAFFIC_SECRET_0"))
	_, _, codec, err := tlscodec.Detach(conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	tlscodec.Bind(codec, pool(t))
	return codec, r
}

// byWhom calls f for each maker of records.
func byWhom(t *testing.T, f func(t *testing.T, by tlscodec.Records)) {
	t.Helper()
	for _, by := range []tlscodec.Records{tlscodec.OwnRecords, tlscodec.CryptoRecords} {
		t.Run(string(by), func(t *testing.T) { f(t, by) })
	}
}

// Key updates cost more than data, and nobody else counts them: who sends little else is
// ended, also with a byte of data now and then. Who sends data may update at any time.
func TestIdleRecords(t *testing.T) { byWhom(t, testIdleRecords) }

func testIdleRecords(t *testing.T, by tlscodec.Records) {
	codec, r := handmade(t, by)
	for i := range 2000 {
		b := r.keyUpdate(nil)
		b = r.add(b, 23, make([]byte, 16)...)
		plain, _, err := codec.Decode(nil, nil, b)
		if err != nil || len(plain) != 16 {
			t.Fatalf("update %d with data: %d bytes, %v", i, len(plain), err)
		}
	}
	received, plain := 0, 0
	for {
		var b []byte
		for range 15 {
			b = r.keyUpdate(b)
		}
		b = r.add(b, 23, 0)
		got, _, err := codec.Decode(nil, nil, b)
		received, plain = received+len(b), plain+len(got)
		if errors.Is(err, tlscodec.ErrIdleRecords) {
			break
		}
		if err != nil || received > 256<<10 {
			t.Fatalf("%d bytes of records with %d of data: %v", received, plain, err)
		}
	}
}

// So is who begins a message of the handshake and does not end it.
func TestHeldHandshakeMessage(t *testing.T) { byWhom(t, testHeldHandshakeMessage) }

func testHeldHandshakeMessage(t *testing.T, by tlscodec.Records) {
	codec, r := handmade(t, by)
	data := append([]byte{24, 0, 0xff, 0xff}, make([]byte, 16000)...)
	for range 3 {
		if _, _, err := codec.Decode(nil, nil, r.add(nil, 22, data...)); err != nil {
			return
		}
		data = make([]byte, 16000)
	}
	t.Error("48,000 bytes of a message of the handshake are kept")
}

// onWrite calls a function before each write.
type onWrite struct {
	net.Conn
	call func()
}

func (w onWrite) Write(b []byte) (int, error) {
	w.call()
	return w.Conn.Write(b)
}

// Who is in the middle of a handshake of TLS 1.3 does not wait behind those who begin: if the line
// is long, he ends his all the same.
func TestLastFlightNeedsNoToken(t *testing.T) {
	config, cert := serverConfig(t)
	server, client := pair(t)
	tokens := make(tlscodec.Tokens, 1)
	writes := 0
	ended := make(chan error, 1)
	go func() {
		ended <- tls.Client(onWrite{client, func() {
			if writes++; writes == 2 {
				tokens <- struct{}{} // somebody who begins has it from here on
			}
		}}, cert.Client()).Handshake()
	}()
	if _, err := tlscodec.Handshake(server, config, tlscodec.OwnRecords, tokens, patience); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || writes < 2 || len(tokens) != 1 {
		t.Errorf("%v, %d writes, %d tokens", err, writes, len(tokens))
	}
}

// Who has no token when the time for the handshake is over is given up: what would be computed
// then is for nobody.
func TestNoTokenInTime(t *testing.T) {
	config, cert := serverConfig(t)
	server, client := pair(t)
	go func() { _ = tls.Client(client, cert.Client()).Handshake() }()
	tokens := make(tlscodec.Tokens, 1)
	tokens <- struct{}{} // and it is not given back
	if _, err := tlscodec.Handshake(server, config, tlscodec.CryptoRecords, tokens, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a handshake without a token: %v", err)
	}
}
