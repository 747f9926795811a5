package storetest

import (
	"context"
	"fmt"
	"slices"
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
			known: make(map[chat.RoomID][]chat.UserID), users: make(map[chat.UserID]*modelUser), roles: make(map[seat]chat.Given),
			newest: make(map[uint64]committed), members: make(map[seat]chat.Membership),
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
	roles   map[seat]chat.Given
	members map[seat]chat.Membership
	holders map[string]chat.UserID
	known   map[chat.RoomID][]chat.UserID // the newest user when each event was stored
	lives   uint64                        // times that the store was opened
	newest  map[uint64]committed          // by writer, of this life
}

type modelUser struct {
	chat.User
	token chat.TokenHash
}

// seat is a user in a room.
type seat struct {
	room chat.RoomID
	user chat.UserID
}

// committed is a batch and what the store has answered.
type committed struct {
	batch     chat.Batch
	conflicts []chat.Conflict
}

func (m *model) start(t *rapid.T) {
	m.lives++
	var err error
	if m.store, err = m.open(context.Background()); err != nil {
		t.Fatalf("opening: %v", err)
	}
}

// Check runs after every action.
func (m *model) Check(t *rapid.T) {
	rooms, err := m.store.Rooms(context.Background(), 0, len(m.rooms)+1)
	same(t, "Rooms", rooms, m.public(), err)
}

func (m *model) Rooms(t *rapid.T) {
	public := m.public()
	after, itemsMax := rapid.IntRange(0, len(public)).Draw(t, "after"), rapid.IntRange(1, 4).Draw(t, "items")
	id := chat.RoomID(0)
	if after > 0 {
		id = public[after-1].ID
	}
	rooms, err := m.store.Rooms(context.Background(), id, itemsMax)
	same(t, "Rooms", rooms, public[after:min(after+itemsMax, len(public))], err)
}

func (m *model) public() (rooms []chat.Room) {
	for _, r := range m.rooms {
		if !r.Private {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

func (m *model) PrivateRooms(t *rapid.T) {
	if len(m.users) == 0 {
		t.Skip("nobody")
	}
	id, itemsMax := m.drawUser(t), rapid.IntRange(1, 4).Draw(t, "items")
	after := chat.RoomID(rapid.IntRange(0, 8).Draw(t, "after"))
	var want []chat.Room
	for _, r := range m.rooms {
		given := m.roles[seat{r.ID, id}]
		his := given.Role > chat.RoleBanned || given.Role == chat.RoleNone && r.Creator == id
		if r.Private && his && r.ID > after && len(want) < itemsMax {
			want = append(want, r)
		}
	}
	rooms, err := m.store.PrivateRooms(context.Background(), id, after, itemsMax)
	same(t, "PrivateRooms", rooms, want, err)
}

func (m *model) Room(t *rapid.T) {
	if len(m.rooms) == 0 {
		t.Skip("nowhere")
	}
	want := m.drawRoom(t)
	got, err := m.store.Room(context.Background(), want.ID)
	same(t, "Room", got, want, err)
	got, err = m.store.RoomByKey(context.Background(), want.Key)
	same(t, "RoomByKey", got, want, err)
}

func (m *model) Reopen(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "dice") > 0 {
		t.Skip("opening is slow: not so often")
	}
	if err := m.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	clear(m.newest)
	m.start(t)
}

func (m *model) CreateRoom(t *rapid.T) {
	key := rapid.SampledFrom([]string{"a", "b", "c", "방"}).Draw(t, "key")
	asked := chat.Room{
		Name: key, Key: key, Epoch: chat.Epoch(rapid.Uint64().Draw(t, "epoch")),
		CreatedMs: m.nowMs, Ephemeral: rapid.IntRange(0, 4).Draw(t, "ephemeral") == 0,
	}
	asked.Private = !asked.Ephemeral && rapid.Bool().Draw(t, "private")
	if len(m.users) > 0 && rapid.Bool().Draw(t, "owned") {
		asked.Creator = m.drawUser(t)
	}
	made, err := m.store.CreateRoom(context.Background(), asked, chat.RoomQuota{})
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
	in, err := m.store.ClaimUser(context.Background(), c)
	got := in.User
	holder := m.users[m.holders[key]]
	switch {
	case holder != nil && c.Resume == holder.token:
		if c.Sees(holder.SeenMs) {
			holder.SeenMs = c.NowMs
		}
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

// Commit has one of two servers commit a batch in which at most one thing is wrong, and
// which is decided at the end of the logs or at some other place.
func (m *model) Commit(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	writer := m.drawWriter(t)
	b := chat.Batch{ID: m.newest[writer].batch.ID}
	b.ID.Writer = writer
	b.ID.Number += rapid.Uint64Range(1, 3).Draw(t, "number")
	code := chat.Code(0)
	for _, i := range rapid.Permutation(m.indices()).Draw(t, "rooms")[:rapid.IntRange(1, len(m.rooms)).Draw(t, "appends")] {
		r := m.rooms[i]
		if r.Ephemeral && code != 0 {
			continue
		}
		if r.Ephemeral {
			code = chat.CodeBadRequest
		}
		b.Appends = append(b.Appends, m.drawAppend(t, r))
	}
	if code == 0 && rapid.IntRange(0, 9).Draw(t, "break") == 0 {
		code = m.breakBatch(t, &b)
	}
	conflicts, err := m.store.Commit(context.Background(), b)
	if code != 0 {
		wantModelCode(t, err, code)
		return
	}
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	m.newest[writer] = committed{b, conflicts}
	m.apply(t, b, conflicts)
}

// CommitAgain sends somebody's newest batch again, whatever was written since.
func (m *model) CommitAgain(t *rapid.T) {
	known, found := m.newest[m.drawWriter(t)]
	if !found {
		t.Skip("nothing to send again")
	}
	conflicts, err := m.store.Commit(context.Background(), known.batch)
	same(t, "Commit again", conflicts, m.asItIsNow(known.conflicts), err)
}

func (m *model) indices() (all []int) {
	for i := range m.rooms {
		all = append(all, i)
	}
	return all
}

// drawAppend draws events at the log's end, or what comes too late, or too early.
func (m *model) drawAppend(t *rapid.T, r chat.Room) chat.Append {
	a := chat.Append{Room: r.ID, After: r.LastSeq}
	switch rapid.IntRange(0, 4).Draw(t, "place") {
	case 0:
		a.After = chat.Seq(rapid.Uint64Range(0, uint64(r.LastSeq)).Draw(t, "late"))
	case 1:
		a.After += chat.Seq(rapid.Uint64Range(0, 5).Draw(t, "early"))
	}
	for i := range rapid.IntRange(0, 20).Draw(t, "events") {
		a.Events = append(a.Events, m.drawEvent(t, r, a.After+1+chat.Seq(i)))
	}
	return a
}

// breakBatch makes one thing wrong and returns the code that it is refused with, 0 if
// there was nothing to break.
func (m *model) breakBatch(t *rapid.T, b *chat.Batch) chat.Code {
	a := &b.Appends[rapid.IntRange(0, len(b.Appends)-1).Draw(t, "append")]
	what := rapid.IntRange(0, 6).Draw(t, "fault")
	switch {
	case what == 0:
		b.Appends = append(b.Appends, chat.Append{Room: a.Room, After: a.After})
		return chat.CodeSequence
	case what == 1:
		b.Appends = append(b.Appends, chat.Append{Room: m.rooms[len(m.rooms)-1].ID + 1})
		return chat.CodeNoRoom
	case len(a.Events) == 0:
		return 0
	}
	e := &a.Events[rapid.IntRange(0, len(a.Events)-1).Draw(t, "event")]
	nobody := chat.UserID(1 << 62)
	switch what {
	case 2:
		e.Seq += chat.Seq(rapid.SampledFrom([]int64{-1, 1, 5}).Draw(t, "shift"))
		e.Target = 0
		return chat.CodeSequence
	case 3:
		e.Target = e.Seq + chat.Seq(rapid.Uint64Range(0, 3).Draw(t, "ahead"))
	case 4:
		e.User = nobody
	case 5:
		e.Kind, e.Subject = chat.EventRole, nobody
	case 6:
		e.Room += 1000
	}
	return chat.CodeBadRequest
}

// apply checks what a commit has answered, and does what it says.
func (m *model) apply(t *rapid.T, b chat.Batch, conflicts []chat.Conflict) {
	for _, a := range b.Appends {
		log := m.logs[a.Room]
		last := chat.Seq(len(log))
		if a.After == last {
			m.append(a)
			continue
		}
		if len(conflicts) == 0 || conflicts[0].Room != a.Room || conflicts[0].Last != last {
			t.Fatalf("conflicts %+v: room %d ends at %d, an append was decided at %d", conflicts, a.Room, last, a.After)
		}
		c := conflicts[0]
		conflicts = conflicts[1:]
		if a.After > last {
			same(t, "events beyond the end", c.Between, nil, nil)
			continue
		}
		// A store may bound the bytes; a beginning must be there.
		n := min(max(len(c.Between), 1), chat.ConflictEventsMax, int(last-a.After))
		same(t, "events in between", c.Between, log[a.After:int(a.After)+n], nil)
	}
	if len(conflicts) > 0 {
		t.Fatalf("conflicts %+v, and none is there", conflicts)
	}
	for i, r := range m.rooms {
		if log := m.logs[r.ID]; len(log) > 0 {
			m.rooms[i].LastSeq, m.rooms[i].LastMs = chat.Seq(len(log)), log[len(log)-1].TimeMs
		}
	}
}

// append stores a.
func (m *model) append(a chat.Append) {
	for _, e := range a.Events {
		m.logs[a.Room] = append(m.logs[a.Room], e)
		m.known[a.Room] = append(m.known[a.Room], chat.UserID(len(m.users)))
		if e.Kind.Changes() {
			eraseTexts(m.logs[a.Room])
		}
		for i := range m.rooms {
			if m.rooms[i].ID == a.Room {
				m.rooms[i].Set(&e)
			}
		}
		switch e.Kind {
		case chat.EventMessage:
			m.users[e.User].SentCount++
		case chat.EventRole:
			m.roles[seat{a.Room, e.Subject}] = chat.Given{Role: e.Role, UntilMs: e.UntilMs}
			for i := range m.rooms {
				m.rooms[i].Ruled = m.rooms[i].Ruled || m.rooms[i].ID == a.Room
			}
		}
	}
}

func (m *model) drawEvent(t *rapid.T, r chat.Room, seq chat.Seq) chat.Event {
	u := m.users[m.drawUser(t)]
	e := chat.Event{Room: r.ID, Seq: seq, Kind: chat.EventMessage, User: u.ID, Name: u.Name, TimeMs: m.nowMs}
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if kind == 0 {
		e.Kind = chat.EventLeave
		return e
	}
	e.Nonce = chat.Nonce(rapid.Uint64().Draw(t, "nonce"))
	if kind == 1 {
		e.Kind, e.Subject = chat.EventRole, m.drawUser(t)
		e.Role = chat.Role(rapid.IntRange(0, int(chat.RoleOwner)).Draw(t, "role"))
		e.UntilMs = rapid.SampledFrom([]int64{0, 0, 1, m.nowMs + 10, 1 << 60}).Draw(t, "until")
		return e
	}
	if kind == 5 && rapid.Bool().Draw(t, "kick") {
		e.Kind, e.Subject = chat.EventKick, m.drawUser(t)
		return e
	}
	if kind == 4 && rapid.Bool().Draw(t, "setting") {
		e.Kind = rapid.SampledFrom([]chat.EventKind{chat.EventName, chat.EventDescribe, chat.EventArchive, chat.EventSlow, chat.EventRetain}).Draw(t, "which")
		if e.Kind == chat.EventArchive || e.Kind == chat.EventSlow || e.Kind == chat.EventRetain {
			e.Value = rapid.Uint32Range(0, 1).Draw(t, "value")
			return e
		}
	}
	if kind > 5 && seq > 1 {
		return m.drawChange(t, e)
	}
	if kind == 2 {
		e.Target = chat.Seq(rapid.Uint64Range(0, uint64(seq-1)).Draw(t, "target"))
		e.Root = chat.Seq(rapid.Uint64Range(0, uint64(e.Target)).Draw(t, "root"))
	}
	e.Text = m.drawText(t, "ab가 😀'\"")
	return e
}

// drawWriter draws one of two servers, which have other numbers in each life.
func (m *model) drawWriter(t *rapid.T) uint64 {
	return 2*m.lives + rapid.Uint64Range(0, 1).Draw(t, "writer")
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
	p := chat.Page{ItemsMax: rapid.IntRange(1, 30).Draw(t, "items"), BytesMax: rapid.IntRange(0, 200).Draw(t, "bytes")}
	place := rapid.IntRange(0, len(log)+2).Draw(t, "place")
	var want []chat.Event
	var more bool
	if rapid.Bool().Draw(t, "backwards") {
		p.Before = chat.Seq(place + 1)
		log = slices.Clone(log[:min(place, len(log))])
		slices.Reverse(log)
		want, more = firstOf(log, p)
		want = slices.Clone(want)
		slices.Reverse(want)
	} else {
		p.After = chat.Seq(place)
		want, more = firstOf(log[min(place, len(log)):], p)
	}
	got, gotMore, err := m.store.History(context.Background(), r.ID, p)
	same(t, fmt.Sprintf("History %+v", p), got, want, err)
	same(t, "more", gotMore, more, nil)
}

// firstOf is the page that begins with the first of events.
func firstOf(events []chat.Event, p chat.Page) (page []chat.Event, more bool) {
	sum := 0
	for i, e := range events {
		sum += len(e.Text)
		if i == p.ItemsMax || i > 0 && sum > p.BytesMax {
			return events[:i], true
		}
	}
	return events, false
}

func (m *model) User(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	id, r := m.drawUser(t), m.drawRoom(t)
	u, err := m.store.User(context.Background(), id)
	same(t, "User", u, m.users[id].User, err)
	if key := m.users[id].Key; key != "" {
		u, err = m.store.UserByKey(context.Background(), key)
		same(t, "UserByKey", u, m.users[id].User, err)
	}

	noncesMax := rapid.IntRange(1, 20).Draw(t, "items")
	given := m.roles[seat{r.ID, id}]
	want := chat.Author{Role: given.Role, UntilMs: given.UntilMs}
	log := m.logs[r.ID]
	for i := len(log) - 1; i >= 0 && len(want.Nonces) < noncesMax; i-- {
		if e := log[i]; e.User == id && e.Kind.Authored() {
			want.Nonces = append(want.Nonces, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq, Digest: e.StoredDigest()})
			if want.SaidMs == 0 && e.Kind == chat.EventMessage {
				want.SaidMs = e.TimeMs
			}
		}
	}
	got, err := m.store.Author(context.Background(), r.ID, id, noncesMax)
	same(t, "Author", got, want, err)
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
