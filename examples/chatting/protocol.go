package main

import (
	"fmt"

	"sarang/packet"
)

// The packets of this game. A server's ids are odd, a client's are even.
//
// Every payload here is laid out by hand, to show what packet.Reader and
// packet.Writer do. A game with many kinds of packet may rather generate protobuf
// messages and register them with packet.Handle; the frame around them stays.
const (
	idTestAnswer packet.ID = 1 // S_TEST: the record of a C_TEST, sent back
	idTest       packet.ID = 2 // C_TEST
	idWelcome    packet.ID = 3 // S_LOGIN: you are in
	idLogin      packet.ID = 4 // C_LOGIN
	idLine       packet.ID = 5 // S_CHAT: what somebody said
	idSay        packet.ID = 6 // C_CHAT
	idRefusal    packet.ID = 7 // S_REFUSAL: a packet was not obeyed, and why
)

const (
	nameBytesMax = 32
	textBytesMax = 1024
	buffsMax     = 64 // in a test record
)

// playerID names a player for ever, in packets and in the database. 0 is nobody.
type playerID uint64

// testRecord is what games are full of: fixed fields and a list of varying length.
type testRecord struct {
	ID     uint64
	HP     uint32
	Attack uint16
	Buffs  []buff
}

type buff struct {
	ID            uint64
	RemainSeconds float32
}

const buffBytes = 8 + 4 // a buff's size on the wire

func (t *testRecord) append(dst []byte, id packet.ID) ([]byte, error) {
	w := packet.NewPacketWriter(dst, id)
	w.Uint64(t.ID)
	w.Uint32(t.HP)
	w.Uint16(t.Attack)
	buffs := w.ListHeader() // says where the list is, once that is known
	w.List(buffs, len(t.Buffs))
	for _, b := range t.Buffs {
		w.Uint64(b.ID)
		w.Float32(b.RemainSeconds)
	}
	return w.Result()
}

// readTest reads a whole record. The reader keeps its first error, so one look at
// the end is enough; ListHeader has checked the count against the bytes that came
// before anything is made of it.
func readTest(r *packet.Reader) (testRecord, error) {
	t := testRecord{ID: r.Uint64(), HP: r.Uint32(), Attack: r.Uint16()}
	items, count := r.ListHeader(buffBytes)
	if count > buffsMax {
		return t, refusedTooLong
	}
	for range count {
		t.Buffs = append(t.Buffs, buff{ID: items.Uint64(), RemainSeconds: items.Float32()})
	}
	return t, r.Done()
}

// welcome answers a login.
type welcome struct {
	Player   playerID
	Messages uint64 // said by this player so far, in all sessions
	NextLine uint64 // number of the first line that this session will be sent
}

func (m *welcome) append(dst []byte) ([]byte, error) {
	w := packet.NewPacketWriter(dst, idWelcome)
	w.Uint64(uint64(m.Player))
	w.Uint64(m.Messages)
	w.Uint64(m.NextLine)
	return w.Result()
}

func readWelcome(r *packet.Reader) (welcome, error) {
	m := welcome{Player: playerID(r.Uint64()), Messages: r.Uint64(), NextLine: r.Uint64()}
	return m, r.Done()
}

// line is what somebody said. Lines are numbered without gaps, so a client sees for
// itself whether it was told everything.
type line struct {
	Number uint64
	Player playerID
	Name   string
	Text   string
}

func (l *line) append(dst []byte) ([]byte, error) {
	w := packet.NewPacketWriter(dst, idLine)
	w.Uint64(l.Number)
	w.Uint64(uint64(l.Player))
	w.Text(l.Name)
	w.Text(l.Text)
	return w.Result()
}

func readLine(r *packet.Reader) (line, error) {
	l := line{Number: r.Uint64(), Player: playerID(r.Uint64()), Name: r.Text(), Text: r.Text()}
	return l, r.Done()
}

// appendText appends a packet that is one text: C_LOGIN and C_CHAT.
func appendText(dst []byte, id packet.ID, text string) ([]byte, error) {
	w := packet.NewPacketWriter(dst, id)
	w.Text(text)
	return w.Result()
}

func readText(r *packet.Reader) (string, error) {
	text := r.Text() // a copy: the packet's own bytes are lent for this call only
	return text, r.Done()
}

// refusal says why a packet was not obeyed. It travels as a number, so that programs
// can act on it, and is an error for our own handlers to return.
type refusal uint8

const (
	refusedMalformed   refusal = iota + 1 // the payload is not what the id promises
	refusedUnknown                        // no such packet
	refusedNotLoggedIn                    // log in first
	refusedTwice                          // one login per session
	refusedName                           // empty, or longer than nameBytesMax
	refusedTooLong                        // empty text, or more than the limit of text or list
	refusedBusy                           // the database does not keep up, or failed: try again
)

func (r refusal) Error() string {
	switch r {
	case refusedMalformed:
		return "the packet is malformed"
	case refusedUnknown:
		return "there is no such packet"
	case refusedNotLoggedIn:
		return "log in first"
	case refusedTwice:
		return "this session has logged in already"
	case refusedName:
		return fmt.Sprintf("a name has 1 to %d bytes", nameBytesMax)
	case refusedTooLong:
		return fmt.Sprintf("a text has 1 to %d bytes, a test record at most %d buffs", textBytesMax, buffsMax)
	case refusedBusy:
		return "the server is busy: try again"
	}
	return fmt.Sprintf("refused for reason %d", uint8(r))
}

func (r refusal) append(dst []byte, what packet.ID) ([]byte, error) {
	w := packet.NewPacketWriter(dst, idRefusal)
	w.Uint16(uint16(what))
	w.Uint8(uint8(r))
	return w.Result()
}

func readRefusal(r *packet.Reader) (what packet.ID, why refusal, err error) {
	what, why = packet.ID(r.Uint16()), refusal(r.Uint8())
	return what, why, r.Done()
}
