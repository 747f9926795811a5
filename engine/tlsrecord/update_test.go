package tlsrecord_test

import (
	"bytes"
	"testing"

	"sarang/engine/tlsrecord"
)

// Either end may go on with its next key, and ask the other one to; however often it has asked, it
// gets one.
func TestKeyUpdate(t *testing.T) {
	eachSuite(t, func(t *testing.T, s tlsrecord.Suite) {
		e := newEnds(t, s)
		counts := e.keys.Counts()
		update := func(request byte) {
			t.Helper()
			b := e.client.SealInner(e.keys, nil, 24, 0, 0, 1, request, 22)
			e.client.NextOut(e.keys)
			plain, raw, _, err := e.server.Decode(e.keys, nil, nil, b)
			if err != nil || len(plain)+len(raw) > 0 {
				t.Fatalf("%x, %x, %v", plain, raw, err)
			}
		}
		for range 3 {
			update(0)
			e.carry(&e.client, &e.server, []byte("the next key"))
			e.carry(&e.server, &e.client, []byte("the same key"))
		}
		if counts.UpdatesSent.Load() != 0 {
			t.Error("an update is answered that did not ask for it")
		}
		for range 3 {
			update(1)
		}
		raw := e.carry(&e.server, &e.client, []byte("x"))
		if counts.UpdatesSent.Load() != 1 || len(raw) != 2*tlsrecord.OverheadBytes+5+1 {
			t.Errorf("three that asked are answered by %d, in %d bytes", counts.UpdatesSent.Load(), len(raw))
		}
		if raw := e.carry(&e.server, &e.client, []byte("x")); len(raw) != tlsrecord.OverheadBytes+1 {
			t.Errorf("%d bytes", len(raw))
		}
		in, out := e.server.Seqs()
		if in != 0 || out != 2 {
			t.Errorf("the next records are %d and %d", in, out)
		}
	})
}

// A key that has made as many records as it may is followed by the next one; and if the peer's
// comes to that, it is asked.
func TestKeysWearOut(t *testing.T) {
	eachSuite(t, func(t *testing.T, s tlsrecord.Suite) {
		e := newEnds(t, s)
		e.keys.SetRecordsMax(10)
		for i := range 35 {
			e.carry(&e.server, &e.client, []byte{byte(i)})
			if _, out := e.server.Seqs(); out > 11 { // with the KeyUpdate itself
				t.Fatalf("%d records are made with one key", out)
			}
		}
		if n := e.keys.Counts().UpdatesSent.Load(); n != 3 {
			t.Errorf("35 records make %d updates", n)
		}
		// All in one piece as well.
		e.carry(&e.client, &e.server, bytes.Repeat([]byte("much"), 25*tlsrecord.DataBytesMax/4))
		if _, out := e.client.Seqs(); out > 10 {
			t.Errorf("%d records are made with one key", out)
		}
	})
	// The client never looks at its own numbers here: the server asks, once, and is answered.
	e := newEnds(t, tlsrecord.AES128GCMSHA256)
	lazy := tlsrecord.NewKeys(4, 0)
	e.keys.SetRecordsMax(10)
	for i := range 15 {
		raw, err := e.client.Encode(lazy, nil, []byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if plain, _, _, err := e.server.Decode(e.keys, nil, nil, raw); err != nil || len(plain) != 1 {
			t.Fatalf("record %d: %x, %v", i, plain, err)
		}
	}
	for i := range 3 {
		raw, _ := e.server.Encode(e.keys, nil, []byte("x"))
		if plain, _, _, err := e.client.Decode(lazy, nil, nil, raw); err != nil || len(plain) != 1 {
			t.Fatalf("answer %d: %x, %v", i, plain, err)
		}
	}
	if n := e.keys.Counts().UpdatesSent.Load(); n != 1 {
		t.Errorf("the peer is asked %d times", n)
	}
	raw, _ := e.client.Encode(lazy, nil, []byte("y"))
	if plain, _, _, err := e.server.Decode(e.keys, nil, nil, raw); err != nil || string(plain) != "y" {
		t.Fatalf("%x, %v", plain, err)
	}
	if in, _ := e.server.Seqs(); in != 1 {
		t.Errorf("the peer's key has made %d records since it was asked", in)
	}
}
