package tlsrecord

import (
	"errors"
	"math"
)

// half is one direction. Its key is there only while it is in use.
type half struct {
	secret [secretBytesMax]byte
	seq    uint64 // of the next record
	key    *key
}

// Layer is one end of a connection, behind its handshake. It belongs to one goroutine at a time.
type Layer struct {
	in, out half
	suite   Suite
	state   state
	handN   uint8   // bytes of hand
	hand    [5]byte // the beginning of a message of the handshake
	skip    uint32  // bytes to come of a message that is of no interest
}

type state uint8

const (
	stateClient   state = 1 << iota // this end is the client
	stateFailed                     // nothing goes any more, either way
	stateInEnded                    // the peer has said close_notify
	stateOutEnded                   // we have
	stateAnswer                     // the peer wants a KeyUpdate before our next data
	stateAsked                      // we want one of the peer, and have said so
)

// Traffic is a direction of a connection: its secret, and the number of its next record.
type Traffic struct {
	Secret []byte
	Seq    uint64
}

// Config says where a Layer begins.
type Config struct {
	Suite   Suite
	Client  bool    // this end is the client
	In, Out Traffic // what the peer sends, and what it is sent; secrets are copied
}

// Init begins a Layer anew. Its keys are not to be open (Clear).
func (l *Layer) Init(c Config) error {
	if err := errors.Join(c.Suite.check(c.In.Secret), c.Suite.check(c.Out.Secret)); err != nil {
		return err
	}
	*l = Layer{suite: c.Suite}
	copy(l.in.secret[:], c.In.Secret)
	copy(l.out.secret[:], c.Out.Secret)
	l.in.seq, l.out.seq = c.In.Seq, c.Out.Seq
	if c.Client {
		l.state = stateClient
	}
	return nil
}

// Suite is the cipher suite.
func (l *Layer) Suite() Suite { return l.suite }

// Clear ends the Layer: its secrets are overwritten and its keys dropped.
func (l *Layer) Clear(k *Keys) {
	k.drop(&l.in)
	k.drop(&l.out)
	clear(l.in.secret[:])
	clear(l.out.secret[:])
	l.state |= stateFailed
}

// update goes on with the next secret of a direction (RFC 8446, section 7.2).
func (l *Layer) update(k *Keys, h *half) {
	secret := h.secret[:l.suite.SecretBytes()]
	l.suite.expandLabel(secret, secret, labelUpdate)
	h.seq = 0
	k.drop(h)
}

// next is the key and nonce of the direction's next record, whose number is used up by it.
func (l *Layer) next(k *Keys, h *half) (*key, []byte, error) {
	if h.seq == math.MaxUint64 {
		return nil, nil, errors.New("tlsrecord: a key has no numbers left") // they do not wrap: section 5.3
	}
	one, err := k.of(l.suite, h)
	if err != nil {
		return nil, nil, err
	}
	nonce := one.nonceOf(h.seq)
	h.seq++
	return one, nonce, nil
}
