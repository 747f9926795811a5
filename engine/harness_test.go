package engine_test

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// The harness runs a Manual service and the peers that talk to it in one goroutine,
// on the simulated driver or on a real one: the same test bodies for all of them.

// setup is what a test asks for.
type setup struct {
	config engine.Config
	faults aiosim.Faults
	world  aiosim.Config
	driver aio.Config
	simply bool // only simulated: the test needs its clock or its faults
	behind bool // feeds have a Fetch
	veiled bool // sessions and peers talk through the test's codec
	codec  func(s *engine.Session) engine.Codec
}

// hooks are what a test's handler does; nil does nothing.
type hooks struct {
	connected    func(s *engine.Session)
	packet       func(s *engine.Session, p packet.Packet)
	sent         func(s *engine.Session, n int)
	disconnected func(s *engine.Session, why engine.Reason)
	heartbeat    func(s *engine.Session)
	farewell     func(to engine.Sender, why engine.Reason)
	tick         func()
	stop         func()
	behind       func(c *engine.Cursor)
}

// harness is a service with its peers.
type harness struct {
	testing.TB
	hooks
	world   *aiosim.World // nil on real drivers
	service *engine.Service
	packets *engine.Protocol
	fetches bool           // feeds have a Fetch: the hook behind
	worker  *engine.Worker // the first
	at      netip.AddrPort
	peers   peers
	started time.Time // on real drivers

	cuts  *engine.Protocol // of switchedAt
	notes *lineNotes       // likewise

	sessions []*engine.Session // connected, in order
	ended    []engine.Reason   // disconnected, in order
}

// everywhere runs body on the simulation and on every real driver of this machine.
func everywhere(t *testing.T, c setup, body func(h *harness)) {
	t.Helper()
	t.Run("sim", func(t *testing.T) { onSim(t, c, body) })
	if c.simply {
		return
	}
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); err != nil {
				t.Skip("a driver that this system does not have:", err)
			}
			onReal(t, kind, c, body)
		})
	}
}

// onSim runs body in a world of its own.
func onSim(t testing.TB, c setup, body func(h *harness)) {
	t.Helper()
	c.world.Faults = c.faults
	w := aiosim.NewWorld(c.world)
	h := &harness{TB: t, world: w}
	h.peers.driver = w.NewDriver(aio.Config{})
	c.config.OpenDriver = func(int) (aio.Driver, error) { return w.NewDriver(c.driver), nil }
	h.run(c, netip.MustParseAddrPort("10.0.0.1:7777"), body)
}

// onReal runs body on loopback.
func onReal(t testing.TB, kind string, c setup, body func(h *harness)) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d, err := aio.Open(kind, aio.Config{RecvBuffers: 64, SocketsMax: 4096})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{TB: t, started: time.Now()}
	h.peers.driver = d
	if c.driver.RecvBuffers == 0 {
		c.driver.RecvBuffers = 64
	}
	c.config.OpenDriver = func(int) (aio.Driver, error) { return aio.Open(kind, c.driver) }
	h.run(c, netip.MustParseAddrPort("127.0.0.1:0"), body)
}

func (h *harness) run(c setup, addr netip.AddrPort, body func(h *harness)) {
	h.Helper()
	c.config.Manual = true
	if h.peers.veiled = c.veiled; c.veiled {
		c.codec = func(*engine.Session) engine.Codec { return new(veil) }
	}
	c.config.Logger = slog.New(slog.DiscardHandler)
	c.config.OnStart = func(w *engine.Worker) {
		w.OnTick(func() { call(h.tick) })
		w.OnStop(func() { call(h.stop) })
	}
	h.packets = &engine.Protocol{
		Name: "packets", Framer: packet.Framer{}, NewCodec: c.codec,
		NewHandler: func(*engine.Worker) engine.Handler { return plainHandler{h} },
	}
	h.fetches = c.behind
	svc, err := engine.New(c.config)
	if err != nil {
		h.Fatal(err)
	}
	h.service, h.worker = svc, svc.Workers()[0]
	if err := svc.Start(); err != nil {
		h.Fatal(err)
	}
	defer h.close()
	if h.at, err = svc.Listen(addr, h.packets); err != nil {
		h.Fatal(err)
	}
	body(h)
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// close ends everything; nothing may have leaked.
func (h *harness) close() {
	h.hooks = hooks{stop: h.stop}
	if h.Failed() {
		return // perhaps out of a handler: nothing can be said of what is left
	}
	if err := h.service.Close(); err != nil {
		h.Errorf("after Close: %v", err)
	}
	if n := h.service.Sessions(); n != 0 {
		h.Errorf("after Close there are %d sessions", n)
	}
	if err := h.peers.driver.Release(); err != nil {
		h.Error(err)
	}
}

// step is one turn of everybody; on the simulation time moves on when nothing is to
// be done.
func (h *harness) step() {
	if err := h.service.Step(); err != nil {
		h.Fatal(err)
	}
	n := h.peers.poll(0)
	switch {
	case n > 0:
	case h.world == nil:
		h.peers.poll(200 * time.Microsecond)
	case !h.world.Ready():
		until := h.world.Now() + 4*time.Millisecond
		if next, ok := h.world.Next(); ok && next < until {
			until = next
		}
		h.world.Advance(until)
	}
}

// patience is how long a test waits for what must happen.
const (
	patience    = 10 * time.Second // real
	patienceSim = 10 * time.Minute // simulated
)

// until steps until cond holds, and fails the test if it never does.
func (h *harness) until(what string, cond func() bool) {
	h.Helper()
	end := h.now() + patience
	if h.world != nil {
		end = h.now() + patienceSim
	}
	for !cond() {
		if h.now() > end {
			h.Fatalf("it never happened: %s", what)
		}
		h.step()
	}
}

// pass lets d go by.
func (h *harness) pass(d time.Duration) {
	for end := h.now() + d; h.now() < end; {
		h.step()
	}
}

func (h *harness) now() time.Duration {
	if h.world != nil {
		return h.world.Now()
	}
	return time.Since(h.started)
}

// connect opens a peer and waits for its session.
func (h *harness) connect() (*peer, *engine.Session) {
	h.Helper()
	return h.connectWith(aio.SocketOptions{NoDelay: true})
}

func (h *harness) connectWith(o aio.SocketOptions) (*peer, *engine.Session) {
	h.Helper()
	n := len(h.sessions)
	p := h.peers.connect(h, h.at, o)
	h.until("a peer's session", func() bool { return len(h.sessions) > n && p.connected })
	return p, h.sessions[n]
}

// packetOf is what the hook packet is told.
type packetOf = packet.Packet

var noDelay = aio.SocketOptions{NoDelay: true}

// listen has the service speak p at another address.
func (h *harness) listen(p *engine.Protocol) netip.AddrPort {
	h.Helper()
	addr := netip.AddrPortFrom(h.at.Addr(), 0)
	if h.world != nil {
		addr = netip.AddrPortFrom(h.at.Addr(), h.at.Port()+1)
	}
	at, err := h.service.Listen(addr, p)
	if err != nil {
		h.Fatal(err)
	}
	return at
}

// dialLines opens a peer of lines and waits for its session.
func (h *harness) dialLines(at netip.AddrPort, notes *lineNotes) *peer {
	h.Helper()
	n := len(notes.sessions)
	p := h.peers.connect(h, at, noDelay)
	h.until("a peer's session", func() bool { return len(notes.sessions) > n && p.connected })
	return p
}

type plainHandler struct{ h *harness }

func (r plainHandler) Connected(s *engine.Session) {
	r.h.sessions = append(r.h.sessions, s)
	if r.h.connected != nil {
		r.h.connected(s)
	}
}

func (r plainHandler) Received(s *engine.Session, frame []byte) {
	if r.h.packet != nil {
		r.h.packet(s, packetIn(frame))
	}
}

func (r plainHandler) Sent(s *engine.Session, n int) {
	if r.h.sent != nil {
		r.h.sent(s, n)
	}
}

func (r plainHandler) Disconnected(s *engine.Session, why engine.Reason) {
	r.h.ended = append(r.h.ended, why)
	if r.h.disconnected != nil {
		r.h.disconnected(s, why)
	}
}

func (r plainHandler) Heartbeat(s *engine.Session) {
	if r.h.heartbeat != nil {
		r.h.heartbeat(s)
	}
}

func (r plainHandler) Farewell(to engine.Sender, why engine.Reason) {
	if r.h.farewell != nil {
		r.h.farewell(to, why)
	}
}

// packetIn is the packet that a frame is.
func packetIn(frame []byte) packet.Packet {
	p, n, err := packet.Split(frame)
	if err != nil || n != len(frame) {
		panic("a frame that is no packet")
	}
	return p
}

// packets is a protocol of packets.
func packets(newHandler func(w *engine.Worker) engine.Handler) *engine.Protocol {
	return &engine.Protocol{Name: "packets", Framer: packet.Framer{}, NewHandler: newHandler}
}

// The ids of the tests' packets.
const (
	idEcho   packet.ID = 2 // from peers, and back
	idDirect packet.ID = 3
	idEntry  packet.ID = 5
	idStart  packet.ID = 7 // "entries of this feed follow, from this number on"
	idBye    packet.ID = 9
)

// pack makes a packet.
func pack(id packet.ID, payload ...byte) []byte {
	b, err := packet.AppendHeader(nil, id, len(payload))
	if err != nil {
		panic(err)
	}
	return append(b, payload...)
}

// entry is entry number seq of a feed as a packet of size bytes, at least 24.
func entry(feed int, seq uint64, size int) []byte {
	b, _ := packet.AppendHeader(nil, idEntry, size-packet.HeaderBytes)
	b = binary.LittleEndian.AppendUint32(b, uint32(feed))
	b = binary.LittleEndian.AppendUint64(b, seq)
	for len(b) < size {
		b = append(b, byte(seq)+byte(len(b)))
	}
	return b
}

// entryOf takes an entry apart, and reports whether it is as it was made.
func entryOf(p packet.Packet) (feed int, seq uint64, good bool) {
	if p.ID != idEntry || len(p.Payload) < 12 {
		return 0, 0, false
	}
	feed = int(binary.LittleEndian.Uint32(p.Payload))
	seq = binary.LittleEndian.Uint64(p.Payload[4:])
	for i, c := range p.Payload[12:] {
		if c != byte(seq)+byte(i+12+packet.HeaderBytes) {
			return feed, seq, false
		}
	}
	return feed, seq, true
}

// start is the packet that says to a reader where a feed begins or goes on.
func start(feed int, seq uint64) []byte {
	b := entry(feed, seq, 16)
	binary.LittleEndian.PutUint16(b[2:], uint16(idStart))
	return b
}

// asEntry is a start packet in the form that entryOf takes.
func asEntry(p packet.Packet) packet.Packet {
	p.ID = idEntry
	return p
}

// holdUp is how long a test looks before it says that nothing moves any more.
func holdUp(h *harness) time.Duration {
	if h.world != nil {
		return time.Second
	}
	return 20 * time.Millisecond
}
