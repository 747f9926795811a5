package client

import (
	"errors"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Handler takes the engine's calls to the Sessions of one worker. Embed it to add an
// optional interface of package engine, such as Ticker.
type Handler struct {
	mux     *packet.Mux[*Session]
	publish sarangv1.Publish // reused for encoding
	ping    sarangv1.Ping
	event   chat.Event // lent to Events.Event
}

var (
	_ engine.Handler     = (*Handler)(nil)
	_ engine.Heartbeater = (*Handler)(nil)
)

// NewHandler makes the handler of one worker. Each engine session of that worker must
// have a *Session as its Data.
func NewHandler() *Handler { return &Handler{mux: NewMux()} }

// ServiceConfig is an engine configuration for Sessions: change what is to be
// different and give it to engine.New. The silence after which a server is asked for
// a sign of life, and after which the connection is given up, are the engine's.
func ServiceConfig() engine.Config {
	return engine.Config{
		Name:                "sarang-client",
		NewHandler:          func(*engine.Worker) engine.Handler { return NewHandler() },
		DirectQueueBytesMax: 256 << 10,
		LoginDeadline:       -1,
		HeartbeatInterval:   30 * time.Second,
		IdleTimeout:         90 * time.Second,
		LingerTimeout:       time.Second,
	}
}

// NewMux returns a table with a handler for every packet that a server sends. It
// belongs to one worker.
func NewMux() *packet.Mux[*Session] {
	m := packet.NewMux[*Session]()
	packet.Handle(m, sarangv1.SLogin, (*Session).loggedIn)
	packet.Handle(m, sarangv1.SChat, (*Session).chat)
	packet.Handle(m, sarangv1.SAck, (*Session).ack)
	packet.Handle(m, sarangv1.SError, (*Session).failed)
	packet.Handle(m, sarangv1.SPong, (*Session).pong)
	packet.Handle(m, sarangv1.SPing, (*Session).pinged)
	packet.Handle(m, sarangv1.SJoin, (*Session).joined)
	packet.Handle(m, sarangv1.SLeave, (*Session).left)
	packet.Handle(m, sarangv1.SCreate, (*Session).created)
	packet.Handle(m, sarangv1.SList, (*Session).listed)
	packet.Handle(m, sarangv1.SHistory, (*Session).historyPage)
	packet.Handle(m, sarangv1.SMembers, (*Session).memberPage)
	packet.Handle(m, sarangv1.SGap, (*Session).gap)
	packet.Handle(m, sarangv1.SGoodbye, (*Session).farewell)
	return m
}

// Mux is the handler's table, for adding packets of the program's own before the
// first session.
func (h *Handler) Mux() *packet.Mux[*Session] { return h.mux }

// Connected starts the login.
func (h *Handler) Connected(es *engine.Session) { sessionOf(es).connected(h, es) }

// Packet decodes a packet and tells the session's Events. What is broken is told as
// a Fault; a packet with an unknown id, from a newer server, is ignored.
func (h *Handler) Packet(es *engine.Session, p packet.Packet) {
	s := sessionOf(es)
	err := h.mux.Dispatch(s, p)
	var unknown *packet.UnknownIDError
	if err != nil && !errors.As(err, &unknown) {
		s.events.Fault(s, err)
	}
}

// Sent goes on with publishes that were held back.
func (h *Handler) Sent(es *engine.Session, _ int) {
	if s := sessionOf(es); s.held {
		s.pump()
	}
}

// Disconnected ends the session.
func (h *Handler) Disconnected(es *engine.Session, why engine.Reason) {
	sessionOf(es).disconnected(why)
}

// Heartbeat asks a silent server for a sign of life.
func (h *Handler) Heartbeat(es *engine.Session) {
	h.ping.Value = heartbeatValue
	_ = es.SendMessage(sarangv1.CPing, &h.ping) // a session that is ending needs none
}

func sessionOf(es *engine.Session) *Session {
	s, ok := es.Data.(*Session)
	engine.Invariant(ok, "an engine session of a client handler has no *client.Session as its Data")
	return s
}
