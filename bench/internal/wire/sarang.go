package wire

import (
	"encoding/binary"

	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Sarang is the native protocol of docs/PROTOCOL.md.
type Sarang struct {
	Ephemeral bool // joins make rooms that are not stored
}

// Next cuts off one packet. Of an event only kind and text are looked at.
func (Sarang) Next(b []byte) (Frame, int, error) {
	if len(b) < packet.HeaderBytes {
		return Frame{}, 0, nil
	}
	size := int(binary.LittleEndian.Uint16(b))
	if size < packet.HeaderBytes {
		return Frame{}, 0, framing("sarang", "a size of at least 4", b)
	}
	if len(b) < size {
		return Frame{}, 0, nil
	}
	id, payload := binary.LittleEndian.Uint16(b[2:]), b[packet.HeaderBytes:size]
	f, err := sarangFrame(id, payload)
	return f, size, err
}

func sarangFrame(id uint16, payload []byte) (Frame, error) {
	switch id {
	case sarangv1.SChat:
		text, message, ok := eventText(payload)
		if !ok {
			return Frame{}, framing("sarang", "an event", payload)
		}
		if message {
			return Frame{Kind: Delivery, Payload: text}, nil
		}
		return Frame{}, nil
	case sarangv1.SAck:
		return Frame{Kind: Ack}, nil
	case sarangv1.SLogin:
		return Frame{Kind: Done}, nil
	case sarangv1.SJoin:
		room, ok := joinedRoom(payload)
		if !ok {
			return Frame{}, framing("sarang", "an answer to a join", payload)
		}
		return Frame{Kind: Done, Room: room}, nil
	case sarangv1.SPing:
		return Frame{Kind: Ping, Payload: payload}, nil
	case sarangv1.SError:
		var e sarangv1.Error
		_ = e.UnmarshalVT(payload) // what can be read of it is the reason
		return Frame{Kind: Refused, Payload: []byte(e.Message)}, nil
	case sarangv1.SGoodbye:
		var g sarangv1.Goodbye
		_ = g.UnmarshalVT(payload)
		return Frame{Kind: Refused, Payload: []byte("goodbye: " + g.Message)}, nil
	case sarangv1.SGap:
		return Frame{Kind: Refused, Payload: []byte("a gap: events that can not be delivered any more")}, nil
	}
	return Frame{}, nil
}

// Fields of Event and Joined in proto/sarang/v1/chat.proto, as protobuf tags.
const (
	tagEventKind  = 3 << 3
	tagEventText  = 8<<3 | 2
	tagJoinedRoom = 2<<3 | 2
	tagRoomID     = 1 << 3
)

// eventText walks an Event's fields: millions a second are read, and a whole decode
// would make the client the bottleneck.
func eventText(b []byte) (text []byte, message, ok bool) {
	for len(b) > 0 {
		tag := b[0] // field numbers below 16 have tags of one byte
		b = b[1:]
		switch tag & 7 {
		case 0:
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return nil, false, false
			}
			if tag == tagEventKind {
				message = v == uint64(sarangv1.EventKind_EVENT_KIND_MESSAGE)
			}
			b = b[n:]
		case 1:
			if len(b) < 8 {
				return nil, false, false
			}
			b = b[8:]
		case 2:
			v, n := binary.Uvarint(b)
			if n <= 0 || v > uint64(len(b)-n) {
				return nil, false, false
			}
			if tag == tagEventText {
				text = b[n : n+int(v)]
			}
			b = b[n+int(v):]
		default:
			return nil, false, false
		}
	}
	return text, message, true
}

// joinedRoom returns the room's id of a Joined. It is no whole decode for the same
// reason: the client's time is part of a storm's.
func joinedRoom(b []byte) (id uint64, ok bool) {
	room, _, ok := find(b, tagJoinedRoom)
	if !ok {
		return 0, false
	}
	_, id, ok = find(room, tagRoomID)
	return id, ok
}

// find returns a field of a message: its bytes or, of a number, its value.
func find(b []byte, want byte) (data []byte, v uint64, ok bool) {
	for len(b) > 0 {
		tag := b[0]
		v, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return nil, 0, false
		}
		b = b[1+n:]
		switch tag & 7 {
		case 0:
			data = nil
		case 2:
			if v > uint64(len(b)) {
				return nil, 0, false
			}
			data, b = b[:v], b[v:]
		default: // neither Joined nor RoomInfo has others
			return nil, 0, false
		}
		if tag == want {
			return data, v, true
		}
	}
	return nil, 0, false
}

// AppendHello logs in as a guest.
func (Sarang) AppendHello(dst []byte, name string) []byte {
	return appendPacket(dst, sarangv1.CLogin, &sarangv1.Login{VersionMin: sarangv1.Version, VersionMax: sarangv1.Version, Name: name, Client: "bench"})
}

// AppendJoin joins, and makes the room if there is none.
func (s Sarang) AppendJoin(dst []byte, room string) []byte {
	return appendPacket(dst, sarangv1.CJoin, &sarangv1.Join{Request: 1, Name: room, Create: true, Ephemeral: s.Ephemeral})
}

// AppendPublish uses n as the nonce. It writes the fields itself: publishing is part
// of every run.
func (Sarang) AppendPublish(dst []byte, room Room, n uint64, text []byte) []byte {
	from := len(dst)
	dst = append(dst, 0, 0, sarangv1.CChat, 0)
	dst = append(dst, 1<<3)
	dst = binary.AppendUvarint(dst, room.ID)
	dst = append(dst, 2<<3|1)
	dst = binary.LittleEndian.AppendUint64(dst, n)
	dst = append(dst, 3<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	dst = append(dst, text...)
	binary.LittleEndian.PutUint16(dst[from:], uint16(len(dst)-from))
	return dst
}

// AppendPong answers with the same payload.
func (Sarang) AppendPong(dst []byte, f Frame) []byte {
	dst, err := packet.AppendHeader(dst, sarangv1.CPong, len(f.Payload))
	if err != nil {
		panic(err) // it was a packet's payload before
	}
	return append(dst, f.Payload...)
}

func appendPacket(dst []byte, id packet.ID, m packet.Marshaler) []byte {
	dst, err := packet.AppendVT(dst, id, m)
	if err != nil {
		panic(err) // names are short
	}
	return dst
}

// PublisherJoins is true: only members publish.
func (Sarang) PublisherJoins() bool { return true }
