package tlsrecord

import (
	"crypto/cipher"
	"sync/atomic"
)

// RecordsMax is how many records are made with one key, for each suite. RFC 8446, section 5.5,
// allows AES-GCM 2^24.5 of them.
const RecordsMax = 1 << 24

// Keys are the opened keys of many Layers. Opening one costs more than to encrypt a short
// record, and it is a thousand bytes: so those in use stay, and no others. It belongs to one
// goroutine, but for its Counts.
type Keys struct {
	most       int
	recordsMax uint64
	open       []*key
	counts     Counts
}

// key is an opened one.
type key struct {
	aead  cipher.AEAD
	iv    [nonceBytes]byte
	nonce [nonceBytes]byte // of the record at hand
	half  *half            // whose it is
	index int              // in Keys.open
	used  bool             // since the last Sweep
}

// NewKeys makes Keys that keep at most so many open, two for each Layer in use. Beyond that keys
// are opened for each use. recordsMax is how many records are made with one; 0: RecordsMax, and no
// more than that.
func NewKeys(most int, recordsMax uint64) *Keys {
	if recordsMax == 0 || recordsMax > RecordsMax {
		recordsMax = RecordsMax
	}
	return &Keys{most: most, recordsMax: recordsMax}
}

// Len is how many are open.
func (k *Keys) Len() int { return len(k.open) }

// Sweep drops those that were not used since the last call.
func (k *Keys) Sweep() {
	for i := 0; i < len(k.open); {
		if one := k.open[i]; one.used {
			one.used = false
			i++
		} else {
			k.drop(one.half) // the last one comes to its place
		}
	}
	if len(k.open) == 0 {
		k.open = nil
	}
}

// of opens the key of a half, if it is not.
func (k *Keys) of(s Suite, h *half) (*key, error) {
	if h.key != nil {
		h.key.used = true
		return h.key, nil
	}
	secret := h.secret[:s.SecretBytes()]
	one := &key{half: h, used: true}
	s.expandLabel(one.iv[:], secret, labelIV)
	var room [keyBytesMax]byte
	raw := room[:s.keyBytes()]
	s.expandLabel(raw, secret, labelKey)
	var err error
	one.aead, err = s.aead(raw)
	clear(raw)
	if err != nil {
		return nil, err
	}
	k.counts.KeysOpened.Add(1)
	if len(k.open) < k.most {
		one.index = len(k.open)
		k.open = append(k.open, one)
		h.key = one
	}
	return one, nil
}

// drop forgets the key of a half, if it is open.
func (k *Keys) drop(h *half) {
	one := h.key
	if one == nil {
		return
	}
	last := k.open[len(k.open)-1]
	k.open[one.index], last.index = last, one.index
	k.open[len(k.open)-1] = nil
	k.open = k.open[:len(k.open)-1]
	h.key = nil
}

// nonceOf is that of a record (RFC 8446, section 5.3).
func (k *key) nonceOf(seq uint64) []byte {
	k.nonce = k.iv
	for i := range 8 {
		k.nonce[nonceBytes-1-i] ^= byte(seq >> (8 * i))
	}
	return k.nonce[:]
}

// Counts are what was done with Keys. Any goroutine may read them.
type Counts struct {
	Sealed          atomic.Uint64 // records
	Opened          atomic.Uint64 // records
	KeysOpened      atomic.Uint64
	UpdatesSent     atomic.Uint64 // of our key
	UpdatesReceived atomic.Uint64 // of the peer's
	alerts          [2][256]atomic.Uint64
}

// AlertsSent counts those that were sent of a kind.
func (c *Counts) AlertsSent(a Alert) *atomic.Uint64 { return &c.alerts[0][a] }

// AlertsReceived counts those that were received of a kind.
func (c *Counts) AlertsReceived(a Alert) *atomic.Uint64 { return &c.alerts[1][a] }

// Counts are those of k.
func (k *Keys) Counts() *Counts { return &k.counts }
