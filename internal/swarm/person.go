package swarm

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// person is what a member does beside talking, with Config.People: it takes another name and the old
// one back, blocks others and does not, tells how far it has read, and, if the room is its own, sets
// what the room is. One thing at a time; what was under way when its connection broke may have been
// done or not. In the end it asks what the server knows of it.
type person struct {
	act     personAct
	request uint32     // that has no answer; 0: none
	nonce   chat.Nonce // of a setting, likewise

	renamed  bool // it has its second name
	unsure   bool // or the other one: a rename has no answer, and may be done at any time until it tells of it
	asked    bool // the rename under way is to the second name
	mark     chat.Seq
	marking  chat.Seq // is being told, or was when the connection broke
	blocked  map[chat.UserID]bool
	doubtful map[chat.UserID]bool // whose block may be the other way round
	target   chat.UserID
	noOwner  bool // it may not set anything

	said     string              // of the setting under way
	settings map[chat.Seq]string // acknowledged
	seen     map[chat.Seq]string // descriptions by itself that came, by place

	stage personStage
	timer engine.Timer
	after chat.UserID // of the next page of those it blocks
	told  map[chat.UserID]bool
	room  chat.RoomID // of the next page of its rooms
}

type personAct uint8

const (
	personNothing personAct = iota
	personRename
	personBlock
	personUnblock
	personMark
	personSet
	personActs
)

type personStage uint8

const (
	personActing personStage = iota
	personProfile
	personBlocks
	personRooms
	personStranger
	personDone
)

// secondName is what a client is called that has taken another name.
func secondName(c *Config, index int) string { return userName(c, index) + "x" }

func (m *member) names(name string) (second, is bool) {
	c := m.worker.run.config
	return name == secondName(c, m.index), name == userName(c, m.index) || name == secondName(c, m.index)
}

// peopled runs f at the pace of Config.People, on members chosen by the seed.
func (r *run) peopled(stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(r.config.Seed, 'p'))
	every := time.NewTicker(time.Duration(float64(time.Second) / r.config.People))
	defer every.Stop()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
			w, i, act, whom := r.workers[rng.IntN(len(r.workers))], rng.Int(), 1+personAct(rng.IntN(int(personActs)-1)), rng.IntN(r.config.Clients)
			w.post(func() { w.actOne(i, act, whom) })
		}
	}
}

// actOne has the first member at or after the i-th that can do something.
func (w *worker) actOne(i int, act personAct, whom int) {
	for k := range w.members {
		m := w.members[(i%len(w.members)+k)%len(w.members)]
		if p := m.person; m.online && !m.breaking && !m.stalled && p.act == personNothing && p.stage == personActing {
			if act != personSet || !p.noOwner {
				m.doAs(act, whom)
				return
			}
		}
	}
}

// doAs begins something; whom is a client. Of what makes no sense nothing is done.
func (m *member) doAs(act personAct, whom int) {
	p, c := m.person, m.worker.run.config
	user := chat.UserID(m.worker.run.users[whom].Load())
	var err error
	switch act {
	case personRename:
		name := secondName(c, m.index)
		if p.renamed {
			name = userName(c, m.index)
		}
		p.asked = !p.renamed
		p.request, err = m.session.Rename(name)
	case personBlock, personUnblock:
		if act == personUnblock && len(p.blocked) > 0 {
			user = slices.Min(slices.Collect(maps.Keys(p.blocked)))
		}
		if user == 0 || whom == m.index || p.blocked[user] == (act == personBlock) && !p.doubtful[user] {
			return
		}
		p.target = user
		p.request, err = m.session.Block(user, "", act == personUnblock)
	case personMark:
		if m.receipt.last <= p.mark {
			return
		}
		p.marking = m.receipt.last
		if m.worker.rng.IntN(4) == 0 {
			p.marking = max(1, p.mark/2) // behind what it has told: that changes nothing
		}
		p.request, err = m.session.Mark(m.roomID, p.marking)
	case personSet:
		p.said = fmt.Sprintf("description %d of client %d", len(p.settings), m.index)
		p.nonce, err = m.session.Set(m.roomID, chat.Setting{Kind: chat.EventDescribe, Text: p.said})
	}
	if err == nil {
		p.act = act
	}
}

// did ends what is under way; count is where it is counted.
func (m *member) did(count *uint64) {
	m.person.act, m.person.request, m.person.nonce = personNothing, 0, 0
	*count++
}

// offline is called when the connection is gone: what was under way may be done. A setting is sent
// again by the session.
func (p *person) offline() {
	switch p.act {
	case personRename:
		p.unsure = true
	case personBlock, personUnblock:
		p.doubtful[p.target] = true
	case personSet:
		return
	}
	p.act, p.request = personNothing, 0
}

// named takes what the server calls the member at a login.
func (m *member) named(name string) {
	p := m.person
	second, is := m.names(name)
	if !is || !p.unsure && second != p.renamed {
		m.worker.counts.people.NamesWrong++
		m.worker.found("name", fmt.Sprintf("client %d is called %q at its login", m.index, name))
	}
	p.unsure = p.unsure && second == p.renamed // it is not done yet
	p.renamed = second
}

// Renamed answers a rename, or tells of one whose answer went to a connection that was gone.
func (m *member) Renamed(_ *session.Session, r session.Renamed) {
	p := m.person
	if p == nil {
		return
	}
	second, is := m.names(r.Name)
	if own := p.act == personRename && p.request == r.Request; !own {
		if !is || !p.unsure && second != p.renamed {
			m.worker.counts.people.NamesWrong++
			m.worker.found("name", fmt.Sprintf("client %d is renamed to %q, and has not asked for it", m.index, r.Name))
		}
		p.renamed, p.unsure = second, false
		return
	}
	if !is || second != p.asked {
		m.worker.counts.people.NamesWrong++
		m.worker.found("name", fmt.Sprintf("client %d is renamed to %q", m.index, r.Name))
	}
	p.renamed, p.unsure = p.asked, false
	m.did(&m.worker.counts.people.Renames)
}

// Blocked answers a block, or its end.
func (m *member) Blocked(_ *session.Session, b session.Blocked) {
	p := m.person
	if m.directBlocked(b) {
		return
	}
	if p == nil || p.act != personBlock && p.act != personUnblock || p.request != b.Request {
		return
	}
	if b.User != p.target || b.Removed != (p.act == personUnblock) {
		m.worker.counts.people.BlocksWrong++
		m.worker.found("block", fmt.Sprintf("client %d is told of a block of user %d, and has asked about user %d", m.index, b.User, p.target))
	}
	delete(p.doubtful, p.target)
	if p.act == personBlock {
		p.blocked[p.target] = true
		m.did(&m.worker.counts.people.Blocks)
		return
	}
	delete(p.blocked, p.target)
	m.did(&m.worker.counts.people.Unblocks)
}

// Marked answers a mark. It never goes back.
func (m *member) Marked(_ *session.Session, k session.Marked) {
	p := m.person
	if p == nil || k.Room != m.roomID {
		return
	}
	if k.Seq < p.mark || p.act == personMark && k.Request == p.request && k.Seq < p.marking || k.Seq > max(p.mark, p.marking, m.receipt.last) {
		m.worker.counts.people.MarksWrong++
		m.worker.found("mark", fmt.Sprintf("client %d: its mark is %d, and has to be %d at least", m.index, k.Seq, max(p.mark, p.marking)))
	}
	p.mark = max(p.mark, k.Seq)
	if p.act == personMark && k.Request == p.request {
		m.did(&m.worker.counts.people.Marks)
	}
}

// ownAck takes the ack of a setting; false: it is of something else.
func (m *member) ownAck(a session.Ack) bool {
	p := m.person
	if p == nil || p.nonce == 0 || p.nonce != a.Nonce {
		return false
	}
	p.settings[a.Seq] = p.said
	m.did(&m.worker.counts.people.Settings)
	return true
}

// ownRefusal takes the refusal of a setting: only the one who has made the room may set something.
func (m *member) ownRefusal(r session.Refused) bool {
	p := m.person
	if p == nil || p.nonce == 0 || p.nonce != r.Nonce {
		return false
	}
	if r.Retrying {
		return true
	}
	if r.Err.Code == chat.CodeForbidden {
		p.noOwner = true
	} else {
		m.worker.errors.add(fmt.Sprintf("setting refused (code %d)", r.Err.Code), r.Err.Error())
	}
	m.did(&m.worker.counts.people.Refused)
	return true
}

// ownFailure takes the failure of what the person has asked for; false: it is of something else.
func (m *member) ownFailure(f session.Failure) bool {
	p := m.person
	if p == nil || p.request == 0 || p.request != f.Request {
		return false
	}
	p.request = 0
	if p.stage != personActing {
		if passing(f.Err) {
			m.askOfMeLater(max(f.Err.RetryAfter, closingPause))
		}
		return true // else it stays unasked, which is counted
	}
	switch {
	case f.Err.Code != chat.CodeUncertain:
	case p.act == personRename:
		p.unsure = true
	case p.act == personBlock || p.act == personUnblock:
		p.doubtful[p.target] = true
	}
	m.did(&m.worker.counts.people.Refused)
	return true
}

// sees takes an event of the room: what the member itself has set.
func (m *member) sees(e *chat.Event) {
	if e.Kind == chat.EventDescribe && uint64(e.User) == m.worker.run.users[m.index].Load() {
		m.person.seen[e.Seq] = string(append([]byte(nil), e.Text...)) // it is lent
	}
}

// closePeople has all members ask what the server knows of them.
func (r *run) closePeople(ctx context.Context) error {
	if !r.config.peopled() {
		return nil
	}
	r.display.phase = "asking of people"
	left := func() bool {
		n := make([]int, len(r.workers))
		r.each(func(w *worker) {
			for _, m := range w.members {
				if p := m.person; !m.dead && !m.void && (p.stage != personDone || p.act != personNothing) {
					n[w.index]++
					if p.stage == personActing && p.act == personNothing {
						p.stage = personProfile
						m.askOfMe()
					}
				}
			}
		})
		return sum(n) == 0
	}
	_, err := r.await(ctx, r.config.Settle, left)
	return err
}

// askOfMe asks what comes next. Who is offline asks when it is back.
func (m *member) askOfMe() {
	p, s := m.person, m.session
	if !m.online || p.request != 0 {
		return
	}
	var err error
	switch p.stage {
	case personProfile:
		p.request, err = s.LookUp(0, "")
	case personBlocks:
		p.request, err = s.Blocks(p.after, 0)
	case personRooms:
		p.request, err = s.MyRooms(p.room, 0)
	case personStranger:
		next := m.worker.run.owner((m.room + 1) % m.worker.run.config.Rooms)
		p.request, err = s.History(session.History{Room: chat.RoomID(next.strange.Load()), ItemsMax: 1})
	}
	if err != nil {
		m.askOfMeLater(closingPause)
	}
}

func (m *member) askOfMeLater(wait time.Duration) {
	m.person.timer.Data = m
	m.worker.engine.After(&m.person.timer, wait, func(t *engine.Timer) {
		if m := t.Data.(*member); !m.worker.ending {
			m.askOfMe()
		}
	})
}

// Profile says who the member is.
func (m *member) Profile(_ *session.Session, q session.Profile) {
	p := m.person
	if p == nil || p.stage != personProfile || q.Request != p.request {
		return
	}
	p.request, p.stage = 0, personBlocks
	n := &m.worker.counts.people
	if second, is := m.names(q.Name); !is || second != p.renamed && !p.unsure {
		n.NamesWrong++
		m.worker.found("name", fmt.Sprintf("client %d is called %q in the end", m.index, q.Name))
	}
	if q.Account != m.worker.run.config.isAccount(m.index) {
		n.AccountsWrong++
		m.worker.found("account", fmt.Sprintf("client %d is an account: %t", m.index, q.Account))
	}
	if q.Account {
		n.Accounts++
	}
	m.askOfMe()
}

// BlockPage says whom the member blocks.
func (m *member) BlockPage(_ *session.Session, b session.BlockPage) {
	p := m.person
	if p == nil || p.stage != personBlocks || b.Request != p.request {
		return
	}
	p.request = 0
	for _, u := range b.Users {
		p.told[u.User], p.after = true, u.User
	}
	if !b.More || len(b.Users) == 0 {
		p.stage = personRooms
		m.compareBlocks()
	}
	m.askOfMe()
}

func (m *member) compareBlocks() {
	p := m.person
	wrong := 0
	for u := range p.told {
		if !p.blocked[u] && !p.doubtful[u] {
			wrong++
		}
	}
	for u := range p.blocked {
		if !p.told[u] && !p.doubtful[u] {
			wrong++
		}
	}
	if wrong > 0 {
		m.worker.counts.people.BlocksWrong += uint64(wrong)
		m.worker.found("block", fmt.Sprintf("client %d: %d of those it blocks are not those that it is told", m.index, wrong))
	}
}

// MyRoomPage says how far the member has read.
func (m *member) MyRoomPage(_ *session.Session, q session.MyRoomPage) {
	p := m.person
	if p == nil || p.stage != personRooms || q.Request != p.request {
		return
	}
	p.request = 0
	for i := range q.Rooms {
		r := &q.Rooms[i]
		if d := &m.direct; d.out && r.Room.ID == d.room {
			d.heard++ // it does not belong to it any more
		}
		most := max(p.mark, p.marking)
		if p.mark == 0 { // nothing was told: it is where the member came in
			most = max(most, m.receipt.last)
		}
		if p.room = r.Room.ID; r.Room.ID == m.roomID && (r.Mark < p.mark || r.Mark > most) {
			m.worker.counts.people.MarksWrong++
			m.worker.found("mark", fmt.Sprintf("client %d: its mark is %d in the end, and has to be %d", m.index, r.Mark, p.mark))
		}
	}
	if !q.More || len(q.Rooms) == 0 {
		p.stage = personDone
		if c := m.worker.run.config; c.Private && c.Rooms > 1 && m.index < c.Rooms {
			p.stage = personStranger
		}
	}
	m.askOfMe()
}

// sentAway takes that a private room of others is not there, as it has to be; false: it is another
// failure.
func (m *member) sentAway(f session.Failure) bool {
	p := m.person
	if p == nil || p.stage != personStranger || p.request == 0 || p.request != f.Request || f.Err.Code != chat.CodeNoRoom {
		return false
	}
	m.worker.counts.people.Strangers++
	p.request, p.stage = 0, personDone
	return true
}

// strangerReads takes a page of a private room of others, which has not to come; false: it is
// another page.
func (m *member) strangerReads(q session.HistoryPage) bool {
	p := m.person
	if p == nil || p.stage != personStranger || q.Request != p.request {
		return false
	}
	p.request, p.stage = 0, personDone
	m.worker.counts.people.StrangersWrong++
	m.worker.found("stranger", fmt.Sprintf("client %d reads the private room %d, which is not its own", m.index, q.Room))
	return true
}

// compare adds what is known when the run is over.
func (m *member) compare(n *People) {
	p := m.person
	if p.stage != personDone && !m.void {
		n.Unasked++
		m.worker.errors.add("unasked", fmt.Sprintf("client %d was not told what the server knows of it", m.index))
	}
	m.compareDirect(n)
	for seq, said := range p.settings {
		if got := p.seen[seq]; got != said && !m.void {
			n.SettingsWrong++
			m.worker.errors.add("setting", fmt.Sprintf("client %d: event %d is %.80q, and has to be %q", m.index, seq, got, said))
		}
	}
}
