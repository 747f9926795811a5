package storetest

import (
	"cmp"
	"context"
	"slices"

	"pgregory.net/rapid"

	"sarang/chat"
)

// drawChange draws an event that changes another one, or is to change what is no message.
func (m *model) drawChange(t *rapid.T, e chat.Event) chat.Event {
	e.Kind = chat.EventKind(rapid.IntRange(int(chat.EventEdit), int(chat.EventUnpin)).Draw(t, "change"))
	e.Target = chat.Seq(rapid.Uint64Range(0, min(6, uint64(e.Seq-1))).Draw(t, "changed")) // few, so that much happens to each
	switch e.Kind {
	case chat.EventEdit:
		e.Text = m.drawText(t, "ab가 ")
	case chat.EventReact, chat.EventUnreact:
		e.Text = rapid.SampledFrom([]string{"👍", "❤️", "🇰🇷"}).Draw(t, "emoji")
	}
	return e
}

// asItIsNow is conflicts with the texts that the logs have now.
func (m *model) asItIsNow(conflicts []chat.Conflict) []chat.Conflict {
	now := slices.Clone(conflicts)
	for i := range now {
		now[i].Between = slices.Clone(now[i].Between)
		for j, e := range now[i].Between {
			now[i].Between[j] = m.logs[now[i].Room][e.Seq-1]
		}
	}
	return now
}

// Changes compares what became of a room's messages, as somebody sees them.
func (m *model) Changes(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	r, user := m.drawRoom(t), m.drawUser(t)
	log := m.logs[r.ID]
	first := chat.Seq(rapid.IntRange(0, len(log)+1).Draw(t, "first"))
	last := first + chat.Seq(rapid.IntRange(0, 10).Draw(t, "span"))
	var want []chat.State
	for seq := first; seq <= last; seq++ {
		if st, _ := whatBecame(log, seq, user); st.Changed != 0 {
			want = append(want, st)
		}
	}
	states, err := m.store.States(context.Background(), r.ID, first, last, user)
	same(t, "States", states, want, err)
	_, target := whatBecame(log, first, user)
	got, err := m.store.Target(context.Background(), r.ID, first, user)
	for _, tg := range []*chat.Target{&got, &target} {
		slices.Sort(tg.Emojis)
		slices.SortFunc(tg.Mine, func(a, b chat.Reaction) int { return cmp.Compare(a.Mine, b.Mine) })
	}
	if r.Ephemeral {
		target.AsOf = got.AsOf // nothing is known of its log
	}
	same(t, "Target", got, target, err)
}
