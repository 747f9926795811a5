package sqlite_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
	"sarang/internal/store/storetest"
)

// What was too old is in no file any more, texts of later edits included, and their words neither; what is young is there.
func TestExpiredTextsAreInNoFile(t *testing.T) {
	const rooms, rounds, young = 6, 120, 80
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	for i := 2; i <= rooms; i++ {
		name := fmt.Sprint("r", i)
		if _, err := s.CreateRoom(t.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{}); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(20, 1))
	logs := make([][]chat.Event, rooms+1)
	gone, kept := map[string]bool{}, map[string]bool{}
	for number := uint64(1); number <= rounds; number++ {
		b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: number}}
		for room := 1; room <= rooms; room++ {
			log := &logs[room]
			a := chat.Append{Room: chat.RoomID(room), After: chat.Seq(len(*log))}
			for range 1 + r.IntN(6) {
				e := chat.Event{
					Room: a.Room, Seq: chat.Seq(len(*log)) + 1, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(r.Uint64() | 1),
					TimeMs: int64(number), Text: fmt.Sprintf("{%08x%08x}", r.Uint32(), len(gone)+len(kept)),
				}
				old := number < young
				if len(*log) > 0 && r.IntN(4) == 0 {
					if target := (*log)[r.IntN(len(*log))]; target.Kind == chat.EventMessage {
						e.Kind, e.Target, old = chat.EventEdit, target.Seq, target.TimeMs < young
					}
				}
				if old {
					gone[e.Text] = true
				} else {
					kept[e.Text] = true
				}
				e.Text += string(bytes.Repeat([]byte("x"), r.IntN(1+r.IntN(900))))
				*log = append(*log, e)
				a.Events = append(a.Events, e)
			}
			b.Appends = append(b.Appends, a)
		}
		if err := commit(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	wantIndexed(t, s)
	for before := int64(20); before <= young; before += 20 {
		storetest.Expire(t, s, before)
	}
	if _, err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := asked(t, dir, "SELECT count(*) FROM edits WHERE target < (SELECT min(seq) FROM messages m WHERE m.room_id = edits.room_id)"); n != 0 {
		t.Errorf("%d edits are known of messages that are gone", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := leftIn(t, dir, gone); len(gone) < 1000 || len(left) > 0 {
		t.Errorf("of %d texts that were too old %d are in the files: %v", len(gone), len(left), left)
	}
	there := map[string]bool{}
	for _, text := range leftIn(t, dir, kept) {
		there[text] = true
	}
	if len(kept) < 500 || len(there) != len(kept) {
		t.Errorf("of %d texts that are kept %d are in the files", len(kept), len(there))
	}
}
