// Package native is the gateway of Sarang's native protocol (docs/PROTOCOL.md): it
// turns packets into requests to the hub, and the hub's answers into packets.
package native

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// Config shapes the gateway. All fields are required.
type Config struct {
	Server            string        // program and version, told at login
	HeartbeatInterval time.Duration // as the engine's
	IdleTimeout       time.Duration // as the engine's
	RetryAfterMin     time.Duration // told at a drain: come back after Min to Max
	RetryAfterMax     time.Duration
}

// NewFormat is the form of events that the gateway wants of the hub: packets.
func NewFormat() *hub.Format { return &hub.Format{Name: "packet", Append: AppendEvent} }

// Gateway is the native protocol on the workers of a hub.
type Gateway struct {
	config Config
	hub    *hub.Hub
	format *hub.Format
	bad    atomic.Uint64 // packets refused
}

// New makes the gateway; format is the NewFormat that the hub was given.
func New(h *hub.Hub, format *hub.Format, c Config) *Gateway {
	return &Gateway{config: c, hub: h, format: format}
}

// Protocol is for engine.Service.Listen.
func (g *Gateway) Protocol() *engine.Protocol {
	return &engine.Protocol{
		Name: "native", Framer: packet.Framer{},
		NewHandler: func(w *engine.Worker) engine.Handler { return g.newHandler(w) },
	}
}

// BadPackets counts packets that were answered as malformed or unknown. Any goroutine
// may call it.
func (g *Gateway) BadPackets() uint64 { return g.bad.Load() }

// handler is the gateway on one worker.
type handler struct {
	config Config
	gate   *Gateway
	shard  *hub.Shard
	mux    *packet.Mux[*hub.Session]
	send   packet.Encoder
	rng    *rand.Rand // when clients are to come back

	// Messages that are filled and encoded again and again.
	ack     pb.Ack
	joined  pb.Joined
	room    pb.RoomInfo // of joined
	failure pb.Error
	ping    pb.Ping
}

func (g *Gateway) newHandler(w *engine.Worker) *handler {
	h := &handler{
		config: g.config, gate: g, shard: g.hub.Shard(w), mux: packet.NewMux[*hub.Session](),
		rng: rand.New(rand.NewPCG(g.hub.Uint64(), g.hub.Uint64())),
	}
	h.register()
	return h
}

// AppendEvent encodes an event as the packet that readers get.
func AppendEvent(dst []byte, e *chat.Event) ([]byte, error) {
	var m pb.Event
	fillEvent(&m, e)
	return packet.AppendVT(dst, pb.SChat, &m)
}

func fillEvent(m *pb.Event, e *chat.Event) {
	m.Room, m.Seq, m.Kind = uint64(e.Room), uint64(e.Seq), pb.EventKind(e.Kind)
	m.User, m.Name, m.TimeMs = uint64(e.User), e.Name, uint64(e.TimeMs)
	if e.Kind.Authored() {
		m.Nonce = uint64(e.Nonce)
	}
	m.Text, m.Target = e.Text, uint64(e.Target)
	m.Subject, m.Role = uint64(e.Subject), uint32(e.Role)
}

// Connected makes the hub's session.
func (h *handler) Connected(s *engine.Session) { h.shard.Connected(s, h, h.gate.format) }

// Received handles a packet of a client. Whatever is wrong with it is answered.
func (h *handler) Received(s *engine.Session, frame []byte) {
	o := s.Data.(*hub.Session)
	h.shard.Packet(o, len(frame))
	p, _, err := packet.Split(frame)
	engine.Invariant(err == nil, "a frame is no packet")
	if err = h.mux.Dispatch(o, p); err == nil {
		return
	}
	h.gate.bad.Add(1)
	h.shard.Charge(o)
	code := chat.CodeMalformed
	var unknown *packet.UnknownIDError
	if errors.As(err, &unknown) {
		code = chat.CodeUnknownPacket
	}
	h.Failed(o, hub.RequestRef{Kind: uint16(p.ID)}, chat.Errorf(code, "%v", err))
}

// Sent is of no interest.
func (h *handler) Sent(*engine.Session, int) {}

// Disconnected takes the session out of the hub.
func (h *handler) Disconnected(s *engine.Session, _ engine.Reason) {
	if o, ok := s.Data.(*hub.Session); ok {
		h.shard.Disconnected(o)
	}
}

// Heartbeat asks a silent client whether it is there.
func (h *handler) Heartbeat(s *engine.Session) {
	h.ping.Value = uint64(s.Worker().Now())
	_ = h.send.Send(s, pb.SPing, &h.ping) // if it fails, the session ends with its reason
}

// Farewell says why the server ends the session.
func (h *handler) Farewell(to engine.Sender, why engine.Reason) {
	var m pb.Goodbye
	switch why.Code {
	case engine.ReasonPeerClosed:
		return
	case engine.ReasonFrame:
		m.Code, m.Message = uint32(chat.CodeFrame), why.Err.Error()
	case engine.ReasonLoginDeadline:
		m.Code, m.Message = uint32(chat.CodeTimeout), "no login in time"
	case engine.ReasonIdle:
		m.Code, m.Message = uint32(chat.CodeTimeout), "nothing was heard from you for too long"
	case engine.ReasonDirectQueue:
		m.Code, m.Message = uint32(chat.CodeSlowReplies), "you do not read the answers to your requests"
	case engine.ReasonDraining:
		m.Code, m.Message = uint32(chat.CodeDraining), "the server is going down"
		m.RetryAfterMs = millis(h.comeBack())
	case engine.ReasonRefused:
		h.refused(&m, why.Err)
	default:
		m.Code, m.Message = uint32(chat.CodeInternal), why.Code.String()
	}
	_ = h.send.Send(to, pb.SGoodbye, &m)
}

// comeBack is how long a client is to wait that has to go: different for each.
func (h *handler) comeBack() time.Duration {
	spread := h.config.RetryAfterMax - h.config.RetryAfterMin
	return h.config.RetryAfterMin + time.Duration(h.rng.Int64N(int64(spread)+1))
}

// refused says why somebody is not let in, or may not stay.
func (h *handler) refused(m *pb.Goodbye, cause error) {
	var e *chat.Error
	switch {
	case errors.As(cause, &e):
		m.Code, m.Message = uint32(e.Code), e.Message
		if e.RetryAfter > 0 {
			m.RetryAfterMs = millis(e.RetryAfter + h.comeBack())
		}
	case errors.Is(cause, engine.ErrSessionsMax):
		m.Code, m.Message, m.RetryAfterMs = uint32(chat.CodeTooMany), "the server is full", millis(h.comeBack())
	default:
		m.Code, m.Message = uint32(chat.CodeInternal), "the server does not let you in"
	}
}

// millis rounds up: who comes back when he was told is not too early.
func millis(d time.Duration) uint32 {
	return uint32(min((d + time.Millisecond - 1).Milliseconds(), math.MaxUint32))
}
