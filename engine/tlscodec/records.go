package tlscodec

import (
	"cmp"
	"sync/atomic"
	"time"

	"sarang/engine"
	"sarang/engine/tlsrecord"
	"sarang/mem"
)

var (
	_ engine.CodecReleaser = (*records)(nil)
	_ engine.CodecGatherer = (*records)(nil)
	_ engine.CodecKeeper   = (*records)(nil)
)

// records is TLS 1.3 behind a handshake with a record layer of our own: two secrets and two
// numbers, and what has come of a record of which the rest has not.
type records struct {
	layer tlsrecord.Layer
	share *share
	tail  *mem.Buf
	tailN int32
	early int32 // so many bytes, the first to be decoded, are plain
	idle  idleRecords
}

// Start has nothing to say: hands were shaken.
func (c *records) Start(raw []byte) ([]byte, error) { return raw, nil }

// Ready reports that they were.
func (c *records) Ready() bool { return true }

// Decode takes records out of src, and keeps a part of one.
func (c *records) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	if n := min(int(c.early), len(src)); n > 0 {
		plain = append(plain, src[:n]...)
		src = src[n:]
		c.early -= int32(n)
	}
	received, had := len(src), len(plain)
	keys := c.share.working()
	var used int
	var err error
	for c.tailN > 0 && len(src) > 0 && err == nil {
		take := min(c.layer.Need(c.held())-int(c.tailN), len(src))
		if err = c.hold(src[:take]); err != nil {
			break
		}
		src = src[take:]
		plain, raw, used, err = c.layer.Decode(keys, plain, raw, c.held())
		if used > 0 {
			c.dropTail()
		}
	}
	if err == nil && len(src) > 0 {
		if plain, raw, used, err = c.layer.Decode(keys, plain, raw, src); err == nil {
			err = c.hold(src[used:])
		}
	}
	if err == nil {
		err = c.idle.spend(received, len(plain)-had)
	}
	if err != nil {
		c.dropTail()
	}
	return plain, raw, err
}

// held is what has come of a record.
func (c *records) held() []byte {
	if c.tail == nil {
		return nil
	}
	return c.tail.Bytes()[:c.tailN]
}

// tailBytesMin is how much room the part of a record has at first; then twice as much each time.
const tailBytesMin = 256

// hold keeps b behind what is held. How long the record says it is does not count: who writes that
// may send nothing.
func (c *records) hold(b []byte) error {
	n := int(c.tailN) + len(b)
	if len(b) == 0 {
		return nil
	}
	if c.tail == nil || n > len(c.tail.Bytes()) {
		size := tailBytesMin
		for size < n {
			size *= 2
		}
		grown, err := c.share.pool.Get(size)
		if err != nil {
			return err
		}
		copy(grown.Bytes(), c.held())
		if c.tail != nil {
			c.tail.Release()
		}
		c.tail = grown
	}
	copy(c.tail.Bytes()[c.tailN:], b)
	c.tailN = int32(n)
	return nil
}

func (c *records) dropTail() {
	if c.tail != nil {
		c.tail.Release()
		c.tail, c.tailN = nil, 0
	}
}

// KeptBytes is how much is kept of a record.
func (c *records) KeptBytes() int { return int(c.tailN) }

// Encode encrypts src.
func (c *records) Encode(raw, src []byte) ([]byte, error) {
	return c.layer.Encode(c.share.working(), raw, src)
}

// EncodeAll encrypts all of src, in as few records as it fits in.
func (c *records) EncodeAll(raw []byte, src [][]byte) ([]byte, error) {
	return c.layer.Encode(c.share.working(), raw, src...)
}

// End says close_notify.
func (c *records) End(raw []byte) []byte { return c.layer.End(c.share.working(), raw) }

// Release overwrites the secrets.
func (c *records) Release() {
	c.layer.Clear(c.share.keys)
	c.dropTail()
}

// Shared is what the codecs with a record layer of our own have together in a service: each
// worker's opened keys, and counts.
type Shared struct {
	config  SharedConfig
	workers [workersMax]atomic.Pointer[share]
}

// workersMax is how many a service may have.
const workersMax = 256

// keysMax is how many opened keys a worker has at most, of some 900 bytes each.
const keysMax = 4096

// SharedConfig shapes a Shared; the zero value is a good one.
type SharedConfig struct {
	KeysMax    int    // opened keys of each worker, two for each session that reads and writes; default 4096
	RecordsMax uint64 // records that are made with one key; default and most tlsrecord.RecordsMax
}

// NewShared makes one for a service.
func NewShared(c SharedConfig) *Shared {
	c.KeysMax = cmp.Or(c.KeysMax, keysMax)
	return &Shared{config: c}
}

// of is the share of a worker, which calls it.
func (s *Shared) of(w *engine.Worker) *share {
	at := &s.workers[w.Index()]
	one := at.Load()
	if one == nil || one.worker != w { // a service that has ended may be followed by another
		one = &share{keys: tlsrecord.NewKeys(s.config.KeysMax, s.config.RecordsMax), pool: w.Pool(), worker: w}
		at.Store(one)
	}
	return one
}

// New makes a codec for a session of w from what a handshake has agreed on that was made elsewhere.
func (s *Shared) New(w *engine.Worker, c tlsrecord.Config) (engine.Codec, error) {
	codec := &records{share: s.of(w)}
	if err := codec.layer.Init(c); err != nil {
		return nil, err
	}
	return codec, nil
}

// KeysOpen is how many keys a worker has open. That worker calls it.
func (s *Shared) KeysOpen(w *engine.Worker) int { return s.of(w).keys.Len() }

// Each calls f for the counts of each worker. Any goroutine may call it.
func (s *Shared) Each(f func(*tlsrecord.Counts)) {
	for i := range s.workers {
		if one := s.workers[i].Load(); one != nil {
			f(one.keys.Counts())
		}
	}
}

// share is a worker's.
type share struct {
	keys   *tlsrecord.Keys
	pool   *mem.Pool
	worker *engine.Worker
	timer  engine.Timer // runs while keys are open
}

// sweepEvery is how often keys are dropped that were not used since the last time.
const sweepEvery = time.Second

// working is the keys, for use.
func (s *share) working() *tlsrecord.Keys {
	if s.worker != nil && !s.timer.Running() {
		s.worker.After(&s.timer, sweepEvery, s.sweep)
	}
	return s.keys
}

func (s *share) sweep(*engine.Timer) {
	if s.keys.Sweep(); s.keys.Len() > 0 {
		s.worker.After(&s.timer, sweepEvery, s.sweep)
	}
}
