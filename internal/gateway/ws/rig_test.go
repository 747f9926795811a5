package ws_test

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/gateway/ws"
	"sarang/internal/hub"
	"sarang/internal/node"
	"sarang/internal/password"
	"sarang/internal/store/storesim"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// rig is a whole server in one goroutine on a simulated network, behind the upgrade, with
// peers that talk to it in bytes.
type rig struct {
	t      testing.TB
	world  *aiosim.World
	hub    *hub.Hub
	svc    *engine.Service
	driver *aiosim.Driver // of the peers
	events []aio.Event
	peers  []*peer
	at     map[string]netip.AddrPort // by what is spoken
}

// What is spoken at the rig's addresses.
const (
	native    = "tcp"
	webSocket = ws.Protobuf
	webText   = ws.JSON
)

func newRig(t testing.TB, seed uint64, faults aiosim.Faults) *rig {
	return newRigOn(t, storesim.NewDisk(nil).Open(), seed, faults)
}

func newRigOn(t testing.TB, store chat.Store, seed uint64, faults aiosim.Faults) *rig {
	r := &rig{t: t, events: make([]aio.Event, 64), at: map[string]netip.AddrPort{}}
	r.world = aiosim.NewWorld(aiosim.Config{Seed: seed, Faults: faults})
	n, err := node.New(node.Config{
		Hub: hub.Config{
			Store: store, Logger: slog.New(slog.DiscardHandler),
			Now:    func() time.Time { return time.UnixMilli(1_800_000_000_000) },
			Random: rand.NewChaCha8([32]byte{byte(seed)}), Manual: true,
			PasswordCost: password.Cost{MemoryKiB: password.MemoryKiBMin, Passes: 1},
		},
		Engine: engine.Config{
			Name: "rig", Manual: true, Logger: slog.New(slog.DiscardHandler),
			OpenDriver: func(int) (aio.Driver, error) {
				return r.world.NewDriver(aio.Config{RecvBufferBytes: 512, RecvBuffers: 8, EventsMax: 64}), nil
			},
			Driver: aio.Config{EventsMax: 64}, SessionsMax: 8, LoginDeadline: time.Hour,
			HeartbeatInterval: time.Hour, IdleTimeout: 2 * time.Hour, LingerTimeout: 100 * time.Millisecond,
		},
		Server: "rig", RetryAfterMin: time.Millisecond, RetryAfterMax: time.Millisecond,
	})
	r.check(err)
	r.hub, r.svc = n.Hub, n.Engine
	r.check(r.svc.Start())
	for i, p := range []string{native, webSocket, webText} {
		protocol := n.Subprotocol(p)
		if protocol == nil {
			protocol, err = n.Protocol(p)
			r.check(err)
		}
		r.at[p], err = r.svc.Listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), uint16(7777+i)), protocol)
		r.check(err)
	}
	r.driver = r.world.NewDriver(aio.Config{RecvBufferBytes: 1024, RecvBuffers: 8, EventsMax: 64})
	return r
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// rest goes on until nobody has anything to do.
func (r *rig) rest() {
	r.t.Helper()
	for quiet, round := 0, 0; quiet < 3; round++ {
		if round > 20_000 {
			r.t.Fatalf("it never comes to rest: %+v", r.svc.Stats())
		}
		quiet++
		if r.hub.Steps() > 0 || r.world.Ready() {
			quiet = 0
		}
		r.check(r.svc.Step())
		if r.hub.Steps() > 0 {
			r.hub.Step(0)
		}
		n, err := r.driver.Wait(r.events, 0)
		r.check(err)
		for i := range r.events[:n] {
			r.peers[r.events[i].Token].handle(&r.events[i])
		}
		r.world.Advance(r.world.Now())
	}
}

// close ends everything; nothing may be left.
func (r *rig) close() {
	r.t.Helper()
	for _, p := range r.peers {
		_ = r.driver.Close(p.socket)
	}
	r.rest()
	r.check(r.svc.Close())
	r.hub.Close()
	r.check(r.driver.Release())
	if n := r.world.Stats().EndsOpen; n != 0 {
		r.t.Fatalf("%d ends of connections are open", n)
	}
}

// peer is the client's end of a connection.
type peer struct {
	r      *rig
	socket aio.Socket
	out    []byte // to be sent
	flying []byte
	got    []byte // all that came
	ended  bool
}

// dial opens a connection; it stands at the next rest.
func (r *rig) dial(proto string) *peer {
	p := &peer{r: r}
	var err error
	p.socket, err = r.driver.Connect(r.at[proto], aio.SocketOptions{}, aio.Token(len(r.peers)))
	r.check(err)
	r.peers = append(r.peers, p)
	r.rest()
	return p
}

// say sends bytes and waits until all is at rest.
func (p *peer) say(b []byte) {
	p.r.t.Helper()
	p.out = append(p.out, b...)
	p.flush()
	p.r.rest()
}

func (p *peer) flush() {
	if len(p.flying) == 0 && !p.ended {
		p.flying, p.out = p.out, nil
		p.send()
	}
}

func (p *peer) send() {
	if len(p.flying) > 0 && p.r.driver.Send(p.socket, [][]byte{p.flying}) != nil {
		p.flying, p.ended = nil, true
	}
}

func (p *peer) handle(e *aio.Event) {
	switch e.Kind {
	case aio.KindConnect:
		p.r.check(e.Err)
		p.r.check(p.r.driver.Recv(p.socket))
	case aio.KindSend:
		if e.Err == nil {
			if p.flying = p.flying[e.N:]; len(p.flying) == 0 {
				p.flush()
				return
			}
			p.send()
		}
	case aio.KindWritable:
		p.send()
	case aio.KindRecv:
		p.got = append(p.got, e.Data...)
		p.ended = p.ended || !e.More
	}
}

type vtMessage interface {
	packet.Marshaler
}

func encoded(t testing.TB, id packet.ID, m vtMessage) []byte {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// aPing is a packet that is answered by anAnswer, logged in or not.
func aPing(t testing.TB) []byte    { return encoded(t, pb.CPing, &pb.Ping{Value: 0x1234}) }
func anAnswer(t testing.TB) []byte { return encoded(t, pb.SPong, &pb.Ping{Value: 0x1234}) }
