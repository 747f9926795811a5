// Package gateway is what all gateways of Sarang's packets (docs/PROTOCOL.md) have in
// common, whatever frames and encodes them: it turns packets into requests to the hub, and
// the hub's answers into packets. The packages below it are the gateways.
package gateway

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

// Encoder sends packets in the form that a gateway's clients get them in. It belongs to
// one worker. packet.Encoder is one.
type Encoder interface {
	// Send encodes m as packet id and has to take it, which copies what it keeps. An
	// error is to's, or says that m can not be encoded; nothing was sent then.
	Send(to interface{ Send(b []byte) error }, id packet.ID, m packet.Marshaler) error
}

// Gateway is the packets on the workers of a hub. One serves several forms of them.
type Gateway struct {
	config Config
	hub    *hub.Hub
	bad    atomic.Uint64 // packets refused
}

// New makes the gateway.
func New(h *hub.Hub, c Config) *Gateway { return &Gateway{config: c, hub: h} }

// BadPackets counts packets that were answered as malformed or unknown. Any goroutine
// may call it.
func (g *Gateway) BadPackets() uint64 { return g.bad.Load() }

// Handler is the gateway on one worker, for sessions of one form: all of an
// engine.Handler but Received, which cuts packets out of that form and calls Packet.
type Handler struct {
	config  Config
	gate    *Gateway
	shard   *hub.Shard
	format  *hub.Format
	mux     *packet.Mux[*hub.Session]
	encoder Encoder
	rng     *rand.Rand // when clients are to come back

	// Messages that are filled and encoded again and again.
	ack     pb.Ack
	joined  pb.Joined
	room    pb.RoomInfo // of joined
	failure pb.Error
	ping    pb.Ping
}

// UnadmittedBytesMax is the largest packet before the login, header included: a login with
// the longest of everything has a quarter of it.
const UnadmittedBytesMax = 4 << 10

// NewHandler makes the handler of a worker. Its sessions read events in the format f, one of
// the hub's.
func (g *Gateway) NewHandler(w *engine.Worker, f *hub.Format, e Encoder) *Handler {
	h := &Handler{
		config: g.config, gate: g, shard: g.hub.Shard(w), format: f,
		mux: packet.NewMux[*hub.Session](), encoder: e,
		rng: rand.New(rand.NewPCG(g.hub.Uint64(), g.hub.Uint64())),
	}
	h.register()
	return h
}

// FillEvent sets m, which is empty, to what readers are told of e.
func FillEvent(m *pb.Event, e *chat.Event) {
	m.Room, m.Seq, m.Kind = uint64(e.Room), uint64(e.Seq), pb.EventKind(e.Kind)
	m.User, m.Name, m.TimeMs = uint64(e.User), e.Name, uint64(e.TimeMs)
	if e.Kind.Authored() {
		m.Nonce = uint64(e.Nonce)
	}
	m.Text, m.Target, m.Root = e.Text, uint64(e.Target), uint64(e.Root)
	for _, f := range e.Files.All() {
		m.Files = append(m.Files, &pb.File{
			Id: uint64(f.ID), Name: f.Name, Type: f.Type, Bytes: uint64(f.Bytes),
			Width: uint32(f.Width), Height: uint32(f.Height), Thumbnail: f.Thumbnail,
		})
	}
	m.Subject, m.Role, m.UntilMs = uint64(e.Subject), uint32(e.Role), uint64(e.UntilMs)
	m.Value = e.Value
}

// Connected makes the hub's session.
func (h *Handler) Connected(s *engine.Session) { h.shard.Connected(s, h, h.format) }

// Packet handles a packet of a client, which came in so many bytes. Whatever is wrong with
// it is answered.
func (h *Handler) Packet(o *hub.Session, p packet.Packet, bytes int) {
	h.shard.Packet(o, bytes)
	err := h.mux.Dispatch(o, p)
	if err == nil {
		return
	}
	code := chat.CodeMalformed
	var unknown *packet.UnknownIDError
	if errors.As(err, &unknown) {
		code = chat.CodeUnknownPacket
	}
	h.Bad(o, uint16(p.ID), chat.Errorf(code, "%v", err))
}

// Bad answers what is no packet that the gateway knows, and counts it.
func (h *Handler) Bad(o *hub.Session, id uint16, err *chat.Error) {
	h.gate.bad.Add(1)
	h.shard.Charge(o)
	h.Failed(o, hub.RequestRef{Kind: id}, err)
}

// Frame counts bytes of a client that carry no packet. They are not for nothing either.
func (h *Handler) Frame(o *hub.Session, bytes int) { h.shard.Packet(o, bytes) }

// Sent is of no interest.
func (h *Handler) Sent(*engine.Session, int) {}

// Disconnected takes the session out of the hub.
func (h *Handler) Disconnected(s *engine.Session, _ engine.Reason) {
	if o, ok := s.Data.(*hub.Session); ok {
		h.shard.Disconnected(o)
	}
}

// Heartbeat asks a silent client whether it is there.
func (h *Handler) Heartbeat(s *engine.Session) {
	h.ping.Value = uint64(s.Worker().Now())
	_ = h.encoder.Send(s, pb.SPing, &h.ping) // if it fails, the session ends with its reason
}

// Farewell says why the server ends the session.
func (h *Handler) Farewell(to engine.Sender, why engine.Reason) { h.Goodbye(to, why) }

// Goodbye is Farewell, and returns what was said; nil if there is nothing to say.
func (h *Handler) Goodbye(to engine.Sender, why engine.Reason) *pb.Goodbye {
	m := new(pb.Goodbye)
	switch why.Code {
	case engine.ReasonPeerClosed:
		return nil
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
		h.refused(m, why.Err)
	default:
		m.Code, m.Message = uint32(chat.CodeInternal), why.Code.String()
	}
	_ = h.encoder.Send(to, pb.SGoodbye, m)
	return m
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
	case errors.Is(cause, engine.ErrUnadmittedBytes):
		m.Code, m.RetryAfterMs = uint32(chat.CodeUnavailable), millis(h.comeBack())
		m.Message = "too many have sent a part of a login; try again"
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
