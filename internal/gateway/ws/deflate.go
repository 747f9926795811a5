package ws

import (
	"sarang/internal/gateway"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// deflateBytesLeast is the shortest message that is compressed: of a shorter one little is saved.
const deflateBytesLeast = 512

// deflated are the same forms for connections on which compression was agreed on. An event is
// compressed once, for all who read it so.
func deflated(plain []*form) (all []*form) {
	for _, p := range plain {
		f := *p
		f.format, f.deflate = p.format+"_deflate", true
		f.event = func(dst []byte, m *pb.Event) ([]byte, error) {
			at := len(dst)
			dst, err := p.event(dst, m)
			if err != nil {
				return dst, err
			}
			return websocket.DeflateFrame(dst, at, deflateBytesLeast), nil
		}
		f.encoder = func() gateway.Encoder { return &deflating{inner: p.encoder()} }
		all = append(all, &f)
	}
	return all
}

// deflating is an encoder whose frames are compressed.
type deflating struct {
	inner gateway.Encoder
	to    interface{ Send(b []byte) error }
	frame []byte
}

// Send encodes m and has to take it.
func (e *deflating) Send(to interface{ Send(b []byte) error }, id packet.ID, m packet.Marshaler) error {
	e.to = to
	defer func() { e.to = nil }()
	return e.inner.Send((*frames)(e), id, m)
}

// frames takes the inner encoder's frame.
type frames deflating

// Send compresses a frame and sends it on.
func (e *frames) Send(b []byte) error {
	e.frame = websocket.DeflateFrame(append(e.frame[:0], b...), 0, deflateBytesLeast)
	return e.to.Send(e.frame)
}
