package main

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// crowd are the clients that behave. They talk at a fixed rate, whatever the server
// does, and check what they are told. All of it belongs to the reactor's goroutine.
type crowd struct {
	r       *reactor
	to      netip.AddrPort
	from    []netip.Addr
	members []*member
	rooms   []*room
	padding string

	phase  *phase // nil: nothing is measured
	next   int    // who talks next
	due    time.Time
	every  time.Duration
	quiet  bool // nobody talks any more
	online int

	visitors             int
	sent, acked, refused int
	lost, doubled, wrong int
	ends                 []string // of sessions that were to stay
}

// room is one of the crowd's rooms.
type room struct {
	name string
	id   uint64
	last uint64 // the highest number that was acknowledged
}

// crowdConfig says how large a crowd is, and how much it says.
type crowdConfig struct {
	members, rooms    int
	messagesPerSecond float64
	textBytes         int
}

// addressMembersMax is how many of the crowd share an address.
const addressMembersMax = 50

func newCrowd(r *reactor, to netip.AddrPort, c crowdConfig) *crowd {
	w := &crowd{r: r, to: to, every: time.Duration(float64(time.Second) / c.messagesPerSecond)}
	for i := range 1 + c.members/addressMembersMax {
		w.from = append(w.from, netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)}))
	}
	for i := range c.rooms {
		w.rooms = append(w.rooms, &room{name: goodRoom(i)})
	}
	for i := range c.members {
		w.members = append(w.members, &member{crowd: w, number: i, room: w.rooms[i%c.rooms], unacked: map[uint64]*spoken{}})
	}
	w.padding = fmt.Sprintf("%0*d", max(c.textBytes-20, 1), 0)
	return w
}

func goodRoom(i int) string { return fmt.Sprintf("good-%d", i) }

func goodName(i int) string { return fmt.Sprintf("good-%d", i) }

// arrivals is how many connect at once.
const arrivals = 50

// arrive has all members connect, some at a time.
func (w *crowd) arrive() {
	for i := 0; i < len(w.members); i += arrivals {
		some := w.members[i:min(i+arrivals, len(w.members))]
		w.r.after(time.Duration(i/arrivals)*20*time.Millisecond, func() {
			for _, m := range some {
				m.dial()
			}
		})
	}
}

// begin starts the talk.
func (w *crowd) begin() {
	w.due = time.Now()
	w.r.at(w.due, w.talk)
}

// talk says what is due. A message carries the time at which it was to be said, so
// that a server that holds the talkers up does not look quick.
func (w *crowd) talk() {
	for now := time.Now(); !w.quiet && !w.due.After(now); w.due = w.due.Add(w.every) {
		w.members[w.next].talk(w.due)
		if w.next += 1; w.next == len(w.members) {
			w.next = 0
		}
	}
	if !w.quiet {
		w.r.at(w.due, w.talk)
	}
}

// settled reports whether everybody has everything that was acknowledged.
func (w *crowd) settled() bool {
	if w.acked+w.refused < w.sent {
		return false
	}
	for _, m := range w.members {
		if m.joined && m.next <= m.room.last {
			return false
		}
	}
	return true
}

// missing counts what has not arrived.
func (w *crowd) missing() (n int) {
	for _, m := range w.members {
		if m.joined && m.next <= m.room.last {
			n += int(m.room.last - m.next + 1)
		}
	}
	return n
}

func encode(id packet.ID, m packet.Marshaler) []byte {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		panic(err) // all packets of this program fit
	}
	return b
}

// login is the first packet of anybody.
func login(name string, token []byte) []byte {
	return encode(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: name, Token: token, Client: "hostile"})
}
