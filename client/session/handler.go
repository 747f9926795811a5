package session

import (
	"cmp"
	"crypto/tls"
	"errors"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// Handler takes the engine's calls to the Sessions of one worker. Embed it to add an
// optional interface of package engine, such as Fareweller.
type Handler struct {
	mux     *packet.Mux[*Session]
	encoder packet.Encoder
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

// NewProtocol makes the protocol that Sessions speak, for engine.Service.Connect. Make one
// for a service, not one for each session. newHandler returns what embeds a Handler; nil:
// it is NewHandler.
func NewProtocol(newHandler func(w *engine.Worker) engine.Handler) *engine.Protocol {
	if newHandler == nil {
		newHandler = func(*engine.Worker) engine.Handler { return NewHandler() }
	}
	return &engine.Protocol{Name: "packet", Framer: packet.Framer{}, NewHandler: newHandler}
}

// WebSocket is the subprotocol that NewWebSocket speaks.
const WebSocket = "sarang.v1.protobuf"

// NewWebSocket makes the protocol of Sessions whose packets go over a WebSocket that is at
// path of host (HOST:PORT), as NewProtocol. change may change the codec's configuration;
// nil: it stays.
func NewWebSocket(host, path string, newHandler func(*engine.Worker) engine.Handler, change func(*websocket.ClientConfig)) *engine.Protocol {
	p := NewProtocol(newHandler)
	c := &websocket.ClientConfig{Host: host, Path: path, Protocol: WebSocket, Framer: p.Framer}
	if change != nil {
		change(c)
	}
	p.NewCodec = func(*engine.Session) engine.Codec { return websocket.NewClient(c) }
	return p
}

// OverTLS is a protocol of this package with TLS below it. config says whom to believe, nil: the
// system's authorities; the name that is checked is host, unless its ServerName says another.
func OverTLS(p *engine.Protocol, config *tls.Config, host string) *engine.Protocol {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	config.ServerName = cmp.Or(config.ServerName, host)
	if p.NewCodec == nil && config.NextProtos == nil {
		config.NextProtos = []string{nativeALPN}
	}
	return tlscodec.Client(p, config)
}

// nativeALPN is what native packets are called in a handshake (RFC 7301).
const nativeALPN = "sarang.v1"

// ServiceConfig is an engine configuration for Sessions: change what is to be
// different and give it to engine.New. HeartbeatInterval is the silence after which the
// server is probed, IdleTimeout the one after which the connection is given up.
func ServiceConfig() engine.Config {
	return engine.Config{
		Name:                "sarang-client",
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
	packet.Handle(m, sarangv1.SDone, (*Session).done)
	packet.Handle(m, sarangv1.SSessions, (*Session).sessionList)
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
	packet.Handle(m, sarangv1.SSearch, (*Session).searchPage)
	packet.Handle(m, sarangv1.SMark, (*Session).marked)
	packet.Handle(m, sarangv1.SMute, (*Session).muted)
	packet.Handle(m, sarangv1.SRooms, (*Session).myRoomPage)
	packet.Handle(m, sarangv1.SDirect, (*Session).opened)
	packet.Handle(m, sarangv1.SFilter, (*Session).filtered)
	packet.Handle(m, sarangv1.SMakeLink, (*Session).madeLink)
	packet.Handle(m, sarangv1.SLinks, (*Session).linkPage)
	packet.Handle(m, sarangv1.SJoinLink, (*Session).cameByLink)
	packet.Handle(m, sarangv1.SBelongs, (*Session).belongs)
	packet.Handle(m, sarangv1.STyping, (*Session).typing)
	handleProfiles(m)
	packet.Handle(m, sarangv1.SReport, (*Session).reported)
	packet.Handle(m, sarangv1.SReports, (*Session).reportPage)
	packet.Handle(m, sarangv1.SAudit, (*Session).auditPage)
	packet.Handle(m, sarangv1.SMentions, (*Session).mentionPage)
	packet.Handle(m, sarangv1.SThreads, (*Session).threadPage)
	packet.Handle(m, sarangv1.SFollow, followed(sarangv1.SFollow, sarangv1.CFollow))
	packet.Handle(m, sarangv1.SReadThread, followed(sarangv1.SReadThread, sarangv1.CReadThread))
	packet.Handle(m, sarangv1.SThread, pickedPage(sarangv1.SThread, sarangv1.CThread))
	packet.Handle(m, sarangv1.SPins, pickedPage(sarangv1.SPins, sarangv1.CPins))
	packet.Handle(m, sarangv1.SGap, (*Session).gap)
	packet.Handle(m, sarangv1.SGoodbye, (*Session).farewell)
	return m
}

// Mux is the handler's table, for adding packets of the program's own before the
// first session.
func (h *Handler) Mux() *packet.Mux[*Session] { return h.mux }

// Connected starts the login.
func (h *Handler) Connected(es *engine.Session) { sessionOf(es).connected(h, es) }

// Received decodes a packet and calls the session's Events. What is broken goes to
// Events.Fault; a packet with an unknown id, from a newer server, is ignored.
func (h *Handler) Received(es *engine.Session, frame []byte) {
	s := sessionOf(es)
	p, _, err := packet.Split(frame)
	if err == nil {
		err = h.mux.Dispatch(s, p)
	}
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

// Heartbeat probes a silent server.
func (h *Handler) Heartbeat(es *engine.Session) {
	h.ping.Value = heartbeatValue
	_ = h.encoder.Send(es, sarangv1.CPing, &h.ping) // a session that is ending needs none
}

func sessionOf(es *engine.Session) *Session {
	s, ok := es.Data.(*Session)
	engine.Invariant(ok, "an engine session of a client handler has no *session.Session as its Data")
	return s
}
