package view_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"

	"sarang/chat"
	"sarang/client/view"
	pb "sarang/proto/sarang/v1"
)

// A vector is what a client is told, and what it has to make of it.
type vector struct {
	Name  string                       `json:"name"`
	Me    string                       `json:"me"`
	Steps []map[string]json.RawMessage `json:"steps"` // each a packet: S_CHAT, or S_HISTORY
	Want  []wanted                     `json:"want"`
}

// wanted is a message as it is in the end. Numbers are strings, as in the protocol's JSON.
type wanted struct {
	Seq       string           `json:"seq"`
	User      string           `json:"user"`
	Text      string           `json:"text,omitempty"`
	Target    string           `json:"target,omitempty"`
	Root      string           `json:"root,omitempty"`
	Edited    string           `json:"edited,omitempty"`
	Deleted   string           `json:"deleted,omitempty"`
	Pinned    string           `json:"pinned,omitempty"`
	Reactions []wantedReaction `json:"reactions,omitempty"`
	ToMe      bool             `json:"toMe,omitempty"` // it mentions who looks, or everybody
	Mentions  []wantedMention  `json:"mentions,omitempty"`
}

type wantedMention struct {
	User string `json:"user"` // or "all"
	Name string `json:"name"`
	At   string `json:"at"` // what stands there: languages count in different units
}

type wantedReaction struct {
	Emoji string `json:"emoji"`
	Count int    `json:"count"`
	Mine  string `json:"mine,omitempty"`
}

func number(n chat.Seq) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}

func asWanted(messages []view.Message, me chat.UserID) (all []wanted) {
	for _, m := range messages {
		w := wanted{
			Seq: number(m.Seq), User: number(chat.Seq(m.User)), Text: m.Text, Target: number(m.Target), Root: number(m.Root),
			Edited: number(m.Edited), Deleted: number(m.Deleted), Pinned: number(m.Pinned),
		}
		for _, r := range m.Reactions {
			w.Reactions = append(w.Reactions, wantedReaction{r.Emoji, r.Count, number(r.Mine)})
		}
		for x := range chat.Mentions(m.Text) {
			user := "all"
			if x.User != 0 {
				user = strconv.FormatUint(uint64(x.User), 10)
			}
			w.Mentions = append(w.Mentions, wantedMention{user, x.Name, m.Text[x.Start:x.End]})
			w.ToMe = w.ToMe || x.User == 0 || x.User == me
		}
		all = append(all, w)
	}
	return all
}

func event(m *pb.Event) chat.Event {
	return chat.Event{
		Room: chat.RoomID(m.Room), Seq: chat.Seq(m.Seq), Kind: chat.EventKind(m.Kind), User: chat.UserID(m.User), Name: m.Name,
		TimeMs: int64(m.TimeMs), Text: m.Text, Target: chat.Seq(m.Target), Root: chat.Seq(m.Root),
	}
}

func page(m *pb.HistoryPage) (p view.Page) {
	p.AsOf = chat.Seq(m.AsOf)
	for _, e := range m.Events {
		p.Events = append(p.Events, event(e))
		if st := e.State; st != nil {
			state := chat.State{
				Target: chat.Seq(e.Seq), Changed: chat.Seq(st.Changed), Edited: chat.Seq(st.Edited),
				Deleted: chat.Seq(st.Deleted), Pinned: chat.Seq(st.Pinned),
			}
			for _, r := range st.Reactions {
				state.Reactions = append(state.Reactions, chat.Reaction{Emoji: r.Emoji, Count: int(r.Count), Mine: chat.Seq(r.Mine)})
			}
			p.States = append(p.States, state)
		}
	}
	return p
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no vectors: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(b, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, x := range vectors {
			t.Run(x.Name, func(t *testing.T) { tryVector(t, &x) })
		}
	}
}

func tryVector(t *testing.T, x *vector) {
	me, err := strconv.ParseUint(x.Me, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	v := view.New(chat.UserID(me))
	for _, step := range x.Steps {
		for name, raw := range step {
			var e pb.Event
			var p pb.HistoryPage
			switch name {
			case "S_CHAT":
				if err := protojson.Unmarshal(raw, &e); err != nil {
					t.Fatal(err)
				}
				told := event(&e)
				v.Event(&told)
			case "S_HISTORY":
				if err := protojson.Unmarshal(raw, &p); err != nil {
					t.Fatal(err)
				}
				if err := v.Page(page(&p)); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("a step %q", name)
			}
		}
	}
	if diff := cmp.Diff(x.Want, asWanted(v.Messages(), chat.UserID(me)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// history is a room's log as a server keeps it: what was said, what is left of it, and what
// became of the messages.
type history struct {
	said []chat.Event // as it was at the time
	now  []chat.Event // without what was erased
}

func (h *history) end() chat.Seq { return chat.Seq(len(h.said)) }

// state is what became of a message up to the end of the log, found by going through all of it.
func (h *history) state(seq chat.Seq, me chat.UserID) (st chat.State) {
	st.Target, st.Changed = seq, seq
	on := map[string]map[chat.UserID]chat.Seq{}
	var order []string
	for i := range h.now {
		e := &h.now[i]
		if e.Target != seq || !e.Kind.Changes() {
			continue
		}
		st.Changed = e.Seq
		switch e.Kind {
		case chat.EventEdit:
			st.Edited, st.Text = e.Seq, e.Text
		case chat.EventDelete:
			return chat.State{Target: seq, Changed: e.Seq, Deleted: e.Seq}
		case chat.EventPin:
			st.Pinned = e.Seq
		case chat.EventUnpin:
			st.Pinned = 0
		case chat.EventReact:
			if len(on[e.Text]) == 0 {
				order = append(slices.DeleteFunc(order, func(s string) bool { return s == e.Text }), e.Text)
				on[e.Text] = map[chat.UserID]chat.Seq{}
			}
			on[e.Text][e.User] = e.Seq
		case chat.EventUnreact:
			delete(on[e.Text], e.User)
		}
	}
	for _, text := range order {
		if n := len(on[text]); n > 0 {
			st.Reactions = append(st.Reactions, chat.Reaction{Emoji: text, Count: n, Mine: on[text][me]})
		}
	}
	return st
}

// grow adds an event that a room would take; what it would not, it does not.
func (h *history) grow(r *rand.Rand) {
	if h.end() > 0 && r.IntN(20) == 0 {
		h.expire(1 + chat.Seq(r.IntN(int(h.end()))))
		return
	}
	e := chat.Event{Seq: h.end() + 1, Kind: chat.EventMessage, User: chat.UserID(1 + r.IntN(4)), TimeMs: int64(h.end())}
	e.Name, e.Text = fmt.Sprint("user ", e.User), fmt.Sprint("text ", e.Seq)
	if h.end() > 2 && r.IntN(3) > 0 {
		e.Target = 1 + chat.Seq(r.IntN(int(h.end())))
		if r.IntN(2) == 0 {
			e.Target = max(1, h.end()-chat.Seq(r.IntN(3)))
		}
		e.Kind = chat.EventEdit + chat.EventKind(r.IntN(6))
		if r.IntN(8) == 0 {
			e.Kind = chat.EventMessage
		}
		target := &h.now[e.Target-1]
		st := h.state(e.Target, e.User)
		if e.Kind.Changes() && (target.Kind != chat.EventMessage || st.Deleted != 0) {
			return
		}
		emoji := []string{"👍", "❤️", "😀"}[r.IntN(3)]
		i := slices.IndexFunc(st.Reactions, func(x chat.Reaction) bool { return x.Emoji == emoji && x.Mine != 0 })
		switch e.Kind {
		case chat.EventEdit:
			e.User, e.Name = target.User, target.Name
		case chat.EventReact, chat.EventUnreact:
			if e.Text = emoji; (i >= 0) == (e.Kind == chat.EventReact) {
				return
			}
		case chat.EventDelete, chat.EventPin, chat.EventUnpin:
			e.Text = ""
		}
		if e.Kind == chat.EventDelete && r.IntN(3) > 0 {
			return // or little would be left
		}
	}
	if r.IntN(12) == 0 {
		e = chat.Event{Seq: e.Seq, Kind: chat.EventJoin, User: e.User, Name: e.Name}
	}
	h.said, h.now = append(h.said, e), append(h.now, e)
	if e.Kind != chat.EventDelete {
		return
	}
	for i := range h.now {
		if x := &h.now[i]; x.Seq == e.Target || x.Kind == chat.EventEdit && x.Target == e.Target {
			x.Text = ""
		}
	}
}

// expire erases all up to an event, and says so.
func (h *history) expire(upTo chat.Seq) {
	e := chat.Event{Seq: h.end() + 1, Kind: chat.EventExpire, Target: upTo}
	h.said, h.now = append(h.said, e), append(h.now, e)
	for i := range h.now {
		x := &h.now[i]
		if x.Seq <= upTo {
			*x = chat.Event{Seq: x.Seq} // nobody is told of it
		} else if x.Kind == chat.EventEdit && x.Target <= upTo {
			x.Text = ""
		}
	}
}

// page is what a server tells of the events from first to last at this moment.
func (h *history) page(me chat.UserID, first, last chat.Seq) view.Page {
	p := view.Page{AsOf: h.end()}
	for seq := first; seq <= last; seq++ {
		e := h.now[seq-1]
		if e.Kind == 0 {
			continue
		}
		if e.Kind == chat.EventEdit {
			e.Text = ""
		}
		if e.Kind == chat.EventMessage {
			if st := h.state(seq, me); st.Changed != seq {
				if st.Edited != 0 {
					e.Text = st.Text
				}
				p.States = append(p.States, st)
			}
		}
		p.Events = append(p.Events, e)
	}
	return p
}

// reader is somebody who follows the room in one way or another.
type reader struct {
	name string
	view *view.View
	next chat.Seq    // what his stream tells next
	held []view.Page // asked for, and not arrived
}

// Who lived through it, who paged, and who resumed in the middle have the same picture, which
// is that of the log.
func TestSamePicture(t *testing.T) {
	histories := 400
	if os.Getenv("SARANG_SLOW") != "" {
		histories = 10_000
	}
	for seed := range histories {
		if !samePicture(t, uint64(seed)) {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func samePicture(t *testing.T, seed uint64) bool {
	const me = 1
	r := rand.New(rand.NewPCG(seed, 15))
	h := &history{}
	lived := &reader{name: "who lived through it", view: view.New(me), next: 1}
	paged := &reader{name: "who paged", view: view.New(me)}
	away := &reader{name: "who was away", view: view.New(me), next: 1}
	length := 20 + r.IntN(80)
	joins := r.IntN(length) // who pages comes then
	gone, back := r.IntN(length), length
	for i := range length {
		h.grow(r)
		if h.end() == 0 {
			continue
		}
		// Who is there is told what is said, as it is then.
		for ; lived.next <= h.end(); lived.next++ {
			lived.view.Event(&h.said[lived.next-1])
		}
		if i < gone || i >= back {
			for ; away.next <= h.end(); away.next++ {
				away.view.Event(&h.now[away.next-1])
			}
		}
		switch {
		case i < joins:
			continue
		case paged.next == 0:
			paged.next = h.end() + 1
		}
		if r.IntN(2) == 0 { // he may be behind
			for ; paged.next <= h.end(); paged.next++ {
				paged.view.Event(&h.now[paged.next-1])
			}
		}
		if r.IntN(4) == 0 {
			first := 1 + chat.Seq(r.IntN(int(h.end())))
			paged.held = append(paged.held, h.page(me, first, min(first+chat.Seq(r.IntN(20)), h.end())))
		}
		if n := len(paged.held); n > 0 && r.IntN(3) == 0 { // and his pages come late, in any order
			k := r.IntN(n)
			if err := paged.view.Page(paged.held[k]); err != nil {
				t.Error(err)
			}
			paged.held = slices.Delete(paged.held, k, k+1)
		}
	}
	for _, who := range []*reader{lived, paged, away} {
		for ; who.next > 0 && who.next <= h.end(); who.next++ {
			who.view.Event(&h.now[who.next-1])
		}
		for _, p := range who.held {
			if err := who.view.Page(p); err != nil {
				t.Error(err)
			}
		}
	}
	if h.end() > 0 {
		if err := paged.view.Page(h.page(me, 1, h.end())); err != nil {
			t.Error(err)
		}
	}
	want := view.New(me)
	if h.end() > 0 {
		if err := want.Page(h.page(me, 1, h.end())); err != nil {
			t.Error(err)
		}
	}
	same := true
	for _, who := range []*reader{lived, paged, away} {
		if diff := cmp.Diff(asWanted(want.Messages(), me), asWanted(who.view.Messages(), me)); diff != "" {
			t.Errorf("%s has another picture than the log, want -, got +:\n%s", who.name, diff)
			same = false
		}
	}
	return same
}

// Changes of messages that are not here are kept up to a bound; an older page is refused then.
func TestWaitingIsBounded(t *testing.T) {
	v := view.New(1)
	for seq := chat.Seq(10); seq < 10+view.WaitingMax+5; seq++ {
		v.Event(&chat.Event{Seq: seq, Kind: chat.EventEdit, Target: 1 + seq%7, Text: "new", User: 2})
	}
	old := view.Page{AsOf: 13, Events: []chat.Event{{Seq: 1, Kind: chat.EventMessage, Text: "old"}}}
	if err := v.Page(old); err == nil {
		t.Error("a page is taken from before what was forgotten")
	}
	old.AsOf = 14
	if err := v.Page(old); err != nil {
		t.Errorf("a page from behind it: %v", err)
	}
	if m, ok := v.Message(1); !ok || m.Text != "new" {
		t.Errorf("%+v, %t", m, ok)
	}
}
