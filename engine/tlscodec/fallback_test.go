package tlscodec_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"sarang/engine/tlscodec"
)

// What can not be known for certain stays with crypto/tls, and nothing of the conversation is lost:
// a client that has changed its keys before the connection changes hands.
func TestDetachAfterKeyUpdate(t *testing.T) {
	const request = 1
	for name, c := range map[string]struct {
		says func(r *records) []byte
		own  bool
	}{
		"nothing":         {func(*records) []byte { return nil }, true},
		"data":            {func(r *records) []byte { return r.add(r.add(nil, 23, 'x'), 23, 'y') }, true},
		"data of nothing": {func(r *records) []byte { return r.add(r.add(nil, 23, 'x'), 23) }, false},
		"an update":       {func(r *records) []byte { return r.keyUpdate(nil) }, false},
		"an update between data": {func(r *records) []byte {
			return r.add(r.keyUpdate(r.add(nil, 23, 'x')), 23, 'y')
		}, false},
		"an update that asks": {func(r *records) []byte {
			b := r.add(nil, 22, 24, 0, 0, 1, request)
			r.use(expandLabel(r.t, r.secret, "traffic upd", 32))
			return r.add(b, 23, 'x')
		}, false},
		"two updates":         {func(r *records) []byte { return r.add(r.keyUpdate(r.keyUpdate(nil)), 23, 'x') }, false},
		"a part of an update": {func(r *records) []byte { return r.add(r.add(nil, 23, 'x'), 22, 24, 0) }, false},
	} {
		config, cert := serverConfig(t)
		var secrets bytes.Buffer
		clientConfig := cert.Client()
		clientConfig.MinVersion, clientConfig.KeyLogWriter = tls.VersionTLS13, &secrets
		p := newPiped(t, config, clientConfig, tlscodec.OwnRecords)
		r := &records{t: t}
		r.use(secretOf(t, &secrets, "CLIENT_TRAFFIC_SECRET_0"))
		interrupt := p.readUntilInterrupted(t)
		got := make(chan string, 1)
		go func() {
			b := make([]byte, len("for you"))
			n, _ := io.ReadFull(p.client, b)
			got <- string(b[:n])
		}()
		b := c.says(r)
		if _, err := p.wire.Write(b); err != nil {
			t.Fatal(err)
		}
		ahead := interrupt()
		below, read, codec, err := tlscodec.Detach(p.server, ahead)
		if err != nil {
			t.Fatal(name, err)
		}
		if own := tlscodec.RecordsOf(codec) == tlscodec.OwnRecords; own != c.own {
			t.Errorf("%s: the records are our own: %t", name, own)
		}
		tlscodec.Bind(codec, pool(t))
		plain, _, err := codec.Decode(nil, nil, read)
		if err != nil || !bytes.Equal(plain, ahead) {
			t.Errorf("%s: %q, not %q; %v", name, plain, ahead, err)
		}
		if name == "a part of an update" {
			b = r.add(nil, 22, 0, 1, 0)
			r.use(expandLabel(r.t, r.secret, "traffic upd", 32))
		} else {
			b = nil
		}
		plain, _, err = codec.Decode(nil, nil, r.add(b, 23, 'z'))
		if err != nil || string(plain) != "z" {
			t.Errorf("%s: and then %q, %v", name, plain, err)
		}
		// The client knows nothing of the updates that were sent for it; ours are told it.
		raw, err := codec.Encode(nil, []byte("for you"))
		if err == nil {
			_, err = below.Write(raw)
		}
		if err != nil {
			t.Fatal(name, err)
		}
		if s := <-got; s != "for you" {
			t.Errorf("%s: the client has got %q", name, s)
		}
	}
}

// secretOf is one out of a key log.
func secretOf(t *testing.T, log *bytes.Buffer, label string) []byte {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		if f := strings.Fields(line); f[0] == label {
			secret, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
	}
	t.Fatal("there is no such secret")
	return nil
}
