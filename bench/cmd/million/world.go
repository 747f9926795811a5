//go:build linux

package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/node"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// world is the server and its clients.
type world struct {
	net       *aiosim.World
	hub       *hub.Hub
	service   *engine.Service
	clients   *aiosim.Driver
	events    []aio.Event
	addr      netip.AddrPort
	sockets   []aio.Socket // by client
	roomOf    []uint64     // by client: the id, once joined
	rooms     int
	sending   map[aio.Socket]bool
	nonce     uint64
	joined    int
	delivered int
	closed    int
	failure   error
}

// line is what is said.
const line = "a line of sixty-four bytes, such as people write to each other.."

// together is how many clients connect, log in and join at one time.
const together = 5000

func newWorld(sessions, rooms, workers int) (*world, error) {
	w := &world{
		net:     aiosim.NewWorld(aiosim.Config{}),
		events:  make([]aio.Event, 4096),
		addr:    netip.MustParseAddrPort("10.0.0.1:7777"),
		sockets: make([]aio.Socket, sessions), roomOf: make([]uint64, sessions), rooms: rooms,
		sending: map[aio.Socket]bool{},
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	driver := aio.Config{SocketsMax: sessions + 64, EventsMax: 4096, RecvBuffers: 4096} // the clients read as fast as they are sent to
	n, err := node.New(node.Config{
		Hub: hub.Config{Store: &forgetful{}, Logger: log, Manual: true, RoomIdle: 1 << 60},
		Engine: engine.Config{
			Workers: workers, Manual: true, Logger: log, SessionsMax: sessions, Driver: driver,
			OpenDriver:        func(int) (aio.Driver, error) { return w.net.NewDriver(driver), nil },
			HeartbeatInterval: -1, IdleTimeout: -1, LoginDeadline: -1,
		},
		Server: "million", RetryAfterMax: time.Second,
	})
	if err != nil {
		return nil, err
	}
	w.hub, w.service = n.Hub, n.Engine
	protocol, err := n.Protocol("tcp")
	if err != nil {
		return nil, err
	}
	if err := w.service.Start(); err != nil {
		return nil, err
	}
	if _, err := w.service.Listen(w.addr, protocol); err != nil {
		return nil, err
	}
	w.clients = w.net.NewDriver(driver)
	return w, nil
}

// joinAll brings everybody in, some at a time.
func (w *world) joinAll() error {
	for from := 0; from < len(w.sockets); from += together {
		upto := min(from+together, len(w.sockets))
		for i := from; i < upto; i++ {
			if _, err := w.clients.Connect(w.addr, aio.SocketOptions{}, aio.Token(i)); err != nil {
				return err
			}
		}
		if err := w.until(func() bool { return w.joined == upto }); err != nil {
			return fmt.Errorf("with %d joined: %w", w.joined, err)
		}
		if upto%(20*together) == 0 {
			fmt.Fprintf(os.Stderr, "%d joined\n", w.joined)
		}
	}
	return nil
}

// publish sends one message to each room, and waits until everybody has it.
func (w *world) publish() error {
	want := w.delivered + len(w.sockets)
	w.nonce++
	for i := range w.rooms {
		m := &pb.Publish{Room: w.roomOf[i], Nonce: w.nonce, Text: line}
		if err := w.send(w.sockets[i], pb.CChat, m); err != nil {
			return err
		}
	}
	return w.until(func() bool { return w.delivered >= want })
}

// until lets the world go on until done.
func (w *world) until(done func() bool) error {
	for began := time.Now(); !done(); {
		if err := w.step(); err != nil {
			return err
		}
		if time.Since(began) > 10*time.Minute {
			return fmt.Errorf("no end after ten minutes: %d joined, %d delivered", w.joined, w.delivered)
		}
	}
	return nil
}

func (w *world) step() error {
	if err := w.service.Step(); err != nil {
		return err
	}
	for w.hub.Steps() > 0 {
		w.hub.Step(0)
	}
	// The clients take all that has come: what they left would pile up in the
	// simulated network.
	for n := len(w.events); n == len(w.events); {
		var err error
		if n, err = w.clients.Wait(w.events, 0); err != nil {
			return err
		}
		for i := range w.events[:n] {
			w.handle(&w.events[i])
		}
	}
	if w.failure != nil {
		return w.failure
	}
	w.net.Advance(w.net.Now() + time.Millisecond)
	return nil
}

func (w *world) handle(e *aio.Event) {
	client := int(e.Token)
	switch {
	case e.Kind == aio.KindDisconnect:
		w.closed++
	case e.Err != nil && e.Err != io.EOF && w.failure == nil && w.closed == 0:
		w.failure = fmt.Errorf("client %d: %w", client, e.Err)
	case e.Kind == aio.KindConnect:
		w.sockets[client] = e.Socket
		w.fail(w.clients.Recv(e.Socket))
		w.fail(w.send(e.Socket, pb.CLogin, &pb.Login{VersionMin: pb.Version, VersionMax: pb.Version, Name: "user" + strconv.Itoa(client)}))
	case e.Kind == aio.KindSend:
		delete(w.sending, e.Socket)
	case e.Kind == aio.KindRecv && e.More:
		w.receive(client, e)
	}
}

func (w *world) fail(err error) {
	if w.failure == nil {
		w.failure = err
	}
}

// receive looks at whole packets; nothing in this world cuts them.
func (w *world) receive(client int, e *aio.Event) {
	for b := e.Data; len(b) > 0; {
		p, n, err := packet.Split(b)
		if err != nil || n == 0 {
			w.fail(fmt.Errorf("client %d: a packet is cut or broken: %v", client, err))
			return
		}
		b = b[n:]
		switch p.ID {
		case pb.SLogin:
			name := "room" + strconv.Itoa(client%w.rooms)
			w.fail(w.send(e.Socket, pb.CJoin, &pb.Join{Request: 1, Name: name, Create: true}))
		case pb.SJoin:
			var m pb.Joined
			w.fail(m.UnmarshalVT(p.Payload))
			w.roomOf[client] = m.Room.Id
			w.joined++
		case pb.SChat:
			if len(p.Payload) > len(line) { // joins have no text; decoding a million would measure that
				w.delivered++
			}
		case pb.SAck:
		default:
			w.fail(fmt.Errorf("client %d was sent a packet %d: %q", client, p.ID, p.Payload))
		}
	}
}

// send sends a packet. A client has one on its way at most.
func (w *world) send(s aio.Socket, id packet.ID, m packet.Marshaler) error {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		return err
	}
	for w.sending[s] {
		if err := w.step(); err != nil {
			return err
		}
	}
	w.sending[s] = true
	return w.clients.Send(s, [][]byte{b})
}

func (w *world) close() error {
	w.closed = 1 // from here on errors are no news
	if err := w.clients.Release(); err != nil {
		return err
	}
	err := w.service.Close()
	w.hub.Close()
	return err
}

// resident is the process's memory, without what is shared with files.
func resident() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status says nothing of RssAnon")
}
