package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"sarang/chat"
)

// headsKeptMax bounds the authors whose newest message the writer remembers. An
// entry takes about 50 bytes.
const headsKeptMax = 1 << 16

// headOf returns the Seq of the author's newest stored message, 0 if there is none.
func (w *writer) headOf(who author) (chat.Seq, error) {
	if last, kept := w.heads[who]; kept {
		return last, nil
	}
	var last chat.Seq
	err := w.selectHead.QueryRowContext(context.Background(), int64(who.user), int64(who.room)).Scan(number[chat.Seq]{&last})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last, err
}

// keepHead remembers a head. When there are too many, any other one goes: a miss
// costs a look-up, and those who talk most come back soonest.
func (w *writer) keepHead(who author, last chat.Seq) {
	if _, kept := w.heads[who]; !kept && len(w.heads) >= headsKeptMax {
		for other := range w.heads {
			delete(w.heads, other)
			break
		}
	}
	w.heads[who] = last
}
