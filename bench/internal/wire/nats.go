package wire

import (
	"bytes"
	"strconv"
)

// NATS is its client protocol, core publish and subscribe.
type NATS struct{}

// Next cuts off one operation of the server.
func (NATS) Next(b []byte) (Frame, int, error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if len(b) > FrameBytesMax {
			return Frame{}, 0, framing("nats", "an end of line", b)
		}
		return Frame{}, 0, nil
	}
	if i < 1 || b[i-1] != '\r' {
		return Frame{}, 0, framing("nats", "a line that ends in CR LF", b)
	}
	line, at := b[:i-1], i+1
	switch {
	case bytes.HasPrefix(line, []byte("MSG ")):
		size, ok := decimal(line[bytes.LastIndexByte(line, ' ')+1:])
		if !ok || size > FrameBytesMax {
			return Frame{}, 0, framing("nats", "MSG with a length", line)
		}
		if len(b) < at+size+2 {
			return Frame{}, 0, nil
		}
		return Frame{Kind: Delivery, Payload: b[at : at+size]}, at + size + 2, nil
	case bytes.Equal(line, []byte("PONG")):
		return Frame{Kind: Done}, at, nil
	case bytes.Equal(line, []byte("PING")):
		return Frame{Kind: Ping}, at, nil
	case bytes.HasPrefix(line, []byte("INFO ")), bytes.Equal(line, []byte("+OK")):
		return Frame{}, at, nil
	case bytes.HasPrefix(line, []byte("-ERR")):
		return Frame{Kind: Refused, Payload: line}, at, nil
	}
	return Frame{}, 0, framing("nats", "MSG, PING, PONG, INFO, +OK or -ERR", line)
}

// AppendHello connects without confirmations; the PONG is the answer.
func (NATS) AppendHello(dst []byte, name string) []byte {
	dst = append(dst, `CONNECT {"verbose":false,"pedantic":false,"echo":false,"lang":"bench","version":"1","protocol":1,"name":"`...)
	dst = append(dst, name...)
	return append(dst, "\"}\r\nPING\r\n"...)
}

// AppendJoin subscribes to the room's subject; the PONG is the answer.
func (NATS) AppendJoin(dst []byte, room string) []byte {
	dst = append(dst, "SUB "...)
	dst = append(dst, room...)
	return append(dst, " 1\r\nPING\r\n"...)
}

// AppendPublish publishes; there is no answer.
func (NATS) AppendPublish(dst []byte, room Room, _ uint64, text []byte) []byte {
	dst = append(dst, "PUB "...)
	dst = append(dst, room.Name...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

// AppendPong answers a PING.
func (NATS) AppendPong(dst []byte, _ Frame) []byte { return append(dst, "PONG\r\n"...) }
