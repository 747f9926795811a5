package hubtest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/internal/hub"
)

// An event goes over the wire as one line: the name of its format, and its fields. What
// is encoded can be read by eye, and holds no packet.

// NewFormat makes a format whose lines begin with its name.
func NewFormat(name string, marks hub.Mark) *hub.Format {
	return &hub.Format{Name: name, Marks: marks, Erase: eraseLine, Append: func(dst []byte, e *chat.Event) ([]byte, error) {
		return fmt.Appendf(dst, "%s %d %d %d %d %d %d %d %d %q\n",
			name, e.Room, e.Seq, e.Kind, e.User, e.Nonce, e.Target, e.Subject, e.Role, e.Body()), nil
	}}
}

// eraseLine has a line end in an empty text, and in as many spaces as that is shorter.
func eraseLine(dst, entry []byte) ([]byte, bool) {
	fields := bytes.SplitN(entry, []byte(" "), 10)
	if len(fields) != 10 || len(fields[9]) < 3 {
		return dst, false
	}
	dst = append(dst, entry[:len(entry)-len(fields[9])]...)
	dst = append(append(dst, '"', '"'), bytes.Repeat([]byte(" "), len(fields[9])-3)...)
	return append(dst, '\n'), true
}

// What stands between the events: where those of a room begin, and where they end.
const (
	joinedLine = "joined %d %d\n"
	leftLine   = "left %d\n"
)

// parse reads a line back.
func parse(line string) (a Arrival, err error) {
	if _, err := fmt.Sscanf(line+"\n", joinedLine, &a.Room, &a.After); err == nil {
		a.Joined = true
		return a, nil
	}
	if _, err := fmt.Sscanf(line+"\n", leftLine, &a.Room); err == nil {
		a.Left = true
		return a, nil
	}
	a.Format, a.Event, err = parseEvent(line)
	a.Room = a.Event.Room
	return a, err
}

func parseEvent(line string) (format string, e chat.Event, err error) {
	fields := strings.SplitN(line, " ", 10)
	if len(fields) != 10 {
		return "", e, fmt.Errorf("%d fields in %q", len(fields), line)
	}
	var n [8]uint64
	for i := range n {
		if n[i], err = strconv.ParseUint(fields[i+1], 10, 64); err != nil {
			return "", e, err
		}
	}
	text, err := strconv.Unquote(strings.TrimRight(fields[9], " "))
	e = chat.Event{
		Room: chat.RoomID(n[0]), Seq: chat.Seq(n[1]), Kind: chat.EventKind(n[2]), User: chat.UserID(n[3]),
		Nonce: chat.Nonce(n[4]), Target: chat.Seq(n[5]), Subject: chat.UserID(n[6]), Role: chat.Role(n[7]),
	}
	e.SetBody(text)
	return fields[0], e, err
}

// lines is an engine.Framer.
type lines struct{}

const lineBytesMax = 128 << 10

// Split finds the end of the first line.
func (lines) Split(b []byte) (int, error) {
	n := bytes.IndexByte(b, '\n') + 1
	if n == 0 && len(b) > lineBytesMax || n > lineBytesMax {
		return 0, errors.New("the line is too long")
	}
	return n, nil
}

// Need is one byte more than there is, as long as there is no end of a line.
func (lines) Need(b []byte) int {
	if n := bytes.IndexByte(b, '\n') + 1; n > 0 {
		return n
	}
	return len(b) + 1
}
