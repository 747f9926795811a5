package engine

// Codec stands between a session's socket and its framer: TLS, WebSocket,
// compression. It belongs to one session and is called by its worker only. All
// methods append to the slices they are given, and keep none of them.
type Codec interface {
	// Start is called once the connection stands; what it appends to raw is sent
	// (a client's first handshake message).
	Start(raw []byte) ([]byte, error)

	// Decode takes what was received: plain is for the framer, raw is sent back
	// (handshake, pong). io.EOF: the peer has ended the stream in the codec's way.
	// Any other error ends the session with ReasonCodec after raw was sent.
	Decode(plain, raw, src []byte) (plainOut, rawOut []byte, err error)

	// Ready reports whether Encode may be called: the handshake is over.
	Ready() bool

	// Encode appends the coded form of src, whole frames, to raw.
	Encode(raw, src []byte) ([]byte, error)

	// End appends what the codec says last (a close frame or alert).
	End(raw []byte) []byte
}

// CodecReleaser is a Codec that has something to give back when its session is over.
type CodecReleaser interface {
	Codec

	// Release is the last call, just before Disconnected, or when the session is
	// switched to another protocol. It is made whatever became of the session, if Start
	// was called.
	Release()
}

// CodecGatherer is a Codec that can code several pieces together, as one.
type CodecGatherer interface {
	Codec

	// EncodeAll is Encode for whole frames that lie in several pieces.
	EncodeAll(raw []byte, src [][]byte) ([]byte, error)
}

// CodecKeeper is a Codec that keeps what was received until it can make something of it. Of sessions
// that have not logged in that is bounded: Config.UnadmittedBytesMax.
type CodecKeeper interface {
	Codec

	// KeptBytes is how much it keeps now.
	KeptBytes() int
}

// codecState is a session's codec and the coded bytes that wait. With a codec the
// direct queue "out" holds coded bytes, "pend" plain ones.
type codecState struct {
	codec Codec
	raw   queue
	rest  int  // about how much of raw comes from feeds
	kept  int  // by the codec, of what was received
	ready bool // Decode has found the handshake over
	ended bool // End was called
	torn  bool // Decode has failed
}

// codecBytesMax is how many plain bytes are coded at once; they are private to the
// session from then on, so it is small (and the most that a TLS record holds).
const codecBytesMax = 16 << 10

// codedTickBytesMax is about how much a worker codes in one tick: some milliseconds of it, if it
// is encrypted. Half of it is for readers of feeds and for sends that follow one that has ended,
// half for sessions that were touched, so that neither keeps the others waiting for ever.
const codedTickBytesMax = 4 << 20

func (c *codecState) add(s *Session, raw []byte, err error) error {
	if len(raw) > 0 {
		if err2 := c.raw.append(s.w.pool, raw); err2 != nil {
			return err2
		}
		s.touch()
	}
	return err
}

// release is called when the session is over.
func (c *codecState) release() {
	c.raw.drop(c.raw.n)
	if r, ok := c.codec.(CodecReleaser); ok {
		r.Release()
	}
}

// startCodec puts codec between the session's socket and its framer. In a session that
// was switched, the direct bytes that wait belong to what was spoken before: they stay as
// they are, and go out before what the codec has to say.
func (s *Session) startCodec(codec Codec) error {
	b := s.needBuffers()
	c := &codecState{codec: codec}
	if s.flags&flagOpened != 0 {
		c.raw, b.pend = b.pend, queue{}
	}
	s.codec = c
	raw, err := codec.Start(s.w.raw[:0])
	s.w.raw = raw[:0]
	return c.add(s, raw, err)
}

func (c *codecState) decode(s *Session, b []byte) (plain []byte, err error) {
	w := s.w
	plain, raw, err := c.codec.Decode(w.plain[:0], w.raw[:0], b)
	w.plain, w.raw = plain[:0], raw[:0]
	if k, ok := c.codec.(CodecKeeper); ok {
		if c.kept = k.KeptBytes(); c.kept > 0 {
			s.needBuffers() // where it is counted
		}
		s.countUnadmitted()
	}
	err = c.add(s, raw, err)
	c.torn = err != nil
	if c.raw.n > w.service.config.DirectQueueBytesMax {
		err = ErrDirectQueue // the peer has us answer, and does not read
	}
	if !c.ready && c.codec.Ready() {
		c.ready = true
		s.touch() // for what has waited for the handshake: direct bytes, or a cursor's
	}
	return plain, err
}

// handshaking reports whether there are plain bytes that may still be sent, once the
// codec is ready: an ending session waits for that as long as it lingers.
func (c *codecState) handshaking(s *Session) bool {
	return s.buffers != nil && s.buffers.pend.n > 0 && !c.torn && !c.codec.Ready() && s.flags&flagEOF == 0
}

// encode codes what the session has to say next. The cursors move on at once, for
// the coded bytes are the session's own.
func (c *codecState) encode(s *Session) error {
	w := s.w
	op := w.ops.Get()
	defer w.ops.Put(op)
	p := s.buffers
	p.out, p.pend = p.pend, p.out // gather takes direct bytes from out
	s.gather(op, codecBytesMax)
	raw, err := encodeAll(c.codec, w.raw[:0], op.vec)
	w.raw = raw[:0]
	p.out.drop(op.direct)
	for i := range op.parts {
		part := &op.parts[i]
		part.cursor.advance(part.upto)
		w.stats.EntriesSent += part.upto - part.from
	}
	c.rest = op.bytes - op.direct
	w.codeLeft -= op.bytes
	return c.add(s, raw, err)
}

// encodeAll codes what lies in several pieces.
func encodeAll(c Codec, raw []byte, src [][]byte) ([]byte, error) {
	if g, ok := c.(CodecGatherer); ok {
		return g.EncodeAll(raw, src)
	}
	for _, b := range src {
		var err error
		if raw, err = c.Encode(raw, b); err != nil {
			return raw, err
		}
	}
	return raw, nil
}

// serveCodec is serve for a session with a codec.
func (w *Worker) serveCodec(s *Session) {
	c, p := s.codec, s.needBuffers()
	if p.out.n == 0 {
		if c.codec.Ready() && c.raw.n == 0 && (p.pend.n > 0 || s.cursorsBehind()) {
			if w.codeLeft <= 0 {
				s.touch() // in the next tick
				s.releaseBuffers()
				return
			}
			if err := c.encode(s); err != nil {
				s.fail(Reason{ReasonCodec, err})
				return
			}
		}
		if c.raw.n == 0 && s.flags&flagFlushing != 0 && !c.ended && !c.handshaking(s) {
			c.ended = true
			raw := c.codec.End(w.raw[:0])
			w.raw = raw[:0]
			_ = c.add(s, raw, nil)
		}
		p.out, c.raw = c.raw, p.out
		p.rest, c.rest = min(c.rest, p.out.n), 0
	}
	if p.out.n == 0 {
		if s.flags&flagFlushing != 0 && !c.handshaking(s) {
			s.shutdown()
		}
		s.releaseBuffers()
		return
	}
	op := w.ops.Get()
	op.add(p.out.buf, p.out.bytes())
	op.direct = op.bytes
	op.tick = w.stats.Ticks
	s.op = op
	s.flags |= flagSending
	if err := w.driver.Send(s.socket, op.vec); err != nil {
		s.endSend()
		s.fail(Reason{ReasonBroken, err})
	}
}
