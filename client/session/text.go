package session

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// WebSocketJSON is the subprotocol that NewWebSocketJSON speaks.
const WebSocketJSON = "sarang.v1.json"

// textBytesMax is more than a server says in one text: what its largest packet may become.
const textBytesMax = 512 << 10

// NewWebSocketJSON is NewWebSocket with packets in JSON. It is for tests and load: Go has no need
// of it.
func NewWebSocketJSON(host, path string, newHandler func(*engine.Worker) engine.Handler) *engine.Protocol {
	p := NewProtocol(newHandler)
	c := &websocket.ClientConfig{
		Host: host, Path: path, Protocol: WebSocketJSON, Framer: objects{}, Text: true, BytesMax: textBytesMax,
	}
	p.NewCodec = func(*engine.Session) engine.Codec { return newTextCodec(websocket.NewClient(c)) }
	return p
}

// objects cuts a stream into objects of JSON.
type objects struct{}

// ErrNoObject means that a text is no object of JSON.
var ErrNoObject = errors.New("session: a text that is no object of JSON")

func (objects) Split(b []byte) (int, error) {
	if len(b) > 0 && b[0] != '{' {
		return 0, ErrNoObject
	}
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		}
	}
	return 0, nil
}

func (objects) Need(b []byte) int { return len(b) + 1 }

// textCodec turns the packets of a session into texts, and back.
type textCodec struct {
	*websocket.Client
	byID   map[packet.ID]sarangv1.Packet
	byName map[string]sarangv1.Packet
	texts  []byte
}

func newTextCodec(inner *websocket.Client) *textCodec {
	c := &textCodec{Client: inner, byID: map[packet.ID]sarangv1.Packet{}, byName: map[string]sarangv1.Packet{}}
	for _, p := range sarangv1.Packets() {
		c.byID[packet.ID(p.ID)], c.byName[p.Name] = p, p
	}
	return c
}

// Encode makes a text of each packet.
func (c *textCodec) Encode(raw, src []byte) ([]byte, error) {
	c.texts = c.texts[:0]
	for len(src) > 0 {
		p, n, err := packet.Split(src)
		if err != nil || n == 0 {
			return raw, fmt.Errorf("session: no whole packet is to be sent: %w", err)
		}
		src = src[n:]
		of, known := c.byID[p.ID]
		if !known {
			return raw, fmt.Errorf("session: packet %d has no form in JSON", p.ID)
		}
		if err := proto.Unmarshal(p.Payload, of.Message); err != nil {
			return raw, err
		}
		value, err := protojson.Marshal(of.Message)
		if err != nil {
			return raw, err
		}
		c.texts = fmt.Appendf(c.texts, "{%q:%s}", of.Name, value)
	}
	return c.Client.Encode(raw, c.texts)
}

// Decode makes packets of texts.
func (c *textCodec) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	var end error
	c.texts, raw, end = c.Client.Decode(c.texts[:0], raw, src)
	for rest := c.texts; len(rest) > 0; {
		n, err := objects{}.Split(rest)
		if err == nil && n == 0 {
			err = ErrNoObject
		}
		if err == nil {
			plain, err = c.appendPacket(plain, rest[:n])
		}
		if err != nil {
			return plain, raw, err
		}
		rest = rest[n:]
	}
	return plain, raw, end
}

func (c *textCodec) appendPacket(dst, text []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || len(members) != 1 {
		return dst, ErrNoObject
	}
	for name, value := range members {
		p, known := c.byName[name]
		if !known {
			return dst, nil // a newer server may say more, as by packets
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, p.Message); err != nil {
			return dst, fmt.Errorf("session: %s: %w", name, err)
		}
		m, ok := p.Message.(packet.Marshaler)
		if !ok {
			return dst, fmt.Errorf("session: %s has no form", name)
		}
		return packet.AppendVT(dst, packet.ID(p.ID), m)
	}
	return dst, nil
}
