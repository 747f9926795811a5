// Package native is the gateway of Sarang's native protocol (docs/PROTOCOL.md): packets, one
// behind the other on a stream.
package native

import (
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/gateway"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// NewFormat is the form of events that the gateway wants of the hub: packets.
func NewFormat() *hub.Format {
	return &hub.Format{Name: "packet", Append: AppendEvent, Erase: EraseEvent}
}

// AppendEvent encodes an event as the packet that readers get.
func AppendEvent(dst []byte, e *chat.Event) ([]byte, error) {
	var m pb.Event
	gateway.FillEvent(&m, e)
	return packet.AppendVT(dst, pb.SChat, &m)
}

// EraseEvent encodes what AppendEvent has encoded without its text, with as many bytes.
func EraseEvent(dst, entry []byte) ([]byte, bool) {
	at := len(dst)
	dst = append(dst, entry...)
	return dst, len(entry) >= packet.HeaderBytes && gateway.EraseText(dst[at+packet.HeaderBytes:])
}

// NewProtocol is for engine.Service.Listen; format is the NewFormat that the hub was given.
func NewProtocol(g *gateway.Gateway, format *hub.Format) *engine.Protocol {
	return &engine.Protocol{
		Name: "native", Framer: packet.Framer{}, UnadmittedFrameBytesMax: gateway.UnadmittedBytesMax,
		NewHandler: func(w *engine.Worker) engine.Handler {
			return &handler{g.NewHandler(w, format, new(packet.Encoder))}
		},
	}
}

// handler is the gateway on one worker.
type handler struct{ *gateway.Handler }

// Received handles a packet of a client.
func (h *handler) Received(s *engine.Session, frame []byte) {
	p, _, err := packet.Split(frame)
	engine.Invariant(err == nil, "a frame is no packet")
	h.Packet(s.Data.(*hub.Session), p, len(frame))
}
