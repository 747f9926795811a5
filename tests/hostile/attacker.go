package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// attackConfig is what an attacker is told. It runs as a process of its own, so that
// its work does not hold up the clients by which the server is measured.
type attackConfig struct {
	to        netip.AddrPort
	duration  time.Duration
	stall     time.Duration
	addresses int
	scale     float64 // of how many
	seed      uint64
}

// tally is what an attacker did, and what it was told.
type tally struct {
	Connects       int                `json:"connects"`
	ConnectsFailed int                `json:"connects_failed"`
	Packets        int                `json:"packets"`
	Bytes          int64              `json:"bytes"`
	BytesHeard     int64              `json:"bytes_heard"`
	Answers        int                `json:"answers"`
	Events         int                `json:"events"`
	Errors         map[string]int     `json:"errors"`
	Goodbyes       map[string]int     `json:"goodbyes"`
	Ends           map[string]int     `json:"ends"`
	Figures        map[string]float64 `json:"figures,omitempty"`
	Failures       []string           `json:"failures,omitempty"`
	Seconds        float64            `json:"seconds"`
}

// attacker is one attack under way.
type attacker struct {
	attackConfig
	tally tally
	r     *reactor
	rng   *rand.Rand
	from  int
	names int
	until time.Time
	bots  []*bot      // that prepare has made for start
	wait  func() bool // not over yet, though the time is up; nil: over
}

// attack runs one attack to its end.
func runAttack(name string, c attackConfig, signals attackSignals) (*tally, error) {
	raiseFiles()
	a := &attacker{attackConfig: c, rng: rand.New(rand.NewPCG(c.seed, 7))}
	a.tally = tally{Errors: map[string]int{}, Goodbyes: map[string]int{}, Ends: map[string]int{}, Figures: map[string]float64{}}
	kind := findAttack(name)
	if kind == nil {
		return nil, fmt.Errorf("there is no attack %q", name)
	}
	var err error
	if a.r, err = newReactor(); err != nil {
		return nil, err
	}
	if kind.prepare != nil {
		a.prepared(kind.prepare, signals)
	}
	start := time.Now()
	a.until = start.Add(c.duration)
	kind.start(a)
	a.r.run(func() bool { return a.over() && (a.wait == nil || !a.wait()) })
	a.r.close()
	a.tally.Seconds = time.Since(start).Seconds()
	return &a.tally, nil
}

// attackSignals are how an attacker that has to prepare itself and the conductor know of each
// other: a line each.
type attackSignals struct {
	in  io.Reader
	out io.Writer
}

// prepared comes, says so, and waits until it is told to attack.
func (a *attacker) prepared(prepare func(*attacker, func()), signals attackSignals) {
	ready, begin := false, false
	a.until = time.Now().Add(time.Hour)
	prepare(a, func() { ready = true })
	a.r.run(func() bool { return ready })
	_, _ = fmt.Fprintln(signals.out, readyLine)
	go func() {
		_, _ = bufio.NewReader(signals.in).ReadString('\n') // its end will do, too
		a.r.post(func() { begin = true })
	}()
	a.r.run(func() bool { return begin })
}

const readyLine = "ready"

func (a *attacker) over() bool { return time.Now().After(a.until) }

// many scales a number of attackers.
func (a *attacker) many(n int) int { return max(int(float64(n)*a.scale), 1) }

func (a *attacker) fail(format string, args ...any) {
	if len(a.tally.Failures) < 20 {
		a.tally.Failures = append(a.tally.Failures, fmt.Sprintf(format, args...))
	}
}

// newName is a name that nobody has.
func (a *attacker) newName() string {
	a.names++
	return "x" + strconv.FormatInt(int64(os.Getpid()), 36) + "-" + strconv.FormatInt(int64(a.names), 36)
}

// dial opens a connection from the next of the attackers' addresses.
func (a *attacker) dial(u user, o socketOptions) *conn {
	a.from++
	return a.dialFrom(netip.AddrFrom4([4]byte{127, 0, 2, byte(1 + a.from%a.addresses)}), u, o)
}

func (a *attacker) dialFrom(from netip.Addr, u user, o socketOptions) *conn {
	c, err := a.r.dial(from, a.to, o, u)
	if err != nil {
		a.tally.ConnectsFailed++
		a.tally.Ends["connecting: "+short(err)]++
		return nil
	}
	return c
}

// every calls f again and again until the attack is over.
func (a *attacker) every(d time.Duration, f func()) {
	f()
	a.r.after(d, func() {
		if !a.over() {
			a.every(d, f)
		}
	})
}

// turns calls f in each turn of the loop.
func (a *attacker) turns(f func()) {
	a.r.onTurn = func() {
		if !a.over() {
			f()
		}
	}
}

// gradually calls f for 0 to n-1, some at a time.
func (a *attacker) gradually(n, some int, pause time.Duration, f func(i int)) {
	for i := range n {
		a.r.after(time.Duration(i/some)*pause, func() {
			if !a.over() {
				f(i)
			}
		})
	}
}

// bot is a connection of an attacker. What is nil does nothing.
type bot struct {
	a       *attacker
	c       *conn
	in      []byte
	options socketOptions
	from    netip.Addr // if it is not to be one of the attackers' addresses

	name   string // logs in by it, unless empty
	token  []byte
	joins  string // then joins this room, unless empty
	create bool
	room   uint64
	next   uint64
	open   int // requests without an answer
	nonce  uint64

	onOpen  func(b *bot) // the connection stands
	onReady func(b *bot) // it is logged in, and in its room if it wanted one
	onTold  func(b *bot, p packet.Packet)
	onDrain func(b *bot)
	onEnd   func(b *bot, err error)
}

// dial connects the bot, again if need be.
func (b *bot) dial() {
	b.in, b.open = nil, 0
	if b.from.IsValid() {
		b.c = b.a.dialFrom(b.from, b, b.options)
	} else {
		b.c = b.a.dial(b, b.options)
	}
	if b.c == nil && b.onEnd != nil {
		b.a.r.after(100*time.Millisecond, func() { b.onEnd(b, io.EOF) })
	}
}

func (b *bot) opened(c *conn) {
	b.a.tally.Connects++
	if b.onOpen != nil {
		b.onOpen(b)
	}
	if b.name != "" {
		b.say(login(b.name, b.token))
	}
}

// say sends bytes and counts them.
func (b *bot) say(bytes []byte) {
	b.a.tally.Packets++
	b.a.tally.Bytes += int64(len(bytes))
	b.c.say(bytes)
}

func (b *bot) drained(*conn) {
	if b.onDrain != nil {
		b.onDrain(b)
	}
}

func (b *bot) ended(_ *conn, err error) {
	b.a.tally.Ends[short(err)]++
	if b.onEnd != nil {
		b.onEnd(b, err)
	}
}

// redial makes a bot that ends connect again.
func redial(b *bot, _ error) {
	if !b.a.over() {
		b.a.r.after(200*time.Millisecond, func() {
			if !b.a.over() {
				b.dial()
			}
		})
	}
}

// short is an error without what differs from one to the next.
func short(err error) string {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return "end of stream"
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

func (b *bot) heard(c *conn, bytes []byte) {
	b.a.tally.BytesHeard += int64(len(bytes))
	if len(b.in) > 0 {
		b.in = append(b.in, bytes...)
		bytes = b.in
	}
	for !c.closed {
		p, n, err := packet.Split(bytes)
		if err != nil {
			b.a.fail("the server sends what is no packet: %v", err)
			c.drop(err, true)
			return
		}
		if n == 0 {
			break
		}
		b.told(p)
		bytes = bytes[n:]
	}
	b.in = append(b.in[:0:0], bytes...)
}

func (b *bot) told(p packet.Packet) {
	t := &b.a.tally
	switch p.ID {
	case pb.SChat:
		t.Events++
	case pb.SError:
		var e pb.Error
		_ = e.UnmarshalVT(p.Payload)
		t.Errors[fmt.Sprint(e.Code)]++
		b.open--
	case pb.SGoodbye:
		var g pb.Goodbye
		_ = g.UnmarshalVT(p.Payload)
		t.Goodbyes[fmt.Sprint(g.Code)]++
	case pb.SPing:
		b.c.say(binary.LittleEndian.AppendUint16([]byte{byte(len(p.Payload) + 4), 0}, pb.CPong))
		b.c.say(p.Payload)
	case pb.SLogin:
		b.loggedIn(p)
	case pb.SJoin:
		b.joined(p)
	default:
		t.Answers++
		b.open--
	}
	if b.onTold != nil {
		b.onTold(b, p)
	}
}

func (b *bot) loggedIn(p packet.Packet) {
	var in pb.LoggedIn
	_ = in.UnmarshalVT(p.Payload)
	b.token = append([]byte(nil), in.Token...)
	if b.joins != "" {
		b.say(encode(pb.CJoin, &pb.Join{Name: b.joins, Create: b.create}))
		return
	}
	b.ready()
}

func (b *bot) joined(p packet.Packet) {
	var j pb.Joined
	_ = j.UnmarshalVT(p.Payload)
	first := b.room == 0
	b.room, b.next = j.Room.GetId(), j.After+1
	if first {
		b.ready()
		return
	}
	b.a.tally.Answers++
	b.open--
}

func (b *bot) ready() {
	b.open = 0
	if b.onReady != nil {
		b.onReady(b)
	}
}
