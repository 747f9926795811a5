package tlsrecord

import (
	"io"
	"slices"
)

// Need is how many bytes from the beginning of b, which is the beginning of a record, Decode has
// something to do with: a whole header, then a whole record. It is no more than there are when
// there is something to say about these already.
func (l *Layer) Need(b []byte) int {
	if len(b) < HeaderBytes {
		return HeaderBytes
	}
	n, fault := recordBytes(b)
	if fault != nil {
		return HeaderBytes
	}
	return n
}

// recordBytes is how long the record is whose header b begins with. The version in it is of no
// meaning (RFC 8446, section 5.2), and a part of what is authenticated.
func recordBytes(b []byte) (int, *Error) {
	if contentType(b[0]) != typeData {
		return 0, &Error{AlertUnexpectedMessage, "a record that is not encrypted"}
	}
	n := int(b[3])<<8 | int(b[4])
	if n > DataBytesMax+RecordOverMax {
		return 0, &Error{AlertRecordOverflow, "a record that is too long"}
	}
	return HeaderBytes + n, nil
}

// Decode takes the whole records at the beginning of src, used bytes of it, and appends the data
// in them to plain; to raw, what the peer is to be told. io.EOF: the peer has said close_notify,
// and what it sends behind that is nobody's (RFC 8446, section 6.1). With an Error raw has the
// alert. src must not overlap the others.
func (l *Layer) Decode(k *Keys, plain, raw, src []byte) (plainOut, rawOut []byte, used int, err error) {
	for {
		switch {
		case l.state&stateInEnded != 0:
			return plain, raw, len(src), io.EOF
		case l.state&stateFailed != 0:
			return plain, raw, len(src), ErrClosed
		case len(src)-used < HeaderBytes:
			return plain, raw, used, nil
		}
		n, fault := recordBytes(src[used:])
		if fault == nil && n > len(src)-used {
			return plain, raw, used, nil
		}
		if fault == nil {
			plain, fault, err = l.record(k, plain, src[used:used+n])
			used += n
		}
		if fault != nil {
			return plain, l.Fail(k, raw, fault.Alert), len(src), fault
		}
		if err != nil {
			l.state |= stateFailed
			return plain, raw, len(src), err
		}
	}
}

// record takes one whole record. A fault is the peer's.
func (l *Layer) record(k *Keys, plain, record []byte) ([]byte, *Error, error) {
	if len(record) < OverheadBytes {
		return plain, &Error{AlertBadRecordMAC, "a record that is too short"}, nil
	}
	one, nonce, err := l.next(k, &l.in)
	if err != nil {
		return plain, nil, err
	}
	had := len(plain)
	plain = slices.Grow(plain, len(record))
	opened, err := one.aead.Open(plain, nonce, record[HeaderBytes:], record[:HeaderBytes])
	if err != nil {
		return plain, &Error{AlertBadRecordMAC, "a record was changed on its way"}, nil
	}
	k.counts.Opened.Add(1)
	inner := opened[had:]
	if len(inner) > DataBytesMax+1 {
		return plain, &Error{AlertRecordOverflow, "a record with too much in it"}, nil
	}
	n := len(inner)
	for n > 0 && inner[n-1] == 0 { // padding: section 5.4
		n--
	}
	if n == 0 {
		return plain, &Error{AlertUnexpectedMessage, "a record of padding alone"}, nil
	}
	content, t := inner[:n-1], contentType(inner[n-1])
	if t != typeHandshake && (l.handN > 0 || l.skip > 0) {
		return plain, &Error{AlertUnexpectedMessage, "something between two parts of a message"}, nil // section 5.1
	}
	var fault *Error
	switch t {
	case typeData:
		return opened[:had+len(content)], nil, nil
	case typeHandshake:
		fault = l.handshake(k, content)
	case typeAlert:
		fault, err = l.alert(k, content)
	default:
		fault = &Error{AlertUnexpectedMessage, "a record of another type"}
	}
	return plain, fault, err
}

// alert takes one. All but two end the connection, whatever their level (RFC 8446, section 6).
func (l *Layer) alert(k *Keys, content []byte) (*Error, error) {
	if len(content) != 2 {
		return &Error{AlertDecodeError, "an alert that is none"}, nil
	}
	a := Alert(content[1])
	k.counts.AlertsReceived(a).Add(1)
	switch a {
	case AlertCloseNotify:
		l.state |= stateInEnded
		return nil, nil
	case AlertUserCanceled:
		return nil, nil // close_notify follows
	default:
		return nil, &RemoteError{a}
	}
}

// handshake takes a part of the messages that may follow a handshake. A message may come in
// several records (RFC 8446, section 5.1).
func (l *Layer) handshake(k *Keys, content []byte) *Error {
	if len(content) == 0 {
		return &Error{AlertUnexpectedMessage, "an empty part of a message"} // section 5.1
	}
	for len(content) > 0 {
		if l.skip > 0 {
			n := min(int(l.skip), len(content))
			l.skip -= uint32(n)
			content = content[n:]
			continue
		}
		l.hand[l.handN] = content[0]
		l.handN++
		content = content[1:]
		ticket := l.hand[0] == messageNewSessionTicket && l.state&stateClient != 0
		if l.hand[0] != messageKeyUpdate && !ticket {
			return &Error{AlertUnexpectedMessage, "a message that has no place here"}
		}
		if l.handN < 4 { // type and length: section 4
			continue
		}
		length := uint32(l.hand[1])<<16 | uint32(l.hand[2])<<8 | uint32(l.hand[3])
		switch {
		case ticket:
			if length > ticketBytesMax {
				return &Error{AlertDecodeError, "a ticket that is too long"}
			}
			l.skip, l.handN = length, 0
		case length != 1:
			return &Error{AlertDecodeError, "a KeyUpdate that is none"}
		case l.handN == 5:
			l.handN = 0
			return l.keyUpdate(k, l.hand[4], len(content) == 0)
		}
	}
	return nil
}

// ticketBytesMax is the longest NewSessionTicket that its fields allow (RFC 8446, section 4.6.1).
const ticketBytesMax = 4 + 4 + 1 + 255 + 2 + 1<<16 - 1 + 2 + 1<<16 - 2

// keyUpdate takes one: the peer's next record is of its next key. If it wants one in return, that
// goes before our next data, and once however often it has asked (RFC 8446, section 4.6.3). last:
// nothing is behind it in its record.
func (l *Layer) keyUpdate(k *Keys, request byte, last bool) *Error {
	switch {
	case request > updateRequested:
		return &Error{AlertIllegalParameter, "a KeyUpdate of another kind"}
	case !last:
		return &Error{AlertUnexpectedMessage, "something behind a KeyUpdate"} // section 5.1
	case request == updateRequested:
		l.state |= stateAnswer
	}
	l.state &^= stateAsked
	k.counts.UpdatesReceived.Add(1)
	l.update(k, &l.in)
	return nil
}
