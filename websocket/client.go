package websocket

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"

	"sarang/engine"
)

// ClientConfig shapes the codecs of a program's connections to a server. Host, Path and
// Framer are required; it is shared and does not change.
type ClientConfig struct {
	Host     string // of the request: HOST or HOST:PORT
	Path     string // of the request, with what may follow; credentials do not belong in it
	Protocol string // the subprotocol that is offered, and must be agreed on; "": none

	// Framer is that of the protocol that the messages carry: a message for each of its
	// frames.
	Framer engine.Framer

	Text     bool // messages are texts; a message of the other kind is an error
	BytesMax int  // of a message; default 64 KiB

	// Upgraded: there is no handshake; the connection is a WebSocket already.
	Upgraded bool

	// Random is for tests that replay; default is what a peer can not foresee.
	Random func() uint64
}

// answerBytesMax bounds the header of a server's answer.
const answerBytesMax = 16 << 10

const clientBytesMax = 64 << 10

// Client is the codec of a client's session: an engine.Codec. What the session sends must be
// whole frames of ClientConfig.Framer.
type Client struct {
	config   *ClientConfig
	accept   string // what the server must answer
	held     []byte // a part of an answer or of a frame
	messages Messages
	upgraded bool
	closed   bool // a close frame was sent
}

// NewClient makes the codec of a session.
func NewClient(c *ClientConfig) *Client {
	most := c.BytesMax
	if most <= 0 {
		most = clientBytesMax
	}
	return &Client{config: c, messages: Messages{BytesMax: most}, upgraded: c.Upgraded}
}

func (c *Client) random() uint64 {
	if c.config.Random != nil {
		return c.config.Random()
	}
	return rand.Uint64() // seeded by the system, and made for that
}

// Start asks for the upgrade; RFC 6455, section 4.1.
func (c *Client) Start(raw []byte) ([]byte, error) {
	if c.upgraded {
		return raw, nil
	}
	b := binary.BigEndian.AppendUint64(nil, c.random())
	key := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, c.random()))
	c.accept = acceptKey(key)
	raw = fmt.Appendf(raw, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: %s\r\n", c.config.Path, c.config.Host, key, version)
	if c.config.Protocol != "" {
		raw = fmt.Appendf(raw, "Sec-WebSocket-Protocol: %s\r\n", c.config.Protocol)
	}
	return append(raw, "\r\n"...), nil
}

// Ready reports whether the upgrade is done.
func (c *Client) Ready() bool { return c.upgraded }

// Decode takes messages out of frames. A close frame is answered, and is io.EOF.
func (c *Client) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	if len(c.held) > 0 {
		c.held = append(c.held, src...)
		src = c.held
	}
	var err error
	if !c.upgraded {
		if src, err = c.answered(src); err != nil {
			return plain, raw, err
		}
	}
	framer := Framer{PayloadBytesMax: c.messages.BytesMax}
	for c.upgraded && len(src) > 0 {
		h, err := framer.Header(src)
		if err == nil && (h.Bytes == 0 || h.Bytes+h.Payload > len(src)) {
			break
		}
		if err == nil {
			plain, raw, err = c.frame(plain, raw, h, src[h.Bytes:h.Bytes+h.Payload])
		}
		if err != nil {
			return plain, c.appendClose(raw, err), err
		}
		src = src[h.Bytes+h.Payload:]
	}
	if c.held = append(c.held[:0], src...); len(c.held) == 0 {
		c.held = nil
	}
	return plain, raw, nil
}

func (c *Client) frame(plain, raw []byte, h Header, payload []byte) ([]byte, []byte, error) {
	switch h.Opcode {
	case OpPing:
		return plain, AppendMasked(raw, OpPong, uint32(c.random()), payload), nil
	case OpPong:
		return plain, raw, nil
	case OpClose:
		if _, _, err := ParseClose(payload); err != nil {
			return plain, raw, err
		}
		return plain, raw, io.EOF
	}
	op, whole, err := c.messages.Add(h, payload)
	switch {
	case err != nil || op == 0:
		return plain, raw, err
	case (op == OpText) != c.config.Text:
		return plain, raw, &Error{CodeUnsupported, "a message of the other kind"}
	}
	return append(plain, whole...), raw, nil
}

// answered reads the server's answer to the upgrade, once it is whole, and returns what is
// behind it; RFC 6455, section 4.1.
func (c *Client) answered(b []byte) ([]byte, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > answerBytesMax {
			return nil, &HandshakeError{What: "the server's answer is too long"}
		}
		return b, nil
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:end+4])), nil)
	if err != nil {
		return nil, &HandshakeError{What: "the server's answer is not HTTP"}
	}
	_ = answer.Body.Close()
	switch {
	case answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, &HandshakeError{answer.StatusCode, "the server refuses the upgrade: " + answer.Status}
	case !hasToken(answer.Header, "Upgrade", "websocket") || !hasToken(answer.Header, "Connection", "upgrade") ||
		answer.Header.Get("Sec-Websocket-Accept") != c.accept:
		return nil, &HandshakeError{answer.StatusCode, "the server's answer is not that to this upgrade"}
	case answer.Header.Get("Sec-Websocket-Extensions") != "":
		return nil, &HandshakeError{answer.StatusCode, "the server uses an extension that was not offered"}
	case answer.Header.Get("Sec-Websocket-Protocol") != c.config.Protocol:
		return nil, &HandshakeError{answer.StatusCode, "the server has not agreed on the subprotocol " + c.config.Protocol}
	}
	c.upgraded = true
	return b[end+4:], nil
}

// Encode puts whole frames of the protocol within into messages, one each.
func (c *Client) Encode(raw, src []byte) ([]byte, error) {
	op := OpBinary
	if c.config.Text {
		op = OpText
	}
	for len(src) > 0 {
		n, err := c.config.Framer.Split(src)
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return raw, err
		}
		raw = AppendMasked(raw, op, uint32(c.random()), src[:n])
		src = src[n:]
	}
	return raw, nil
}

// End says goodbye, unless that was done.
func (c *Client) End(raw []byte) []byte {
	if !c.upgraded {
		return raw
	}
	return c.appendClose(raw, nil)
}

// appendClose appends a close frame that says what err is, if none was sent.
func (c *Client) appendClose(raw []byte, err error) []byte {
	if c.closed {
		return raw
	}
	c.closed = true
	code, what := CodeNormal, ""
	if e, ok := err.(*Error); ok {
		code, what = e.Code, e.What
	}
	return AppendMasked(raw, OpClose, uint32(c.random()), ClosePayload(code, what))
}

// Release lets go of what is held.
func (c *Client) Release() { c.held, c.messages = nil, Messages{} }
