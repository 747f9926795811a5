package tlsrecord_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"testing"
	"unsafe"

	"sarang/engine/tlsrecord"
)

func suites() []tlsrecord.Suite {
	return []tlsrecord.Suite{tlsrecord.AES128GCMSHA256, tlsrecord.AES256GCMSHA384, tlsrecord.ChaCha20Poly1305SHA256}
}

func eachSuite(t *testing.T, f func(t *testing.T, s tlsrecord.Suite)) {
	t.Helper()
	for _, s := range suites() {
		t.Run(fmt.Sprintf("%04x", uint16(s)), func(t *testing.T) { f(t, s) })
	}
}

// ends are two Layers that know each other, with keys that both use.
type ends struct {
	t      testing.TB
	keys   *tlsrecord.Keys
	client tlsrecord.Layer
	server tlsrecord.Layer
}

func newEnds(t testing.TB, s tlsrecord.Suite) *ends {
	t.Helper()
	a, b := make([]byte, s.SecretBytes()), make([]byte, s.SecretBytes())
	for i := range a {
		a[i], b[i] = byte(i), byte(100+i)
	}
	e := &ends{t: t, keys: tlsrecord.NewKeys(4, 0)}
	err := e.client.Init(tlsrecord.Config{Suite: s, Client: true, In: tlsrecord.Traffic{Secret: b}, Out: tlsrecord.Traffic{Secret: a}})
	err = errors.Join(err, e.server.Init(tlsrecord.Config{Suite: s, In: tlsrecord.Traffic{Secret: a}, Out: tlsrecord.Traffic{Secret: b}}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// carry has one end make records of data, and the other one find it in them.
func (e *ends) carry(from, to *tlsrecord.Layer, data ...[]byte) (raw []byte) {
	e.t.Helper()
	raw, err := from.Encode(e.keys, nil, data...)
	if err != nil {
		e.t.Fatal(err)
	}
	plain, back, used, err := to.Decode(e.keys, nil, nil, raw)
	if want := bytes.Join(data, nil); err != nil || used != len(raw) || !bytes.Equal(plain, want) || len(back) > 0 {
		e.t.Fatalf("%d bytes in %d of records became %d, with an answer of %d: %v", len(want), len(raw), len(plain), len(back), err)
	}
	return raw
}

// A Layer that does nothing is what the documentation says, and no larger.
func TestLayerIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(tlsrecord.Layer{}); n > 144 {
		t.Errorf("a Layer has %d bytes", n)
	}
	e := newEnds(t, tlsrecord.AES128GCMSHA256)
	e.carry(&e.client, &e.server, []byte("x"))
	if e.keys.Len() != 2 {
		t.Errorf("%d keys are open", e.keys.Len())
	}
	e.keys.Sweep() // they were used
	e.carry(&e.client, &e.server, []byte("x"))
	e.keys.Sweep()
	if e.keys.Len() != 2 {
		t.Errorf("%d keys are open", e.keys.Len())
	}
	e.keys.Sweep()
	if e.keys.Len() != 0 {
		t.Errorf("%d keys are open of ends that do nothing", e.keys.Len())
	}
	e.carry(&e.client, &e.server, []byte("x"))
	e.client.Clear(e.keys)
	e.server.Clear(e.keys)
	if e.keys.Len() != 0 || !e.client.SecretsAreClear() || !e.server.SecretsAreClear() {
		t.Error("something is left of Layers that were cleared")
	}
	if _, err := e.client.Encode(e.keys, nil, []byte("x")); !errors.Is(err, tlsrecord.ErrClosed) {
		t.Errorf("a record without a secret: %v", err)
	}
	if _, _, _, err := e.server.Decode(e.keys, nil, nil, make([]byte, 100)); !errors.Is(err, tlsrecord.ErrClosed) {
		t.Errorf("a record without a secret: %v", err)
	}
}

// More ends than keys may be open: the others open theirs each time.
func TestFewKeys(t *testing.T) {
	for most := range 4 {
		e := newEnds(t, tlsrecord.AES128GCMSHA256)
		e.keys = tlsrecord.NewKeys(most, 0)
		for range 10 {
			e.carry(&e.client, &e.server, []byte("one way"))
			e.carry(&e.server, &e.client, []byte("and the other"))
			if e.keys.Len() > most {
				t.Fatalf("%d keys are open, not %d", e.keys.Len(), most)
			}
		}
		if n := e.keys.Counts().KeysOpened.Load(); most == 3 && n != 13 || most == 0 && n != 40 {
			t.Errorf("with %d, keys were opened %d times", most, n)
		}
	}
}

// The key schedule is that of the standard library, for each suite.
func TestExpandLabel(t *testing.T) {
	for _, c := range []struct {
		suite tlsrecord.Suite
		hash  func() hash.Hash
	}{
		{tlsrecord.AES128GCMSHA256, sha256.New}, {tlsrecord.AES256GCMSHA384, sha512.New384}, {tlsrecord.ChaCha20Poly1305SHA256, sha256.New},
	} {
		for i := range 50 {
			secret := bytes.Repeat([]byte{byte(i)}, c.suite.SecretBytes())
			for label, n := range map[string]int{"key": 16 + 16*(i%2), "iv": 12, "traffic upd": len(secret)} {
				info := binary.BigEndian.AppendUint16(nil, uint16(n))
				info = append(append(append(info, byte(6+len(label))), "tls13 "+label...), 0)
				want, err := hkdf.Expand(c.hash, secret, string(info), n)
				if err != nil {
					t.Fatal(err)
				}
				if got := c.suite.ExpandLabel(secret, label, n); !bytes.Equal(got, want) {
					t.Fatalf("%s of %x: %x, not %x", label, secret, got, want)
				}
			}
		}
	}
}

func TestSecretsThatFitNoSuite(t *testing.T) {
	var l tlsrecord.Layer
	for _, c := range []tlsrecord.Config{
		{},
		{Suite: 0x1304, In: tlsrecord.Traffic{Secret: make([]byte, 32)}, Out: tlsrecord.Traffic{Secret: make([]byte, 32)}},
		{Suite: tlsrecord.AES256GCMSHA384, In: tlsrecord.Traffic{Secret: make([]byte, 48)}, Out: tlsrecord.Traffic{Secret: make([]byte, 32)}},
		{Suite: tlsrecord.AES128GCMSHA256, In: tlsrecord.Traffic{Secret: make([]byte, 48)}, Out: tlsrecord.Traffic{Secret: make([]byte, 32)}},
	} {
		if err := l.Init(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// However the data lies, it goes into as few records as it fits in, and comes out as it was.
func TestDataOfAnySize(t *testing.T) {
	eachSuite(t, func(t *testing.T, s tlsrecord.Suite) {
		e := newEnds(t, s)
		rng := rand.New(rand.NewPCG(1, uint64(s)))
		for _, total := range []int{0, 1, 2, 1000, 16383, 16384, 16385, 32768, 32769, 100000} {
			data := make([]byte, total)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			for _, pieces := range []int{1, 2, 7, 100} {
				var parts [][]byte
				for rest := data; ; {
					n := min(len(rest), rng.IntN(2*total/pieces+1))
					if len(parts) == pieces {
						n = len(rest)
					}
					parts = append(parts, rest[:n])
					if rest = rest[n:]; len(rest) == 0 {
						break
					}
				}
				raw := e.carry(&e.server, &e.client, parts...)
				records := (total + tlsrecord.DataBytesMax - 1) / tlsrecord.DataBytesMax
				if want := total + records*tlsrecord.OverheadBytes; len(raw) != want {
					t.Errorf("%d bytes in %d parts are %d bytes of records, not %d", total, len(parts), len(raw), want)
				}
			}
		}
	})
}

// A record is handed on when it is whole and not before, and nothing of what is behind it is lost.
func TestEverySplitOfRecords(t *testing.T) {
	eachSuite(t, func(t *testing.T, s tlsrecord.Suite) {
		e := newEnds(t, s)
		var raw []byte
		for i := range 3 {
			raw, _ = e.client.Encode(e.keys, raw, bytes.Repeat([]byte{byte(i)}, 20*i+1))
		}
		one := 1 + tlsrecord.OverheadBytes
		for cut := range len(raw) {
			l := newEnds(t, s).server
			plain, _, used, err := l.Decode(e.keys, nil, nil, raw[:cut])
			if err != nil || used > cut || (used > 0) != (cut >= one) {
				t.Fatalf("cut at %d: %d bytes used, %v", cut, used, err)
			}
			if need := l.Need(raw[used:cut]); need <= cut-used {
				t.Fatalf("cut at %d: %d bytes are wanted of what follows %d", cut, need, used)
			}
			plain, _, more, err := l.Decode(e.keys, plain, nil, raw[used:])
			if err != nil || used+more != len(raw) || len(plain) != 1+21+41 {
				t.Fatalf("cut at %d: %d bytes, %v", cut, len(plain), err)
			}
			l.Clear(e.keys)
		}
	})
}

// Whatever bit of a record is changed, nothing of it comes through, and the peer gets an alert.
func TestAnyChangedBit(t *testing.T) {
	eachSuite(t, func(t *testing.T, s tlsrecord.Suite) {
		e := newEnds(t, s)
		good, err := e.client.Encode(e.keys, nil, []byte("sixteen bytes it"))
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(good) {
			bad := bytes.Clone(good)
			bad[bit/8] ^= 1 << (bit % 8)
			e := newEnds(t, s)
			// What is longer now has to come whole before it can be judged.
			bad = append(bad, make([]byte, 1<<14)...)
			plain, raw, _, err := e.server.Decode(e.keys, nil, nil, bad)
			var fault *tlsrecord.Error
			if !errors.As(err, &fault) || len(plain) > 0 {
				t.Fatalf("bit %d: %x, %v", bit, plain, err)
			}
			_, _, _, err = e.client.Decode(e.keys, nil, nil, raw)
			if want := (&tlsrecord.RemoteError{Alert: fault.Alert}); err == nil || err.Error() != want.Error() {
				t.Fatalf("bit %d: the peer is told %v, not %v", bit, err, want)
			}
			if _, _, _, err := e.server.Decode(e.keys, nil, nil, good); !errors.Is(err, tlsrecord.ErrClosed) {
				t.Fatalf("bit %d: there is a second try: %v", bit, err)
			}
			if end := e.server.End(e.keys, nil); len(end) > 0 {
				t.Fatalf("bit %d: something is said behind the alert: %x", bit, end)
			}
		}
	})
}

// A record again, one left out, or two in another order.
func TestRecordsInAnotherOrder(t *testing.T) {
	for _, order := range [][]int{{0, 0}, {1}, {1, 0}, {0, 2}} {
		e := newEnds(t, tlsrecord.AES128GCMSHA256)
		var records [3][]byte
		for i := range records {
			records[i], _ = e.client.Encode(e.keys, nil, []byte{byte(i)})
		}
		var err error
		for _, i := range order {
			if _, _, _, err = e.server.Decode(e.keys, nil, nil, records[i]); err != nil {
				break
			}
		}
		if fault := new(tlsrecord.Error); !errors.As(err, &fault) || fault.Alert != tlsrecord.AlertBadRecordMAC {
			t.Errorf("records %d: %v", order, err)
		}
	}
}

// inner is a record with any inner plaintext, from the client.
func (e *ends) inner(b ...byte) []byte { return e.client.SealInner(e.keys, nil, b...) }

// What a peer may not send, and the alert that RFC 8446 names for it.
func TestFaults(t *testing.T) {
	const alert, handshake, data = 21, 22, 23
	type say func(e *ends) []byte
	inner := func(b ...byte) say { return func(e *ends) []byte { return e.inner(b...) } }
	twice := func(a, b []byte) say {
		return func(e *ends) []byte { return append(e.inner(a...), e.inner(b...)...) }
	}
	plain := func(b ...byte) say { return func(*ends) []byte { return b } }
	for name, c := range map[string]struct {
		says say
		want tlsrecord.Alert
	}{
		"a plain alert":               {plain(21, 3, 3, 0, 2, 2, 40), tlsrecord.AlertUnexpectedMessage},
		"a plain handshake":           {plain(22, 3, 3, 0, 1, 1), tlsrecord.AlertUnexpectedMessage},
		"a change of cipher":          {plain(20, 3, 3, 0, 1, 1), tlsrecord.AlertUnexpectedMessage},
		"no TLS":                      {plain([]byte("GET / HTTP/1.1\r\n")...), tlsrecord.AlertUnexpectedMessage},
		"too long a record":           {plain(23, 3, 3, 0x41, 1), tlsrecord.AlertRecordOverflow},
		"a record of nothing":         {plain(23, 3, 3, 0, 0), tlsrecord.AlertBadRecordMAC},
		"a tag alone":                 {inner(), tlsrecord.AlertBadRecordMAC},
		"padding alone":               {inner(0, 0, 0), tlsrecord.AlertUnexpectedMessage},
		"too much in a record":        {inner(append(make([]byte, tlsrecord.DataBytesMax+1), data)...), tlsrecord.AlertRecordOverflow},
		"too much with its padding":   {inner(append([]byte{1, data}, make([]byte, tlsrecord.DataBytesMax)...)...), tlsrecord.AlertRecordOverflow},
		"a type that there is not":    {inner(1, 2, 3, 99), tlsrecord.AlertUnexpectedMessage},
		"an encrypted change":         {inner(1, 20), tlsrecord.AlertUnexpectedMessage},
		"an alert of one byte":        {inner(2, alert), tlsrecord.AlertDecodeError},
		"an alert of three bytes":     {inner(2, 40, 0, alert), tlsrecord.AlertDecodeError},
		"two alerts in one":           {inner(1, 90, 1, 0, alert), tlsrecord.AlertDecodeError},
		"an alert of nothing":         {inner(alert), tlsrecord.AlertDecodeError},
		"a handshake of nothing":      {inner(handshake), tlsrecord.AlertUnexpectedMessage},
		"a hello":                     {inner(1, 0, 0, 1, 0, handshake), tlsrecord.AlertUnexpectedMessage},
		"the first byte of a finish":  {inner(20, handshake), tlsrecord.AlertUnexpectedMessage},
		"a ticket from a client":      {inner(4, handshake), tlsrecord.AlertUnexpectedMessage},
		"a long KeyUpdate":            {inner(24, 0, 0, 2, 0, handshake), tlsrecord.AlertDecodeError},
		"a very long KeyUpdate":       {inner(24, 1, 0, 1, handshake), tlsrecord.AlertDecodeError},
		"an empty KeyUpdate":          {inner(24, 0, 0, 0, handshake), tlsrecord.AlertDecodeError},
		"a KeyUpdate of another kind": {inner(24, 0, 0, 1, 2, handshake), tlsrecord.AlertIllegalParameter},
		"two KeyUpdates in one":       {inner(24, 0, 0, 1, 0, 24, 0, 0, 1, 0, handshake), tlsrecord.AlertUnexpectedMessage},
		"data within a message":       {twice([]byte{24, 0, handshake}, []byte{1, data}), tlsrecord.AlertUnexpectedMessage},
		"no data within a message":    {twice([]byte{24, 0, handshake}, []byte{data}), tlsrecord.AlertUnexpectedMessage},
		"the end within a message":    {twice([]byte{24, handshake}, []byte{1, 0, alert}), tlsrecord.AlertUnexpectedMessage},
		"the old key again":           {twice([]byte{24, 0, 0, 1, 0, handshake}, []byte{1, data}), tlsrecord.AlertBadRecordMAC},
	} {
		e := newEnds(t, tlsrecord.AES128GCMSHA256)
		got, raw, _, err := e.server.Decode(e.keys, nil, nil, c.says(e))
		if fault := new(tlsrecord.Error); !errors.As(err, &fault) || fault.Alert != c.want || len(got) > 0 {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
		_, _, _, err = e.client.Decode(e.keys, nil, nil, raw)
		if told := new(tlsrecord.RemoteError); !errors.As(err, &told) || told.Alert != c.want {
			t.Errorf("%s: the peer is told %v, not %v", name, err, c.want)
		}
		if n := e.keys.Counts().AlertsSent(c.want).Load() + e.keys.Counts().AlertsReceived(c.want).Load(); n < 2 {
			t.Errorf("%s: %d alerts of the kind are counted", name, n)
		}
	}
}

// What is unusual and allowed.
func TestAllowed(t *testing.T) {
	const alert, handshake, data = 21, 22, 23
	full := append(bytes.Repeat([]byte{7}, tlsrecord.DataBytesMax), data)
	for name, c := range map[string]struct {
		inner [][]byte
		want  int
	}{
		"no data":                  {[][]byte{{data}, {data, 0, 0}}, 0},
		"padding":                  {[][]byte{append([]byte{1, 2, 0, data}, make([]byte, 1000)...)}, 3},
		"as much as there may be":  {[][]byte{full, full}, 2 * tlsrecord.DataBytesMax},
		"with as much padding":     {[][]byte{append([]byte{1, data}, make([]byte, tlsrecord.DataBytesMax-1)...)}, 1},
		"user_canceled":            {[][]byte{{1, 90, alert}, {2, 90, alert}, {5, data}}, 1},
		"a KeyUpdate in parts":     {[][]byte{{24, handshake}, {0, handshake}, {0, 1, handshake}}, 0},
		"a part that is padded":    {[][]byte{{24, 0, 0, handshake, 0, 0, 0}, {1, handshake}}, 0},
		"zeros at the end of data": {[][]byte{{9, 0, 0, data}}, 3},
	} {
		e := newEnds(t, tlsrecord.AES128GCMSHA256)
		var got []byte
		for i, b := range c.inner {
			plain, raw, _, err := e.server.Decode(e.keys, got, nil, e.inner(b...))
			if err != nil || len(raw) > 0 {
				t.Fatalf("%s: record %d: %v", name, i, err)
			}
			got = plain
		}
		if len(got) != c.want {
			t.Errorf("%s: %d bytes of data, not %d", name, len(got), c.want)
		}
	}
	// The version of a record means nothing; it is authenticated, so this is a record that was
	// made with it.
	e := newEnds(t, tlsrecord.AES128GCMSHA256)
	if got, _, _, err := e.server.Decode(e.keys, nil, nil, e.client.SealInner(e.keys, nil, 1, data)); err != nil || len(got) != 1 {
		t.Errorf("%x, %v", got, err)
	}
}

// A client leaves tickets alone, in whatever parts they come.
func TestTickets(t *testing.T) {
	e := newEnds(t, tlsrecord.AES128GCMSHA256)
	ticket := append([]byte{4, 0, 1, 44}, make([]byte, 300)...)
	for i := range ticket {
		if i > 3 {
			ticket[i] = byte(i)
		}
	}
	two := append(bytes.Clone(ticket), ticket...)
	for cut := 1; cut < len(two); cut++ {
		b := e.server.SealInner(e.keys, nil, append(bytes.Clone(two[:cut]), 22)...)
		b = e.server.SealInner(e.keys, b, append(bytes.Clone(two[cut:]), 22)...)
		b = e.server.SealInner(e.keys, b, 'x', 23)
		if plain, _, _, err := e.client.Decode(e.keys, nil, nil, b); err != nil || string(plain) != "x" {
			t.Fatalf("cut at %d: %q, %v", cut, plain, err)
		}
	}
	b := e.server.SealInner(e.keys, nil, 4, 0x10, 0, 0, 22)
	if _, _, _, err := e.client.Decode(e.keys, nil, nil, b); err == nil {
		t.Error("a ticket of a megabyte is waited for")
	}
}

// Behind close_notify nothing counts, and the other direction goes on.
func TestEnds(t *testing.T) {
	e := newEnds(t, tlsrecord.AES128GCMSHA256)
	raw, _ := e.client.Encode(e.keys, nil, []byte("last words"))
	raw = e.client.End(e.keys, raw)
	if more := e.client.End(e.keys, nil); len(more) > 0 {
		t.Errorf("the end comes twice: %x", more)
	}
	if _, err := e.client.Encode(e.keys, nil, []byte("x")); !errors.Is(err, tlsrecord.ErrClosed) {
		t.Errorf("behind the end: %v", err)
	}
	raw = append(raw, "and what is none of ours"...)
	plain, back, used, err := e.server.Decode(e.keys, nil, nil, raw)
	if string(plain) != "last words" || used != len(raw) || len(back) > 0 || err != io.EOF {
		t.Errorf("%q, %d of %d used, %v", plain, used, len(raw), err)
	}
	if _, _, used, err := e.server.Decode(e.keys, nil, nil, raw); used != len(raw) || err != io.EOF {
		t.Errorf("and then %d of %d used, %v", used, len(raw), err)
	}
	e.carry(&e.server, &e.client, []byte("goes on"))
	if _, _, _, err := e.client.Decode(e.keys, nil, nil, e.server.End(e.keys, nil)); err != io.EOF {
		t.Errorf("the other end: %v", err)
	}
}
