package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"

	"sarang/chat"
)

// nonceSeed makes the nonces of a room's events: they are the same each time that the same thing
// is imported, wherever in a file it stands. Of events that are the same in all, at one time, each has
// another one.
type nonceSeed struct {
	timeMs int64
	seen   map[chat.Nonce]int
}

// sameTimeMax bounds the events of one time that are told apart.
const sameTimeMax = 10_000

func (n *nonceSeed) of(room string, e *chat.Event) chat.Nonce {
	if n.seen == nil || e.TimeMs != n.timeMs || len(n.seen) >= sameTimeMax {
		n.timeMs, n.seen = e.TimeMs, map[chat.Nonce]int{}
	}
	h := sha256.New()
	part(h, room)
	numbers(h, uint64(e.Kind), uint64(e.TimeMs), uint64(e.User), uint64(e.Target), uint64(e.Root), uint64(e.Subject), uint64(e.Role), uint64(e.Value))
	part(h, e.Text)
	plain := chat.Nonce(binary.LittleEndian.Uint64(h.Sum(nil)))
	times := n.seen[plain]
	n.seen[plain] = times + 1
	numbers(h, uint64(times))
	return max(chat.Nonce(binary.LittleEndian.Uint64(h.Sum(nil))), 1)
}

func part(h hash.Hash, s string) {
	numbers(h, uint64(len(s)))
	_, _ = io.WriteString(h, s)
}

func numbers(h hash.Hash, all ...uint64) {
	var b [8]byte
	for _, n := range all {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(b[:0], n))
	}
}
