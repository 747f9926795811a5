package tlscodec

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"

	"sarang/engine/tlsrecord"
)

// taking is what has to be known of a connection of crypto/tls so that the record layer of TLS 1.3
// can be taken from it: the traffic secrets, how many records were made with each, and which bytes
// it has.
//
// It is given one record at a time, and whole. So behind the handshake it has read none of the data,
// and later only what it has decrypted lies in it; a record of which a part has come lies here. The
// numbers of both directions begin at 0 when the handshake is over: with session tickets disabled a
// server has said nothing by then with the keys for data. What the peer may do unseen is to change
// its keys; then the last record was not made with the first ones, or is that change, and the
// connection stays with crypto/tls.
type taking struct {
	part     []byte // of a record of which the rest has not come
	last     []byte // the last whole record
	give     []byte // of last, what crypto/tls has not taken
	counting bool   // the handshake is over

	read, wrote uint64 // records of data, since then
	header      [tlsrecord.HeaderBytes]byte
	headerN     int // of the record that is being written
	bodyLeft    int

	client, server trafficSecret
}

// trafficSecret is what one direction begins with.
type trafficSecret struct {
	b [64]byte
	n int
}

func (s *trafficSecret) bytes() []byte { return s.b[:s.n] }

// recordPieceBytes is how much room a record has before there is more of it: its length is what
// somebody has written.
const recordPieceBytes = 4 << 10

// ciphertextBytesMax is how long a record of TLS 1.2 may be (RFC 5246, section 6.2.3).
const ciphertextBytesMax = 1<<14 + 2048

// plausible reports whether the beginning of a record is worth waiting for the rest. What is not is
// for crypto/tls to refuse.
func plausible(header []byte) bool {
	const first, last = 20, 23 // types of records
	return header[0] >= first && header[0] <= last && bodyBytes(header) <= ciphertextBytesMax
}

func bodyBytes(header []byte) int { return int(header[3])<<8 | int(header[4]) }

// Types of records (RFC 8446, section 5.1).
const (
	typeHandshake = 22
	typeData      = 23 // also of those whose type is encrypted
)

// fill reads what there is of a record, and reports whether it is whole.
func (t *taking) fill(c net.Conn) (whole bool, err error) {
	need := tlsrecord.HeaderBytes
	if len(t.part) >= need {
		need += bodyBytes(t.part)
	}
	t.part = slices.Grow(t.part, min(need-len(t.part), recordPieceBytes))
	n, err := c.Read(t.part[len(t.part):min(need, cap(t.part))])
	t.part = t.part[:len(t.part)+n]
	if err != nil {
		if errors.Is(err, io.EOF) && len(t.part) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	}
	if n := len(t.part); n < tlsrecord.HeaderBytes ||
		plausible(t.part) && n < tlsrecord.HeaderBytes+bodyBytes(t.part) {
		return false, nil
	}
	t.last, t.part = t.part, t.last[:0]
	t.give = t.last
	if t.counting && t.last[0] == typeData {
		t.read++
	}
	return true, nil
}

// written counts the records in what crypto/tls writes.
func (t *taking) written(b []byte) {
	for len(b) > 0 {
		if t.bodyLeft > 0 {
			n := min(t.bodyLeft, len(b))
			t.bodyLeft -= n
			b = b[n:]
			continue
		}
		n := copy(t.header[t.headerN:], b)
		t.headerN += n
		if b = b[n:]; t.headerN == len(t.header) {
			t.headerN, t.bodyLeft = 0, bodyBytes(t.header[:])
			if t.counting && t.header[0] == typeData {
				t.wrote++
			}
		}
	}
}

// Write is for tls.Config.KeyLogWriter, which is given a line for each secret: a label, what the
// client has begun with, and the secret (NSS key log format).
func (t *taking) Write(line []byte) (int, error) {
	f := bytes.Fields(line)
	if len(f) != 3 {
		return len(line), nil
	}
	var to *trafficSecret
	switch string(f[0]) {
	case "CLIENT_TRAFFIC_SECRET_0":
		to = &t.client
	case "SERVER_TRAFFIC_SECRET_0":
		to = &t.server
	default:
		return len(line), nil
	}
	if hex.DecodedLen(len(f[2])) > len(to.b) {
		return len(line), nil
	}
	n, err := hex.Decode(to.b[:], f[2])
	to.n = n
	return len(line), err
}

// logged is a key log besides another one that there is already.
type logged struct{ first, second io.Writer }

func (l logged) Write(line []byte) (int, error) {
	if _, err := l.first.Write(line); err != nil {
		return 0, err
	}
	return l.second.Write(line)
}

// config is what a connection is to be made with so that its records can be taken.
func (t *taking) config(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.SessionTicketsDisabled = true
	if c.KeyLogWriter == nil {
		c.KeyLogWriter = t
	} else {
		c.KeyLogWriter = logged{c.KeyLogWriter, t}
	}
	return c
}

// take makes a codec with a record layer of our own, if everything is known that it takes. Nothing
// of the secrets stays here.
func (t *taking) take(state tls.ConnectionState) (c *records, ok bool) {
	defer func() {
		t.client, t.server = trafficSecret{}, trafficSecret{}
	}()
	if state.Version != tls.VersionTLS13 || t.client.n == 0 || t.server.n == 0 || len(t.give) > 0 || t.headerN+t.bodyLeft > 0 {
		return nil, false
	}
	c = new(records)
	in := tlsrecord.Traffic{Secret: t.client.bytes(), Seq: t.read}
	if t.read > 0 {
		in.Seq-- // the last one is read again
	}
	err := c.layer.Init(tlsrecord.Config{
		Suite: tlsrecord.Suite(state.CipherSuite), In: in,
		Out: tlsrecord.Traffic{Secret: t.server.bytes(), Seq: t.wrote},
	})
	if err != nil {
		return nil, false
	}
	if t.read > 0 {
		keys := tlsrecord.NewKeys(0, 0)
		plain, _, used, err := c.layer.Decode(keys, nil, nil, t.last)
		if err != nil || used != len(t.last) || len(plain) == 0 {
			c.layer.Clear(keys)
			return nil, false
		}
	}
	return c, true
}
