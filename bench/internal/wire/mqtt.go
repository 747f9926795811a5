package wire

import "encoding/binary"

// MQTT is version 3.1.1 with QoS 0. A room is a topic.
type MQTT struct{}

// Control packet types, section 2.2.1.
const (
	mqttConnect   = 1
	mqttConnack   = 2
	mqttPublish   = 3
	mqttSubscribe = 8
	mqttSuback    = 9
	mqttPingresp  = 13
)

// Next cuts off one control packet.
func (MQTT) Next(b []byte) (Frame, int, error) {
	size, at, err := remainingLength(b)
	if at == 0 || err != nil || len(b) < at+size {
		return Frame{}, 0, err
	}
	f, err := mqttFrame(b[0], b[at:at+size])
	return f, at + size, err
}

func mqttFrame(head byte, body []byte) (Frame, error) {
	switch head >> 4 {
	case mqttPublish:
		if len(body) < 2 {
			return Frame{}, framing("mqtt", "a topic", body)
		}
		from := 2 + int(binary.BigEndian.Uint16(body))
		if head&6 != 0 {
			from += 2 // QoS above 0: a packet identifier
		}
		if from > len(body) {
			return Frame{}, framing("mqtt", "a topic", body)
		}
		return Frame{Kind: Delivery, Payload: body[from:]}, nil
	case mqttConnack:
		if len(body) != 2 || body[1] != 0 {
			return Frame{Kind: Refused, Payload: []byte("CONNACK with an error")}, nil
		}
		return Frame{Kind: Done}, nil
	case mqttSuback:
		if len(body) != 3 || body[2] > 2 {
			return Frame{Kind: Refused, Payload: []byte("SUBACK with an error")}, nil
		}
		return Frame{Kind: Done}, nil
	case mqttPingresp:
		return Frame{}, nil
	}
	return Frame{}, framing("mqtt", "PUBLISH, CONNACK, SUBACK or PINGRESP", []byte{head})
}

// remainingLength reads the size behind the first byte (section 2.2.3) and returns
// where it ends: 0 if it is not all there.
func remainingLength(b []byte) (size, at int, err error) {
	for i := range 4 {
		if len(b) < i+2 {
			return 0, 0, nil
		}
		c := b[1+i]
		size |= int(c&0x7f) << (7 * i)
		if c < 0x80 && size <= FrameBytesMax {
			return size, i + 2, nil
		}
		if c < 0x80 {
			break
		}
	}
	return 0, 0, framing("mqtt", "a length", b)
}

// AppendHello connects with a clean session and no keep-alive.
func (MQTT) AppendHello(dst []byte, name string) []byte {
	dst = appendMQTTHead(dst, mqttConnect<<4, 10+2+len(name))
	dst = append(dst, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0)
	return appendMQTTString(dst, name)
}

// AppendJoin subscribes to the room's topic.
func (MQTT) AppendJoin(dst []byte, room string) []byte {
	dst = appendMQTTHead(dst, mqttSubscribe<<4|2, 2+2+len(room)+1)
	dst = append(dst, 0, 1) // packet identifier
	dst = appendMQTTString(dst, room)
	return append(dst, 0) // QoS 0
}

// AppendPublish publishes with QoS 0; there is no answer.
func (MQTT) AppendPublish(dst []byte, room Room, _ uint64, text []byte) []byte {
	dst = appendMQTTHead(dst, mqttPublish<<4, 2+len(room.Name)+len(text))
	dst = appendMQTTString(dst, room.Name)
	return append(dst, text...)
}

// AppendPong is never called: an MQTT server does not ask.
func (MQTT) AppendPong(dst []byte, _ Frame) []byte { return dst }

func appendMQTTHead(dst []byte, head byte, size int) []byte {
	return binary.AppendUvarint(append(dst, head), uint64(size)) // the same coding
}

func appendMQTTString(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}
