package wire

import "bytes"

// IRC is RFC 1459 as a client of one channel speaks it. A room is a channel.
type IRC struct{}

// ircLineBytesMax is far above the 512 of the RFC: some servers put tags before it.
const ircLineBytesMax = 16 << 10

// Next cuts off one line.
func (IRC) Next(b []byte) (Frame, int, error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if len(b) > ircLineBytesMax {
			return Frame{}, 0, framing("irc", "an end of line", b)
		}
		return Frame{}, 0, nil
	}
	line := bytes.TrimSuffix(b[:i], []byte("\r"))
	return ircFrame(line), i + 1, nil
}

func ircFrame(line []byte) Frame {
	rest := line
	if len(rest) > 0 && rest[0] == ':' {
		_, rest, _ = bytes.Cut(rest, []byte(" "))
	}
	command, rest, _ := bytes.Cut(rest, []byte(" "))
	switch string(command) {
	case "PRIVMSG":
		if _, text, ok := bytes.Cut(rest, []byte(" :")); ok {
			return Frame{Kind: Delivery, Payload: text}
		}
		_, text, _ := bytes.Cut(rest, []byte(" ")) // one word needs no colon
		return Frame{Kind: Delivery, Payload: text}
	case "376", "422", // the end of the greeting: a message of the day, or none
		"366": // the end of the names, which end a join
		return Frame{Kind: Done}
	case "PING":
		return Frame{Kind: Ping, Payload: rest}
	case "ERROR":
		return Frame{Kind: Refused, Payload: line}
	}
	if len(command) == 3 && (command[0] == '4' || command[0] == '5') {
		return Frame{Kind: Refused, Payload: line}
	}
	return Frame{}
}

// AppendHello registers with the name as nick and user.
func (IRC) AppendHello(dst []byte, name string) []byte {
	dst = append(dst, "NICK "...)
	dst = append(dst, name...)
	dst = append(dst, "\r\nUSER bench 0 * :bench\r\n"...)
	return dst
}

// AppendJoin joins the room's channel.
func (IRC) AppendJoin(dst []byte, room string) []byte {
	dst = append(dst, "JOIN #"...)
	dst = append(dst, room...)
	return append(dst, "\r\n"...)
}

// AppendPublish writes to the channel; there is no answer, and the author does not get
// the message.
func (IRC) AppendPublish(dst []byte, room Room, _ uint64, text []byte) []byte {
	dst = append(dst, "PRIVMSG #"...)
	dst = append(dst, room.Name...)
	dst = append(dst, " :"...)
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

// AppendPong answers with what the PING said.
func (IRC) AppendPong(dst []byte, f Frame) []byte {
	dst = append(dst, "PONG "...)
	dst = append(dst, f.Payload...)
	return append(dst, "\r\n"...)
}

// PublisherJoins is true: by default a channel takes nothing from outside.
func (IRC) PublisherJoins() bool { return true }
