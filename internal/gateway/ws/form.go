package ws

import (
	"sarang/chat"
	"sarang/internal/gateway"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// The subprotocols.
const (
	Protobuf = "sarang.v1.protobuf" // packets in binary messages, one each
	JSON     = "sarang.v1.json"     // the same in texts, in protobuf's JSON mapping
)

// form is what a subprotocol makes of packets.
type form struct {
	name          string
	format        string // of the hub
	op            websocket.Opcode
	wrong         string // what a message of the other kind is told
	bytesMax      int    // of a client's message
	unadmittedMax int    // and of one before the login
	historyMax    int    // bytes of text in a page of history; 0: as much as the hub gives
	event         func(dst []byte, m *pb.Event) ([]byte, error)
	erase         func(payload []byte) bool // has the event in a message lose its text, in place
	encoder       func() gateway.Encoder
	decoder       func() decoder
	deflate       bool // messages may be compressed
}

// decoder takes packets out of whole messages. It belongs to a worker.
type decoder interface {
	// decode returns the packet that b is. Of an error the packet's ID is what it was meant
	// to be, if that is known. The payload is lent until the next call.
	decode(b []byte) (packet.Packet, *chat.Error)
}

// Bounds of a client's message.
const (
	// A message of JSON may be twice as long as the largest packet: many libraries write
	// whatever is not ASCII in six bytes or twelve.
	jsonBytesMax   = 128 << 10
	packetBytesMax = packet.SizeMax

	// jsonHistoryBytesMax keeps a page of JSON within what may wait for a session: each event
	// has some 200 bytes besides its text.
	jsonHistoryBytesMax = 8 << 10
)

func forms() []*form {
	return []*form{
		{
			name: Protobuf, format: "ws_packet", op: websocket.OpBinary,
			bytesMax: packetBytesMax, unadmittedMax: gateway.UnadmittedBytesMax,
			wrong:   "a text message; " + Protobuf + " has binary ones",
			event:   func(dst []byte, m *pb.Event) ([]byte, error) { return appendPacket(dst, pb.SChat, m) },
			erase:   func(b []byte) bool { return len(b) >= packet.HeaderBytes && gateway.EraseText(b[packet.HeaderBytes:]) },
			encoder: func() gateway.Encoder { return new(packetEncoder) },
			decoder: func() decoder { return packetDecoder{} },
		},
		{
			name: JSON, format: "ws_json", op: websocket.OpText,
			bytesMax: jsonBytesMax, unadmittedMax: 2 * gateway.UnadmittedBytesMax, historyMax: jsonHistoryBytesMax,
			wrong: "a binary message; " + JSON + " has texts",
			event: func(dst []byte, m *pb.Event) ([]byte, error) {
				return frameText(dst, func(dst []byte) []byte { return appendJSON(dst, "S_CHAT", m.ProtoReflect()) }), nil
			},
			erase:   eraseJSON,
			encoder: func() gateway.Encoder { return newJSONEncoder() },
			decoder: func() decoder { return newJSONDecoder() },
		},
	}
}

// Subprotocol is one that a WebSocket can speak, with the form of events that it wants of the
// hub.
type Subprotocol struct {
	Name    string
	Deflate bool // messages may be compressed; else none is
	Format  *hub.Format
	form    *form
}

// Subprotocols returns those that there are, with new formats, the one that is preferred
// first; then each again, for connections on which compression was agreed on.
func Subprotocols() (all []Subprotocol) {
	plain := forms()
	for _, f := range append(plain, deflated(plain)...) {
		all = append(all, Subprotocol{f.name, f.deflate, &hub.Format{
			Name: f.format, HistoryBytesMax: f.historyMax,
			Append: func(dst []byte, e *chat.Event) ([]byte, error) {
				var m pb.Event
				gateway.FillEvent(&m, e)
				return f.event(dst, &m)
			},
			Erase: func(dst, entry []byte) ([]byte, bool) {
				at := len(dst)
				dst = append(dst, entry...)
				h, err := websocket.Framer{PayloadBytesMax: len(entry)}.Header(entry)
				return dst, err == nil && f.erase(dst[at+h.Bytes:])
			},
		}, f})
	}
	return all
}

// appendPacket appends a packet in a binary message. On an error dst is returned as it was.
func appendPacket(dst []byte, id packet.ID, m packet.Marshaler) ([]byte, error) {
	at := len(dst)
	dst, err := packet.AppendVT(websocket.AppendHeader(dst, true, websocket.OpBinary, packet.HeaderBytes+m.SizeVT()), id, m)
	if err != nil {
		return dst[:at], err
	}
	return dst, nil
}

// packetEncoder sends packets in binary messages.
type packetEncoder struct{ scratch []byte }

// Send encodes m and has to take it.
func (e *packetEncoder) Send(to interface{ Send(b []byte) error }, id packet.ID, m packet.Marshaler) error {
	b, err := appendPacket(e.scratch[:0], id, m)
	if err != nil {
		return err
	}
	e.scratch = b
	return to.Send(b)
}

// packetDecoder reads packets as they are.
type packetDecoder struct{}

func (packetDecoder) decode(b []byte) (packet.Packet, *chat.Error) {
	p, n, err := packet.Split(b)
	if err != nil || n != len(b) || n == 0 {
		return packet.Packet{}, chat.Errorf(chat.CodeMalformed, "a message of %d bytes is not one packet", len(b))
	}
	return p, nil
}
