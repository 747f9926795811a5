// Package ws is the gateway of Sarang's packets over WebSocket (docs/PROTOCOL.md), from the
// upgrade on. What a session reads of a room is framed once for all of them; an idle one
// holds no more than one of the native protocol.
package ws

import (
	"errors"

	"sarang/engine"
	"sarang/internal/gateway"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// NewProtocol is what is spoken behind the upgrade to s, whose Format the hub was given.
func NewProtocol(g *gateway.Gateway, s Subprotocol) *engine.Protocol {
	framer := websocket.Framer{Masked: true, PayloadBytesMax: s.form.bytesMax, Deflate: s.form.deflate}
	return &engine.Protocol{
		Name: "ws " + s.Name, Framer: framer, UnadmittedFrameBytesMax: s.form.unadmittedMax + websocket.HeaderBytesMax,
		NewHandler: func(w *engine.Worker) engine.Handler {
			return &handler{
				Handler: g.NewHandler(w, s.Format, s.form.encoder()), form: s.form, framer: framer,
				decoder: s.form.decoder(), whole: newMessages(s.form), partial: map[engine.SessionID]*websocket.Messages{},
			}
		},
	}
}

func newMessages(f *form) websocket.Messages { return websocket.Messages{BytesMax: f.bytesMax} }

// handler is the gateway on one worker.
type handler struct {
	*gateway.Handler
	form    *form
	framer  websocket.Framer
	decoder decoder
	inflate websocket.Inflater // of all sessions
	whole   websocket.Messages // of all sessions that are between two messages
	partial map[engine.SessionID]*websocket.Messages
	payload []byte // of a frame, unmasked
	frame   []byte // to be sent
}

// Received handles a frame of a client.
func (h *handler) Received(s *engine.Session, frame []byte) {
	head, err := h.framer.Header(frame)
	engine.Invariant(err == nil, "a frame is no frame")
	h.payload = websocket.AppendUnmasked(h.payload[:0], head.Mask, frame[head.Bytes:])
	o := s.Data.(*hub.Session)
	if !head.Opcode.Control() {
		h.data(s, o, head, len(frame))
		return
	}
	h.Frame(o, len(frame))
	switch head.Opcode {
	case websocket.OpPing:
		h.send(s, websocket.OpPong, h.payload)
	case websocket.OpClose:
		h.closed(s)
	}
}

// data handles a part of a message.
func (h *handler) data(s *engine.Session, o *hub.Session, head websocket.Header, bytes int) {
	m := h.partial[s.ID()]
	known := m != nil
	if !known {
		m = &h.whole
	}
	if m.BytesMax = h.form.bytesMax; !s.Admitted() {
		m.BytesMax = h.form.unadmittedMax
	}
	m.Inflater = &h.inflate
	op, message, err := m.Add(head, h.payload)
	switch {
	case err != nil:
		delete(h.partial, s.ID())
		h.Frame(o, bytes)
		s.End(engine.Reason{Code: engine.ReasonFrame, Err: err})
		return
	case op == 0:
		if !known {
			open := h.whole
			h.partial[s.ID()], h.whole = &open, newMessages(h.form)
		}
		h.Frame(o, bytes)
		return
	case known:
		delete(h.partial, s.ID())
	}
	if op != h.form.op {
		h.Frame(o, bytes)
		s.End(engine.Reason{Code: engine.ReasonFrame, Err: &websocket.Error{
			Code: websocket.CodeUnsupported, What: h.form.wrong,
		}})
		return
	}
	if h.form.deflate { // what was compressed is as much work as what was not
		bytes = max(bytes, len(message))
	}
	h.message(o, message, bytes)
}

// message handles a whole message, whose last part came in so many bytes.
func (h *handler) message(o *hub.Session, b []byte, bytes int) {
	p, err := h.decoder.decode(b)
	if err == nil {
		h.Packet(o, p, bytes)
		return
	}
	h.Frame(o, bytes)
	h.Bad(o, uint16(p.ID), err)
}

// closed handles a client's close frame: it is answered, and that is all.
func (h *handler) closed(s *engine.Session) {
	code, _, err := websocket.ParseClose(h.payload)
	if err != nil {
		s.End(engine.Reason{Code: engine.ReasonFrame, Err: err})
		return
	}
	h.send(s, websocket.OpClose, websocket.ClosePayload(code, ""))
	s.End(engine.Reason{Code: engine.ReasonPeerClosed})
}

// send sends a control frame; when the session's queue is full the engine ends it.
func (h *handler) send(to interface{ Send(b []byte) error }, op websocket.Opcode, payload []byte) {
	h.frame = websocket.AppendFrame(h.frame[:0], op, payload)
	_ = to.Send(h.frame)
}

// Heartbeat asks a silent client whether it is there. A browser answers by itself, also
// where a page's own timers are slowed down.
func (h *handler) Heartbeat(s *engine.Session) { h.send(s, websocket.OpPing, nil) }

// Disconnected takes the session out of the hub.
func (h *handler) Disconnected(s *engine.Session, why engine.Reason) {
	delete(h.partial, s.ID())
	h.Handler.Disconnected(s, why)
}

// Farewell says why the server ends the session, in a packet and in the close frame.
func (h *handler) Farewell(to engine.Sender, why engine.Reason) {
	if m := h.Goodbye(to, why); m != nil {
		h.send(to, websocket.OpClose, websocket.ClosePayload(closeCode(why, m), m.Message))
	}
}

// closeCode is what a goodbye is in WebSocket's own words.
func closeCode(why engine.Reason, m *pb.Goodbye) websocket.Code {
	var broken *websocket.Error
	var early *engine.UnadmittedFrameError
	switch why.Code {
	case engine.ReasonFrame:
		switch {
		case errors.As(why.Err, &broken):
			return broken.Code
		case errors.As(why.Err, &early):
			return websocket.CodeTooBig
		}
		return websocket.CodeProtocol
	case engine.ReasonDraining:
		return websocket.CodeGoingAway
	case engine.ReasonLoginDeadline, engine.ReasonIdle, engine.ReasonDirectQueue:
		return websocket.CodePolicy
	case engine.ReasonRefused:
		if m.RetryAfterMs > 0 {
			return websocket.CodeTryLater
		}
		return websocket.CodePolicy
	}
	return websocket.CodeInternal
}
