package tlsrecord

import "slices"

// The lengths of a record (RFC 8446, sections 5.1 and 5.2).
const (
	HeaderBytes   = 5
	DataBytesMax  = 1 << 14                    // of content
	RecordOverMax = 256                        // by which a record may be longer than its content
	OverheadBytes = HeaderBytes + 1 + tagBytes // of a record without padding
)

// contentType is what is in a record (RFC 8446, section 5.1).
type contentType byte

const (
	typeAlert     contentType = 21
	typeHandshake contentType = 22
	typeData      contentType = 23
)

// Types of messages that may follow a handshake (RFC 8446, section 4).
const (
	messageNewSessionTicket = 4
	messageKeyUpdate        = 24
)

// The two values of a KeyUpdate (RFC 8446, section 4.6.3).
const (
	updateNotRequested = 0
	updateRequested    = 1
)

// Encode appends records with the bytes of all parts of data, as few as they fit in, to raw. A
// KeyUpdate goes before one when the peer has asked for it, or the key is worn out.
func (l *Layer) Encode(k *Keys, raw []byte, data ...[]byte) ([]byte, error) {
	left := 0
	for _, part := range data {
		left += len(part)
	}
	at := 0 // in data[0]
	for left > 0 {
		var err error
		if raw, err = l.keepKeyFresh(k, raw); err != nil {
			return raw, err
		}
		begin, n := len(raw), min(left, DataBytesMax)
		raw = appendHeader(raw, n)
		for left -= n; n > 0; {
			take := min(n, len(data[0])-at)
			raw = append(raw, data[0][at:at+take]...)
			n -= take
			if at += take; at == len(data[0]) {
				data, at = data[1:], 0
			}
		}
		if raw, err = l.seal(k, raw, begin, typeData); err != nil {
			return raw, err
		}
	}
	return raw, nil
}

// appendHeader appends that of a record with so much content and no padding (section 5.2).
func appendHeader(raw []byte, n int) []byte {
	n += 1 + tagBytes
	return append(raw, byte(typeData), 3, 3, byte(n>>8), byte(n))
}

// seal makes a record of a header and what follows it, both from begin on. With an error nothing
// of it is left.
func (l *Layer) seal(k *Keys, raw []byte, begin int, t contentType) ([]byte, error) {
	if l.state&(stateFailed|stateOutEnded) != 0 {
		return raw[:begin], ErrClosed
	}
	one, nonce, err := l.next(k, &l.out)
	if err != nil {
		return raw[:begin], err
	}
	raw = slices.Grow(append(raw, byte(t)), tagBytes) // so that it is done in place
	header, inner := raw[begin:begin+HeaderBytes], raw[begin+HeaderBytes:]
	one.aead.Seal(inner[:0], nonce, inner, header)
	k.counts.Sealed.Add(1)
	return raw[:len(raw)+tagBytes], nil
}

// say appends a record of content that is no data.
func (l *Layer) say(k *Keys, raw []byte, t contentType, content ...byte) ([]byte, error) {
	begin := len(raw)
	raw = append(appendHeader(raw, len(content)), content...)
	return l.seal(k, raw, begin, t)
}

// keepKeyFresh appends a KeyUpdate if there is to be one, and goes on with the next key.
func (l *Layer) keepKeyFresh(k *Keys, raw []byte) ([]byte, error) {
	ask := l.in.seq >= k.recordsMax && l.state&stateAsked == 0
	if l.out.seq < k.recordsMax && l.state&stateAnswer == 0 && !ask {
		return raw, nil
	}
	request := byte(updateNotRequested)
	if ask {
		request = updateRequested
	}
	raw, err := l.say(k, raw, typeHandshake, messageKeyUpdate, 0, 0, 1, request)
	if err != nil {
		return raw, err
	}
	l.state &^= stateAnswer
	if ask {
		l.state |= stateAsked
	}
	k.counts.UpdatesSent.Add(1)
	l.update(k, &l.out)
	return raw, nil
}

// Fail tells the peer that the connection is over, and why; nothing goes any more.
func (l *Layer) Fail(k *Keys, raw []byte, a Alert) []byte {
	raw, err := l.say(k, raw, typeAlert, a.level(), byte(a))
	if err == nil {
		k.counts.AlertsSent(a).Add(1)
	}
	l.state |= stateFailed
	return raw
}

// End appends close_notify (RFC 8446, section 6.1), once; after a failure there is nothing to say.
// What the peer has to say may still come.
func (l *Layer) End(k *Keys, raw []byte) []byte {
	raw, err := l.say(k, raw, typeAlert, AlertCloseNotify.level(), byte(AlertCloseNotify))
	if err == nil {
		k.counts.AlertsSent(AlertCloseNotify).Add(1)
	}
	l.state |= stateOutEnded
	return raw
}
