package engine

// Switch has the session speak another protocol from here on, on the same connection.
//
// The handler that has it now is not called for it any more, its cursors are closed, its
// codec is released, and a pause is over. What waits in the direct queue still goes out
// first, as it is (what waits for a codec's handshake is dropped). p's codec is started,
// then Connected of p's handler is called, before Switch returns. The session is one that has
// not logged in: it wants Admit. A login deadline that is running runs on, otherwise a
// new one begins.
//
// read is what has been read of the connection already and belongs behind the last frame
// of the old protocol; it is copied. It passes through p's codec and framer first, then
// what the engine had held: of a frame that has come in part, and what lies behind the
// frame in whose Received Switch is called. Then follows what arrives. All that is
// delivered after Switch and the handler that calls it have returned.
//
// Switch does nothing to a session that is ending: its handler gets Disconnected as
// ever. p must be one that Service or Worker methods can bind: a protocol beyond the
// limit (ErrProtocolsMax), or without a framer, is a broken invariant.
func (s *Session) Switch(p *Protocol, read []byte) {
	if s.Closing() {
		return
	}
	protocol, err := s.w.bind(p)
	invariant(err == nil, "a session is switched to a protocol that it can not have")
	s.become(protocol, read)
}

// become is Switch; first is what is to be read first.
func (s *Session) become(protocol uint8, first ...[]byte) {
	invariant(s.flags&flagOpened != 0, "a session is switched before its connection stands")
	if s.flags&flagAdmitted != 0 || s.protocol == protocolDetached {
		s.mark = s.w.moment()
	}
	if s.Paused() || s.protocol == protocolDetached {
		s.heard() // its silence was nobody's affair
	}
	s.protocol = protocol
	s.flags &^= flagAdmitted | flagPaused
	s.closeCursors()
	err := s.keepFirst(first)
	if err == nil {
		err = s.dropCodec()
	}
	if err != nil {
		s.fail(Reason{ReasonBroken, err})
		return
	}
	s.w.begin(s)
}

// keepFirst has first read before anything else, then what the session has held. While a
// frame is being handed on, the tail may be what it lies in; whoever hands it on keeps
// what is behind it.
func (s *Session) keepFirst(first [][]byte) error {
	b := s.needBuffers()
	was := b.unread
	b.unread = queue{}
	s.keepUnread(nil) // whatever there is: the end of the stream may wait, too
	for _, part := range first {
		if err := b.unread.append(s.w.pool, part); err != nil {
			was.drop(was.n)
			return err
		}
	}
	if s.flags&flagHanding == 0 {
		s.flags &^= flagHeld
		err := b.unread.append(s.w.pool, b.tail.bytes())
		b.tail.drop(b.tail.n)
		if err != nil {
			was.drop(was.n)
			return err
		}
	}
	err := b.unread.append(s.w.pool, was.bytes())
	was.drop(was.n)
	return err
}

// dropCodec ends the session's codec, if it has one. What it has coded, and what it can
// still code, goes out as it is.
func (s *Session) dropCodec() error {
	c, b := s.codec, s.buffers
	if c == nil {
		return nil
	}
	var err error
	if b.pend.n > 0 && c.codec.Ready() {
		raw, failed := c.codec.Encode(s.w.raw[:0], b.pend.bytes())
		s.w.raw = raw[:0]
		err = c.add(s, raw, failed)
	}
	b.pend.drop(b.pend.n)
	b.pend, c.raw = c.raw, queue{}
	c.release()
	s.codec = nil
	return err
}
