package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sarang/chat"
)

// testModel does random calls on a store and on a model that is too simple to be
// wrong, and compares every answer.
func testModel(t *testing.T, fresh func(t *testing.T) Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			open: fresh(t),
			logs: make(map[chat.RoomID][]chat.Event), holders: make(map[string]chat.UserID),
			users: make(map[chat.UserID]*modelUser),
		}
		m.start(rt)
		defer func() {
			if err := m.store.Close(); err != nil {
				rt.Errorf("Close: %v", err)
			}
		}()
		rt.Repeat(rapid.StateMachineActions(m))
	})
}

// model is the store as maps. Its exported methods are the actions that rapid
// draws from.
type model struct {
	open    Opener
	store   chat.Store
	nowMs   int64
	fresh   int
	rooms   []chat.Room
	logs    map[chat.RoomID][]chat.Event
	users   map[chat.UserID]*modelUser
	holders map[string]chat.UserID
}

type modelUser struct {
	chat.User
	token chat.TokenHash
}

func (m *model) start(t *rapid.T) {
	var err error
	if m.store, err = m.open(context.Background()); err != nil {
		t.Fatalf("opening: %v", err)
	}
}

// Check runs after every action.
func (m *model) Check(t *rapid.T) {
	rooms, err := m.store.Rooms(context.Background())
	same(t, "Rooms", rooms, m.rooms, err)
}

func (m *model) Reopen(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "dice") > 0 {
		t.Skip("opening is slow: not so often")
	}
	if err := m.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	m.start(t)
}

func (m *model) CreateRoom(t *rapid.T) {
	key := rapid.SampledFrom([]string{"a", "b", "c", "방"}).Draw(t, "key")
	asked := chat.Room{
		Name: key, Key: key, Epoch: chat.Epoch(rapid.Uint64().Draw(t, "epoch")),
		CreatedMs: m.nowMs, Ephemeral: rapid.IntRange(0, 4).Draw(t, "ephemeral") == 0,
	}
	made, err := m.store.CreateRoom(context.Background(), asked)
	for _, r := range m.rooms {
		if r.Key == key {
			wantModelCode(t, err, chat.CodeRoomExists)
			return
		}
	}
	asked.ID = made.ID
	same(t, "CreateRoom", made, asked, err)
	m.rooms = append(m.rooms, made)
}

func (m *model) Claim(t *rapid.T) {
	m.nowMs += rapid.Int64Range(0, 50).Draw(t, "ms")
	m.fresh++
	key := rapid.SampledFrom([]string{"mina", "jun", "sora"}).Draw(t, "key")
	c := chat.Claim{
		Name: fmt.Sprint(key, "-", m.fresh), Key: key, Fresh: token(fmt.Sprint(m.fresh)),
		NowMs: m.nowMs, ReservedSinceMs: m.nowMs - 60,
	}
	if n := rapid.IntRange(0, m.fresh).Draw(t, "token"); n > 0 && n < m.fresh {
		c.Resume = token(fmt.Sprint(n))
	}
	got, err := m.store.ClaimUser(context.Background(), c)
	holder := m.users[m.holders[key]]
	switch {
	case holder != nil && c.Resume == holder.token:
		holder.SeenMs = max(holder.SeenMs, c.NowMs)
		same(t, "login", got, holder.User, err)
	case holder != nil && holder.SeenMs >= c.ReservedSinceMs && c.Resume == chat.TokenHash{}:
		wantModelCode(t, err, chat.CodeNameTaken)
	case holder != nil && holder.SeenMs >= c.ReservedSinceMs:
		wantModelCode(t, err, chat.CodeBadToken)
	default:
		made := chat.User{ID: got.ID, Name: c.Name, Key: key, CreatedMs: c.NowMs, SeenMs: c.NowMs}
		same(t, "claim", got, made, err)
		if m.users[got.ID] != nil || got.ID == 0 {
			t.Fatalf("user id %d given twice", got.ID)
		}
		if holder != nil {
			holder.Key = ""
		}
		m.users[got.ID] = &modelUser{User: made, token: c.Fresh}
		m.holders[key] = got.ID
	}
}

func (m *model) Commit(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	var appends []chat.Append
	code := chat.Code(0)
	next := make(map[chat.RoomID]chat.Seq)
	for range rapid.IntRange(1, 4).Draw(t, "appends") {
		r := m.drawRoom(t)
		if next[r.ID] == 0 {
			next[r.ID] = r.LastSeq + 1
		}
		first := next[r.ID]
		if rapid.IntRange(0, 9).Draw(t, "break") == 0 {
			first += chat.Seq(rapid.SampledFrom([]int64{-1, 1, 5}).Draw(t, "shift"))
		}
		a := chat.Append{Room: r.ID}
		for i := range rapid.IntRange(1, 20).Draw(t, "events") {
			a.Events = append(a.Events, m.drawEvent(t, r, first+chat.Seq(i)))
		}
		// The first thing that is wrong decides.
		switch {
		case code != 0:
		case r.Ephemeral:
			code = chat.CodeBadRequest
		case first != next[r.ID]:
			code = chat.CodeSequence
		}
		next[r.ID] += chat.Seq(len(a.Events))
		appends = append(appends, a)
	}
	err := m.store.Commit(context.Background(), appends)
	if code != 0 {
		wantModelCode(t, err, code)
		return
	}
	same(t, "Commit", 0, 0, err)
	m.apply(appends)
}

func (m *model) apply(appends []chat.Append) {
	for _, a := range appends {
		m.logs[a.Room] = append(m.logs[a.Room], a.Events...)
		for _, e := range a.Events {
			if e.Kind == chat.EventMessage {
				m.users[e.User].SentCount++
			}
		}
	}
	for i, r := range m.rooms {
		m.rooms[i].LastSeq = chat.Seq(len(m.logs[r.ID]))
	}
}

func (m *model) drawEvent(t *rapid.T, r chat.Room, seq chat.Seq) chat.Event {
	u := m.users[m.drawUser(t)]
	e := chat.Event{Room: r.ID, Seq: seq, Kind: chat.EventMessage, User: u.ID, Name: u.Name, TimeMs: m.nowMs}
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		e.Kind = chat.EventLeave
		return e
	}
	e.Nonce = chat.Nonce(rapid.Uint64().Draw(t, "nonce"))
	e.Text = rapid.StringOfN(rapid.RuneFrom([]rune("ab가 😀'\"")), 1, 10, -1).Draw(t, "text")
	return e
}

func (m *model) drawRoom(t *rapid.T) chat.Room { return rapid.SampledFrom(m.rooms).Draw(t, "room") }

// drawUser draws one of the ids, which a store need not give in sequence.
func (m *model) drawUser(t *rapid.T) chat.UserID {
	ids := make([]chat.UserID, 0, len(m.users))
	for id := chat.UserID(1); len(ids) < len(m.users); id++ {
		if m.users[id] != nil {
			ids = append(ids, id)
		}
	}
	return rapid.SampledFrom(ids).Draw(t, "user")
}

func (m *model) History(t *rapid.T) {
	if len(m.rooms) == 0 {
		t.Skip("nowhere")
	}
	r := m.drawRoom(t)
	log := m.logs[r.ID]
	after := rapid.IntRange(0, len(log)+2).Draw(t, "after")
	itemsMax, bytesMax := rapid.IntRange(1, 30).Draw(t, "items"), rapid.IntRange(0, 200).Draw(t, "bytes")
	var want []chat.Event
	sum := 0
	for _, e := range log[min(after, len(log)):] {
		sum += len(e.Text)
		if len(want) == itemsMax || len(want) > 0 && sum > bytesMax {
			break
		}
		want = append(want, e)
	}
	got, err := m.store.History(context.Background(), r.ID, chat.Seq(after), itemsMax, bytesMax)
	same(t, "History", got, want, err)
	last, err := m.store.LastSeq(context.Background(), r.ID)
	same(t, "LastSeq", last, chat.Seq(len(log)), err)
}

func (m *model) User(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	id, r := m.drawUser(t), m.drawRoom(t)
	u, err := m.store.User(context.Background(), id)
	same(t, "User", u, m.users[id].User, err)

	itemsMax := rapid.IntRange(1, 20).Draw(t, "items")
	var want []chat.NonceSeq
	log := m.logs[r.ID]
	for i := len(log) - 1; i >= 0 && len(want) < itemsMax; i-- {
		if e := log[i]; e.User == id && e.Kind == chat.EventMessage {
			want = append(want, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq})
		}
	}
	got, err := m.store.Nonces(context.Background(), r.ID, id, itemsMax)
	same(t, "Nonces", got, want, err)
}

func same[T any](t *rapid.T, what string, got, want T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s, want -, got +:\n%s", what, diff)
	}
}

func wantModelCode(t *rapid.T, err error, code chat.Code) {
	t.Helper()
	if chat.CodeOf(err) != code {
		t.Fatalf("error %v, want code %d", err, code)
	}
}
