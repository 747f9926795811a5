// Package packet is the gateway of Sarang's native protocol (docs/PROTOCOL.md): it
// turns packets into requests to the hub, and the hub's answers into packets.
package packet

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

// Handler is the gateway on one worker.
type Handler struct {
	config Config
	shard  *hub.Shard
	mux    *packet.Mux[*hub.Session]
	rng    *rand.Rand    // when clients are to come back
	bad    atomic.Uint64 // packets refused

	// Messages that are filled and encoded again and again.
	ack     pb.Ack
	joined  pb.Joined
	room    pb.RoomInfo // of joined
	failure pb.Error
	ping    pb.Ping
}

// New makes the handler of a worker.
func New(s *hub.Shard, c Config) *Handler {
	h := &Handler{
		config: c, shard: s, mux: packet.NewMux[*hub.Session](),
		rng: rand.New(rand.NewPCG(s.Hub().Uint64(), s.Hub().Uint64())),
	}
	h.register()
	return h
}

// AppendEvent encodes an event as the packet that readers get: hub.Config.Encode.
func AppendEvent(dst []byte, e *chat.Event) ([]byte, error) {
	var m pb.Event
	fillEvent(&m, e)
	return packet.AppendVT(dst, pb.SChat, &m)
}

func fillEvent(m *pb.Event, e *chat.Event) {
	m.Room, m.Seq, m.Kind = uint64(e.Room), uint64(e.Seq), pb.EventKind(e.Kind)
	m.User, m.Name, m.TimeMs = uint64(e.User), e.Name, uint64(e.TimeMs)
	m.Nonce, m.Text = uint64(e.Nonce), e.Text
}

// Connected makes the hub's session.
func (h *Handler) Connected(s *engine.Session) {
	o := &hub.Session{Engine: s, Client: h}
	s.Data = o
	h.shard.Connected(o)
}

// Packet handles a packet of a client. Whatever is wrong with it is answered.
func (h *Handler) Packet(s *engine.Session, p packet.Packet) {
	o := s.Data.(*hub.Session)
	h.shard.Packet(o, packet.HeaderBytes+len(p.Payload))
	err := h.mux.Dispatch(o, p)
	if err == nil {
		return
	}
	h.bad.Add(1)
	h.shard.Charge(o)
	code := chat.CodeMalformed
	var unknown *packet.UnknownIDError
	if errors.As(err, &unknown) {
		code = chat.CodeUnknownPacket
	}
	h.Failed(o, hub.Answer{Packet: uint16(p.ID)}, chat.Errorf(code, "%v", err))
}

// Sent is of no interest.
func (h *Handler) Sent(*engine.Session, int) {}

// Disconnected takes the session out of the hub.
func (h *Handler) Disconnected(s *engine.Session, _ engine.Reason) {
	h.shard.Disconnected(s.Data.(*hub.Session))
}

// Tick ends the worker's tick for the hub.
func (h *Handler) Tick() { h.shard.Tick() }

// Behind has the hub feed a reader that is behind the window.
func (h *Handler) Behind(c *engine.Cursor) { h.shard.Behind(c) }

// Stop lets go of the hub's buffers.
func (h *Handler) Stop() { h.shard.Stop() }

// Heartbeat asks a silent client whether it is there.
func (h *Handler) Heartbeat(s *engine.Session) {
	h.ping.Value = uint64(s.Worker().Now())
	_ = s.SendMessage(pb.SPing, &h.ping) // if it fails, the session ends with its reason
}

// Farewell says why the server ends the session.
func (h *Handler) Farewell(to engine.Sender, why engine.Reason) {
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
	_ = to.SendMessage(pb.SGoodbye, &m)
}

// comeBack is how long a client is to wait that has to go: different for each.
func (h *Handler) comeBack() time.Duration {
	spread := h.config.RetryAfterMax - h.config.RetryAfterMin
	return h.config.RetryAfterMin + time.Duration(h.rng.Int64N(int64(spread)+1))
}

// refused says why somebody is not let in, or may not stay.
func (h *Handler) refused(m *pb.Goodbye, cause error) {
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

// send sends a packet to a session; when its queue is full the engine ends it.
func send(o *hub.Session, id packet.ID, m engine.Marshaler) { _ = o.Engine.SendMessage(id, m) }

// BadPackets counts packets that were answered as malformed or unknown. Any goroutine
// may ask.
func (h *Handler) BadPackets() uint64 { return h.bad.Load() }
