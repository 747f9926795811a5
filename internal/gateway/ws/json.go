package ws

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sarang/chat"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// appendJSON appends an object with one member: the packet's name, and its message in
// protobuf's JSON mapping. The bytes are always the same, as protojson's are not, and it can
// not fail: what is not UTF-8 in a string becomes U+FFFD.
func appendJSON(dst []byte, name string, m protoreflect.Message) []byte {
	dst = append(append(append(dst, `{"`...), name...), `":`...)
	return append(appendMessage(dst, m), '}')
}

// appendMessage has the fields in the order of the definition; those that have their default
// are left out.
func appendMessage(dst []byte, m protoreflect.Message) []byte {
	dst = append(dst, '{')
	fields := m.Descriptor().Fields()
	for i, first := 0, true; i < fields.Len(); i++ {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), f.JSONName()...), `":`...)
		if !f.IsList() {
			dst = appendValue(dst, f, m.Get(f))
			continue
		}
		list := m.Get(f).List()
		dst = append(dst, '[')
		for k := range list.Len() {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, f, list.Get(k))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendValue knows the kinds that the packets have; a test sees to it that there are no
// others.
func appendValue(dst []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v.Bool())
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind: // a number of JavaScript is too short for it
		return append(strconv.AppendUint(append(dst, '"'), v.Uint(), 10), '"')
	case protoreflect.EnumKind:
		if known := f.Enum().Values().ByNumber(v.Enum()); known != nil {
			return append(append(append(dst, '"'), known.Name()...), '"')
		}
		return strconv.AppendInt(dst, int64(v.Enum()), 10)
	case protoreflect.StringKind:
		return appendString(dst, v.String())
	case protoreflect.BytesKind:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes()), '"')
	case protoreflect.MessageKind:
		return appendMessage(dst, v.Message())
	}
	return append(dst, "null"...)
}

// eraseJSON puts spaces in the place of the text and the files of what appendJSON has made of an
// event. What it looks for can not be a part of a string, in which a quote is never without a
// backslash; no field of a file is called so.
func eraseJSON(b []byte) bool {
	return eraseField(b, `"text":`) && eraseField(b, `"files":`)
}

// eraseField puts spaces in the place of a field, whose value is a string or an array.
func eraseField(b []byte, name string) bool {
	from := bytes.Index(b, []byte(name))
	if from < 0 {
		return true
	}
	to, depth, quoted := from+len(name), 0, false
	for ; to < len(b); to++ {
		switch c := b[to]; {
		case quoted && c == '\\':
			to++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		}
		if !quoted && depth == 0 {
			break
		}
	}
	if to >= len(b) {
		return false
	}
	switch to++; {
	case from > 0 && b[from-1] == ',':
		from--
	case to < len(b) && b[to] == ',':
		to++
	}
	for i := from; i < to; i++ {
		b[i] = ' '
	}
	return true
}

// appendString appends a string of JSON; RFC 8259, section 7.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		b := s[i]
		switch {
		case b >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, `\n`...)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
		i++
	}
	return append(dst, '"')
}

// frameText appends a text message with what fill appends. The header is as long as that
// needs.
func frameText(dst []byte, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = fill(append(dst, make([]byte, frameRoom)...))
	n := len(dst) - at - frameRoom
	var room [frameRoom]byte
	header := websocket.AppendHeader(room[:0], true, websocket.OpText, n)
	copy(dst[at:], header)
	return append(dst[:at+len(header)], dst[at+frameRoom:]...)
}

// frameRoom is the longest header of a frame that is not masked.
const frameRoom = websocket.HeaderBytesMax - 4

// jsonEncoder sends packets in text messages.
type jsonEncoder struct {
	names   map[packet.ID]string
	scratch []byte
}

func newJSONEncoder() *jsonEncoder {
	e := &jsonEncoder{names: map[packet.ID]string{}}
	for _, p := range pb.Packets() {
		e.names[packet.ID(p.ID)] = p.Name
	}
	return e
}

// Send encodes m and has to take it.
func (e *jsonEncoder) Send(to interface{ Send(b []byte) error }, id packet.ID, m packet.Marshaler) error {
	message, ok := m.(proto.Message)
	if !ok || e.names[id] == "" {
		return &packet.EncodeError{ID: id, Err: errors.New("it has no form in JSON")}
	}
	e.scratch = frameText(e.scratch[:0], func(dst []byte) []byte { return appendJSON(dst, e.names[id], message.ProtoReflect()) })
	err := to.Send(e.scratch)
	if cap(e.scratch) > scratchBytesMax {
		e.scratch = nil
	}
	return err
}

// scratchBytesMax is how much a worker keeps for the next message.
const scratchBytesMax = 64 << 10

// jsonDecoder reads packets from texts.
type jsonDecoder struct {
	packets map[string]pb.Packet
	scratch []byte
}

func newJSONDecoder() *jsonDecoder {
	d := &jsonDecoder{packets: map[string]pb.Packet{}}
	for _, p := range pb.Packets() {
		d.packets[p.Name] = p
	}
	return d
}

// decode reads the one member of an object. Fields that are not known are skipped, as they
// are in protobuf.
func (d *jsonDecoder) decode(b []byte) (packet.Packet, *chat.Error) {
	name, value, err := oneMember(b)
	if err != nil {
		return packet.Packet{}, chat.Errorf(chat.CodeMalformed, "a message is an object of JSON with one member, the packet's name: %v", plain(err))
	}
	p, known := d.packets[name]
	if !known {
		return packet.Packet{}, chat.Errorf(chat.CodeUnknownPacket, "packet %.40q is not known", name)
	}
	none := packet.Packet{ID: packet.ID(p.ID)}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, p.Message); err != nil {
		return none, chat.Errorf(chat.CodeMalformed, "%s: %v", name, plain(err))
	}
	m, ok := p.Message.(packet.Marshaler)
	if !ok {
		return none, chat.Errorf(chat.CodeMalformed, "%s: it has no form", name)
	}
	d.scratch, err = packet.AppendVT(d.scratch[:0], none.ID, m)
	if err != nil {
		return none, chat.Errorf(chat.CodeMalformed, "%s: %v", name, err)
	}
	whole, _, err := packet.Split(d.scratch)
	if err != nil {
		return none, chat.Errorf(chat.CodeMalformed, "%s: %v", name, err)
	}
	return whole, nil
}

// plain is what protojson says, without its prefix, whose space is now one kind, now another,
// and not longer than it helps: it may quote what the client has said.
func plain(err error) string {
	s := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	if len(s) > wordsBytesMax {
		s = strings.ToValidUTF8(s[:wordsBytesMax], "") + "…"
	}
	return s
}

const wordsBytesMax = 200

// oneMember returns the name and the value of an object's one member.
func oneMember(b []byte) (name string, value json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	open, err := d.Token()
	if err != nil {
		return "", nil, err
	}
	if open != json.Delim('{') {
		return "", nil, errors.New("it is no object")
	}
	key, err := d.Token()
	if err != nil {
		return "", nil, err
	}
	name, ok := key.(string)
	if !ok {
		return "", nil, errors.New("it has no member")
	}
	if err = d.Decode(&value); err != nil {
		return "", nil, err
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') {
		return "", nil, errors.New("it has more than one member")
	}
	if _, err = d.Token(); !errors.Is(err, io.EOF) {
		return "", nil, errors.New("there is something behind it")
	}
	return name, value, nil
}
