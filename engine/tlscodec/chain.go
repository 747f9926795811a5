package tlscodec

import (
	"errors"
	"io"

	"sarang/engine"
)

var _ engine.CodecReleaser = (*chain)(nil)

// chain is a codec over another one: what the inner one says goes through the outer one.
type chain struct {
	outer, inner engine.Codec
	started      bool   // inner was
	between      []byte // decoded by outer
	said         []byte // by inner, plain to outer
}

// Start begins with the outer codec.
func (c *chain) Start(raw []byte) ([]byte, error) {
	raw, err := c.outer.Start(raw)
	if err != nil {
		return raw, err
	}
	return c.startInner(raw)
}

// startInner starts the inner codec once the outer one can carry what it says.
func (c *chain) startInner(raw []byte) ([]byte, error) {
	if c.started || !c.outer.Ready() {
		return raw, nil
	}
	c.started = true
	var err error
	if c.said, err = c.inner.Start(c.said[:0]); err != nil {
		return raw, err
	}
	return c.say(raw)
}

// say carries what the inner codec has said.
func (c *chain) say(raw []byte) ([]byte, error) {
	if len(c.said) == 0 {
		return raw, nil
	}
	return c.outer.Encode(raw, c.said)
}

// Ready reports whether both are.
func (c *chain) Ready() bool { return c.started && c.inner.Ready() }

// Decode goes through both. The end of the outer stream comes behind what the inner one
// makes of it.
func (c *chain) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	var end, err error
	c.between, raw, end = c.outer.Decode(c.between[:0], raw, src)
	if end != nil && !errors.Is(end, io.EOF) {
		return plain, raw, end
	}
	if raw, err = c.startInner(raw); err != nil {
		return plain, raw, err
	}
	if len(c.between) > 0 {
		plain, c.said, err = c.inner.Decode(plain, c.said[:0], c.between)
		var failed error
		if raw, failed = c.say(raw); failed != nil && err == nil {
			err = failed
		}
	}
	if err == nil {
		err = end
	}
	return plain, raw, err
}

// Encode goes through both.
func (c *chain) Encode(raw, src []byte) ([]byte, error) {
	var err error
	if c.said, err = c.inner.Encode(c.said[:0], src); err != nil {
		return raw, err
	}
	return c.say(raw)
}

// End is the inner end, then the outer one.
func (c *chain) End(raw []byte) []byte {
	if c.started {
		c.said = c.inner.End(c.said[:0])
		if coded, err := c.say(raw); err == nil {
			raw = coded
		}
	}
	return c.outer.End(raw)
}

// Release gives back what both have.
func (c *chain) Release() {
	for _, codec := range []engine.Codec{c.inner, c.outer} {
		if r, ok := codec.(engine.CodecReleaser); ok {
			r.Release()
		}
	}
}
