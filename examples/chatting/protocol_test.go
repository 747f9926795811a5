package main

import (
	"bytes"
	"testing"

	"sarang/packet"
)

// FuzzRecords: whatever arrives, reading ends without a panic; and what was read can
// be written and read again.
func FuzzRecords(f *testing.F) {
	example := exampleTest()
	for _, seed := range []func() ([]byte, error){
		func() ([]byte, error) { return example.append(nil, idTest) },
		func() ([]byte, error) { return (&welcome{Player: 1, Messages: 2, NextLine: 3}).append(nil) },
		func() ([]byte, error) { return (&line{Number: 1, Player: 2, Name: "anna", Text: "안녕"}).append(nil) },
		func() ([]byte, error) { return appendText(nil, idSay, "hello") },
		func() ([]byte, error) { return refusedBusy.append(nil, idLogin) },
	} {
		b, err := seed()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[packet.HeaderBytes:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		again(t, payload, readTest, func(m testRecord) ([]byte, error) { return m.append(nil, idTest) })
		again(t, payload, readWelcome, func(m welcome) ([]byte, error) { return m.append(nil) })
		again(t, payload, readLine, func(m line) ([]byte, error) { return m.append(nil) })
		again(t, payload, readText, func(m string) ([]byte, error) { return appendText(nil, idSay, m) })
	})
}

// again reads a payload and, if it is sound, expects its written form to come to the
// same bytes when it is read and written once more.
func again[M any](t *testing.T, payload []byte, read func(*packet.Reader) (M, error), write func(M) ([]byte, error)) {
	r := packet.NewReader(payload)
	m, err := read(&r)
	if err != nil {
		return
	}
	first, err := write(m)
	if err != nil {
		t.Fatalf("%+v was read and can not be written: %v", m, err)
	}
	r = packet.NewReader(first[packet.HeaderBytes:])
	if m, err = read(&r); err != nil {
		t.Fatalf("% x was written and can not be read: %v", first, err)
	}
	if second, err := write(m); err != nil || !bytes.Equal(first, second) {
		t.Errorf("% x became % x (%v)", first, second, err)
	}
}
