package simulate

import (
	"bytes"
	"strings"

	"sarang/aio"
)

// Every text of a run begins with who says it and a number, "c07 says 12 ", and goes on with
// that again and again. So whatever piece of it is sent can be told: what the server gives to its
// sockets is looked through for texts that were erased, as somebody was told.

const (
	markMiddle  = " says "
	nameBytes   = 3  // of an actor: "c07"
	markMost    = 24 // bytes of a mark, at most
	maxMarkTail = markMost - 1
)

// markOf finds the first mark in a text, and returns what is behind it.
func markOf[T string | []byte](text T) (mark string, rest T, ok bool) {
	for from := 0; ; {
		var at int
		switch t := any(text[from:]).(type) {
		case string:
			at = strings.Index(t, markMiddle)
		case []byte:
			at = bytes.Index(t, []byte(markMiddle))
		}
		if at < 0 {
			return "", rest, false
		}
		at += from
		end := at + len(markMiddle)
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		if at >= nameBytes && end < len(text) && text[end] == ' ' {
			return string(text[at-nameBytes : end]), text[end:], true
		}
		from = at + 1
	}
}

// sends is what a socket of the server was given, for the look at what it says.
type sends struct {
	given [][]byte // the send in flight
	tail  []byte   // the last bytes that were taken before
}

// say looks at what is given to a socket.
func (x *sends) say(v [][]byte, judge func(all []byte, before int)) {
	x.given = v
	all := x.tail[:len(x.tail):len(x.tail)]
	for _, b := range v {
		all = append(all, b...)
	}
	judge(all, len(x.tail))
}

// took notes how much of it was taken.
func (x *sends) took(e *aio.Event) {
	n := e.N
	for _, b := range x.given {
		b = b[:min(n, len(b))]
		x.tail = append(x.tail, b...)
		n -= len(b)
	}
	x.tail = append([]byte(nil), x.tail[max(0, len(x.tail)-maxMarkTail):]...)
	x.given = nil
}

// says judges what the server is about to send, behind some bytes that it has sent before: nothing
// that was erased is in it.
func (r *run) says(to connection, b []byte, before int) {
	end := len(b)
	for len(r.model.marks) > 0 {
		mark, rest, ok := markOf(b)
		if !ok {
			return
		}
		if at, erased := r.model.marks[mark]; erased && end-len(rest) > before && !r.options.ClientsOnly {
			r.fail("worker %d sends %q to socket %d, which was event %d of room %d, after it was told to be deleted", to.driver.index, mark, to.name&0xffffffff, at.seq, at.room)
		}
		b = rest
	}
}
