package wire

import (
	"bytes"
	"strconv"
)

// Redis is RESP2, as a subscriber and a publisher use it. A connection that has
// subscribed can not publish.
type Redis struct{}

// Next cuts off one reply.
func (Redis) Next(b []byte) (Frame, int, error) {
	head, at, err := respLine(b)
	if at == 0 || err != nil {
		return Frame{}, 0, err
	}
	switch b[0] {
	case '+':
		return Frame{Kind: Done}, at, nil // PONG is the only one that a load asks for
	case '-':
		return Frame{Kind: Refused, Payload: head}, at, nil
	case ':':
		return Frame{Kind: Ack}, at, nil
	case '*':
		return respPush(b, head, at)
	}
	return Frame{}, 0, framing("redis", "a reply of type + - : or *", b)
}

// respPush reads ["message", channel, text] or ["subscribe", channel, count].
func respPush(b, head []byte, at int) (Frame, int, error) {
	if !bytes.Equal(head, []byte("3")) {
		return Frame{}, 0, framing("redis", "an array of three", b)
	}
	what, at, err := respBulk(b, at)
	if at == 0 || err != nil {
		return Frame{}, 0, err
	}
	_, at, err = respBulk(b, at)
	if at == 0 || err != nil {
		return Frame{}, 0, err
	}
	switch string(what) {
	case "message":
		text, at, err := respBulk(b, at)
		if at == 0 || err != nil {
			return Frame{}, 0, err
		}
		return Frame{Kind: Delivery, Payload: text}, at, nil
	case "subscribe":
		_, n, err := respLine(b[at:])
		if n == 0 || err != nil {
			return Frame{}, 0, err
		}
		return Frame{Kind: Done}, at + n, nil
	}
	return Frame{}, 0, framing("redis", "message or subscribe", what)
}

// respBulk reads the bulk string at b[at:] and returns where it ends, 0 if not there.
func respBulk(b []byte, at int) ([]byte, int, error) {
	if at == len(b) {
		return nil, 0, nil
	}
	if b[at] != '$' {
		return nil, 0, framing("redis", "a bulk string", b[at:])
	}
	head, n, err := respLine(b[at:])
	if n == 0 || err != nil {
		return nil, 0, err
	}
	size, ok := decimal(head)
	if !ok || size > FrameBytesMax {
		return nil, 0, framing("redis", "a length", head)
	}
	from := at + n
	if len(b) < from+size+2 {
		return nil, 0, nil
	}
	return b[from : from+size], from + size + 2, nil
}

// respLine returns what stands between the type and the end of the line, and the size
// of both with the line's end: 0 if it is not there.
func respLine(b []byte) ([]byte, int, error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if len(b) > FrameBytesMax {
			return nil, 0, framing("redis", "an end of line", b)
		}
		return nil, 0, nil
	}
	if i < 2 || b[i-1] != '\r' {
		return nil, 0, framing("redis", "a line that ends in CR LF", b)
	}
	return b[1 : i-1], i + 1, nil
}

// decimal reads an unsigned decimal number of at most nine digits.
func decimal(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	v := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// AppendHello asks for a sign of life: Redis has no greeting.
func (Redis) AppendHello(dst []byte, _ string) []byte { return appendCommand(dst, "PING") }

// AppendJoin subscribes to the room's channel.
func (Redis) AppendJoin(dst []byte, room string) []byte {
	return appendCommand(dst, "SUBSCRIBE", room)
}

// AppendPublish publishes; the answer is the number of receivers.
func (Redis) AppendPublish(dst []byte, room Room, _ uint64, text []byte) []byte {
	dst = append(dst, "*3\r\n$7\r\nPUBLISH\r\n"...)
	dst = appendBulk(dst, room.Name)
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

// AppendPong is never called: Redis does not ask.
func (Redis) AppendPong(dst []byte, _ Frame) []byte { return dst }

func appendCommand(dst []byte, words ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(words)), 10)
	dst = append(dst, "\r\n"...)
	for _, w := range words {
		dst = appendBulk(dst, w)
	}
	return dst
}

func appendBulk(dst []byte, s string) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, s...)
	return append(dst, "\r\n"...)
}
