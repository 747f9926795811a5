package storetest

import (
	"fmt"
	"testing"

	"sarang/chat"
)

// again expects the batch, which was committed before, to be answered as it was then.
func (f *fixture) again(t *testing.T, b chat.Batch, want []chat.Conflict) {
	t.Helper()
	for range 2 {
		got, err := f.store.Commit(f.ctx, b)
		if err != nil {
			t.Fatalf("Commit again: %v", err)
		}
		wantSame(t, got, want)
	}
}

func testCommitAgain(t *testing.T, f *fixture) {
	a, b, u := f.room(t, "a"), f.room(t, "b"), f.user(t, "u")
	w := f.writer()
	first := w.batch(run(a, 1, 3, u, "x"), run(b, 1, 1, u, "y"))
	f.again(t, first, nil)
	f.wantHistory(t, a, 0, first.Appends[0].Events...)
	f.wantHistory(t, b, 0, first.Appends[1].Events...)

	mixed := w.batch(run(a, 2, 2, u, "late"), run(b, 2, 2, u, "in time"))
	f.again(t, mixed, []chat.Conflict{{Room: a.ID, Last: 3, Between: first.Appends[0].Events[1:]}})
	beyond := w.batch(run(a, 9, 9, u, "beyond"))
	f.again(t, beyond, []chat.Conflict{{Room: a.ID, Last: 3}})
	f.wantLast(t, a, 3)
	f.wantLast(t, b, 2)
	f.wantSent(t, u, 5)

	// A batch is known by its ID alone, and the same events under another are others.
	f.conflict(t, []chat.Conflict{{Room: b.ID, Last: 2, Between: mixed.Appends[1].Events}}, mixed.Appends[1])
	f.again(t, chat.Batch{ID: beyond.ID}, []chat.Conflict{{Room: a.ID, Last: 3}})
	f.wantLast(t, b, 2)
}

func testCommitAgainAfterOthers(t *testing.T, f *fixture) {
	a, b, u := f.room(t, "a"), f.room(t, "b"), f.user(t, "u")
	mine, others := f.writer(), []*writer{f.writer(), f.writer(), f.writer()}
	f.commit(t, run(a, 1, 2, u, "before"))
	batch := mine.batch(run(a, 1, 1, u, "late"), run(b, 1, 1, u, "mine"))
	want := []chat.Conflict{{Room: a.ID, Last: 2, Between: run(a, 1, 2, u, "before").Events}}
	f.again(t, batch, want)
	for i, w := range others {
		seq := chat.Seq(i)
		theirs := w.batch(run(a, seq+3, seq+3, u, fmt.Sprint("by ", i)), run(b, seq+2, seq+2, u, "theirs"))
		f.again(t, theirs, nil)
		f.again(t, batch, want)
	}
	f.wantLast(t, a, 5)
	f.wantLast(t, b, 4)
	f.wantSent(t, u, 9)
}

// A batch that was refused has not taken effect, and is judged anew.
func testCommitAgainAfterAnError(t *testing.T, f *fixture) {
	r, u, w := f.room(t, "r"), f.user(t, "u"), f.writer()
	batch := w.batch(run(r, 1, 1, chat.User{ID: u.ID + 1, Name: "soon"}, "x"))
	for range 2 {
		_, err := f.store.Commit(f.ctx, batch)
		wantCode(t, err, chat.CodeBadRequest)
	}
	if soon := f.user(t, "soon"); soon.ID != u.ID+1 {
		t.Skipf("this store gives user ids otherwise: %d after %d", soon.ID, u.ID)
	}
	f.again(t, batch, nil)
	f.wantHistory(t, r, 0, batch.Appends[0].Events...)
}
