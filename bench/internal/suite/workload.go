package suite

import (
	"math/rand/v2"
	"time"
)

// Topology is who is connected, and to what.
type Topology struct {
	Rooms      int
	PerRoom    int // receivers in each room
	Publishers int // connections of their own
}

// Receivers is the number of connections that receive.
func (t Topology) Receivers() int { return t.Rooms * t.PerRoom }

// Conns is the number of all connections.
func (t Topology) Conns() int { return t.Receivers() + t.Publishers }

// Kind says how a workload is run.
type Kind uint8

// The kinds of workload.
const (
	KindFanout   Kind = iota // publish, and count deliveries
	KindSessions             // connect, join, be idle
	KindEcho                 // get back what was sent
)

// Workload is one thing that is measured.
type Workload struct {
	Name   string
	Title  string // for a heading
	Kind   Kind
	Who    Topology
	Window int     // messages in flight per room
	Rate   float64 // messages per second in all; 0: Window holds
	// Trickle says that a new message is published when any earlier one is complete; else
	// those that are complete at once have their successors published together.
	Trickle bool
	Sizes   []int // bytes of text, in turn
}

// plainBytes is the text of all workloads but those with mixed sizes.
const plainBytes = 64

// Names of workloads that goals speak of.
const (
	Window1    = "window-1"
	Window16   = "window-16"
	Window64   = "window-64"
	Trickle16  = "trickle-16"
	Trickle64  = "trickle-64"
	Rate100k   = "rate-100k"
	Stored     = "stored"
	Sessions   = "sessions-10k"
	Sessions18 = "sessions-18k"
	Echo1000   = "echo-1000"
	mixedSizes = 256
)

// Workloads are all that there are, in the order of the report. Those that share a
// Topology run one after the other on the same connections.
func Workloads() []Workload {
	room := Topology{Rooms: 1, PerRoom: 1000, Publishers: 1}
	plain := []int{plainBytes}
	return []Workload{
		{Name: Window1, Title: "One room, 1,000 receivers, 1 message in flight", Who: room, Window: 1, Sizes: plain},
		{Name: Window16, Title: "One room, 1,000 receivers, 16 messages in flight", Who: room, Window: 16, Sizes: plain},
		{Name: Window64, Title: "One room, 1,000 receivers, 64 messages in flight", Who: room, Window: 64, Sizes: plain},
		{Name: Trickle16, Title: "One room, 1,000 receivers, 16 messages in flight, a new one when any is complete", Who: room, Window: 16, Trickle: true, Sizes: plain},
		{Name: Trickle64, Title: "One room, 1,000 receivers, 64 messages in flight, a new one when any is complete", Who: room, Window: 64, Trickle: true, Sizes: plain},
		{Name: Rate100k, Title: "One room, 1,000 receivers, 100 messages per second on a timetable", Who: room, Rate: 100, Sizes: plain},
		{Name: "rate-500k", Title: "One room, 1,000 receivers, 500 messages per second on a timetable", Who: room, Rate: 500, Sizes: plain},
		{Name: "mixed-sizes", Title: "One room, 1,000 receivers, texts of 16 B to 16 KiB, 4 in flight", Who: room, Window: 4, Sizes: mixed()},
		{Name: "rooms-1000", Title: "1,000 rooms × 10 receivers, 1 message in flight in each", Who: Topology{Rooms: 1000, PerRoom: 10, Publishers: 1000}, Window: 1, Sizes: plain},
		{Name: "room-15000", Title: "One room, 15,000 receivers, 1 message in flight", Who: Topology{Rooms: 1, PerRoom: 15000, Publishers: 1}, Window: 1, Sizes: plain},
		{Name: "unicast-10k", Title: "One message in flight to each of 10,000 sessions, from 16 publishers", Who: Topology{Rooms: 10000, PerRoom: 1, Publishers: 16}, Window: 1, Sizes: plain},
		{Name: Stored, Title: "One room, one receiver, 256 messages in flight", Who: Topology{Rooms: 1, PerRoom: 1, Publishers: 1}, Window: 256, Sizes: plain},
		{Name: Sessions, Title: "10,000 sessions connect, join one room, and are idle", Kind: KindSessions, Who: Topology{Rooms: 1, PerRoom: 10000}},
		{Name: Sessions18, Title: "18,000 sessions connect, join one room, and are idle", Kind: KindSessions, Who: Topology{Rooms: 1, PerRoom: 18000}},
		{Name: Echo1000, Title: "Echo: 1,000 connections, one message of 64 bytes in flight each", Kind: KindEcho, Who: Topology{Rooms: 1000, PerRoom: 1}, Sizes: plain},
	}
}

// mixed are sizes from 16 B to 16 KiB, every doubling as likely as every other; always
// the same ones.
func mixed() []int {
	const smallest, doublings = 16, 10
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := make([]int, mixedSizes)
	for i := range sizes {
		from := smallest << rng.IntN(doublings)
		sizes[i] = from + rng.IntN(from+1)
	}
	return sizes
}

// Plan says how much is measured.
type Plan struct {
	Workloads []Workload
	Servers   []string // names; empty: all that are installed
	Repeat    int
	Warm      time.Duration
	Measure   time.Duration
	Settle    time.Duration // idle time before memory is read
	Divide    int           // a smoke run has so many times fewer connections; 1: as said
}

// scaled is w with its connections divided by n; never to nothing.
func (w Workload) scaled(n int) Workload {
	if n <= 1 {
		return w
	}
	divide := func(v int) int {
		if v <= 1 {
			return v
		}
		return max(1, v/n)
	}
	if w.Who.Rooms > 1 {
		w.Who.Rooms = divide(w.Who.Rooms)
		w.Who.Publishers = divide(w.Who.Publishers)
	} else {
		w.Who.PerRoom = divide(w.Who.PerRoom)
	}
	return w
}
