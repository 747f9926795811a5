package room_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sarang/chat"
	"sarang/internal/room"
)

// world is several nodes with a Room each on one log, and who may speak.
type world struct {
	t     *rapid.T
	nodes []*node
	log   []chat.Event
	at    map[said]chat.Seq // where acknowledged events are
}

type said struct {
	user  chat.UserID
	nonce chat.Nonce
}

const users = 6

// node is one of them, with what it waits for.
type node struct {
	world *world
	room  *room.Room
	loads map[chat.UserID]bool
}

func (n *node) Ack(a room.Ack) {
	key := said{chat.UserID(a.Ref), a.Nonce}
	if before := n.world.at[key]; before != 0 && before != a.Seq {
		n.world.t.Fatalf("nonce %d of %d was acknowledged at %d and at %d", a.Nonce, a.Ref, before, a.Seq)
	}
	n.world.at[key] = a.Seq
}

func (n *node) Duplicate(a room.Ack) { n.Ack(a) }

func (n *node) Refuse(room.Ack, *chat.Error) {}

func (w *world) start(n *node) {
	info := chat.Room{ID: 1, LastSeq: chat.Seq(len(w.log))}
	for _, e := range w.log {
		info.Ruled = info.Ruled || e.Kind == chat.EventRole
	}
	*n = node{world: w, loads: map[chat.UserID]bool{}, room: room.New(info, room.Config{
		AnnounceMembersMax: 100, AuthorsMax: 4, AwayGrace: time.Second, BatchEventsMax: 3, BatchTextBytesMax: 1000,
	})}
	for u := range chat.UserID(users) {
		n.room.Join(u+1, "u")
	}
}

// author is what a store would say of a user.
func (w *world) author(u chat.UserID) (a chat.Author) {
	for i := len(w.log) - 1; i >= 0; i-- {
		e := &w.log[i]
		if e.User == u && e.Kind.Authored() && len(a.Nonces) < chat.NoncesPerUserMax {
			a.Nonces = append(a.Nonces, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq, Digest: e.Digest()})
		}
		if e.Kind == chat.EventRole && e.Subject == u && a.Role == chat.RoleNone {
			a.Role = e.Role
		}
	}
	return a
}

func (w *world) drawNode(t *rapid.T) *node { return rapid.SampledFrom(w.nodes).Draw(t, "node") }

func (w *world) publish(t *rapid.T) {
	n := w.drawNode(t)
	p := room.Publish{
		Kind: chat.EventMessage, Text: "x",
		User: chat.UserID(rapid.IntRange(1, users).Draw(t, "user")), Nonce: chat.Nonce(rapid.IntRange(1, 30).Draw(t, "nonce")),
	}
	p.Ref = room.Ref(p.User)
	if rapid.IntRange(0, 5).Draw(t, "rule") == 0 {
		p.Kind, p.Text, p.Operator = chat.EventRole, "", true
		p.Subject = chat.UserID(rapid.IntRange(1, users).Draw(t, "subject"))
		p.Role = rapid.SampledFrom([]chat.Role{chat.RoleBanned, chat.RoleReader, chat.RoleMember}).Draw(t, "role")
	}
	switch o, seq, _ := n.room.Publish(p); o {
	case room.Duplicate:
		n.Ack(room.Ack{Ref: p.Ref, Nonce: p.Nonce, Seq: seq})
	case room.NeedAuthor:
		n.loads[p.User] = true
	}
}

func (w *world) load(t *rapid.T) {
	n := w.drawNode(t)
	for u := range chat.UserID(users + 1) {
		if n.loads[u] {
			n.room.LoadAuthor(u, w.author(u), n)
			delete(n.loads, u)
			return
		}
	}
}

func (w *world) take(t *rapid.T) {
	if n := w.drawNode(t); n.room.Wants() {
		n.room.Take(1, n)
	}
}

// commit is compare and append.
func (w *world) commit(t *rapid.T) {
	n := w.drawNode(t)
	batch := n.room.InFlight()
	switch after := n.room.Info().LastSeq; {
	case len(batch) == 0:
	case after == chat.Seq(len(w.log)):
		w.log = append(w.log, batch...)
		n.room.Committed(n.Ack)
	default:
		between := w.log[after:]
		n.room.Overtaken(between[:rapid.IntRange(1, len(between)).Draw(t, "between")], n)
	}
}

func (w *world) fail(t *rapid.T) {
	if n := w.drawNode(t); len(n.room.InFlight()) > 0 {
		n.room.Failed(func(room.Ack) {})
	}
}

func (w *world) catchUp(t *rapid.T) {
	if n := w.drawNode(t); len(n.room.InFlight()) == 0 {
		n.room.Apply(w.log[n.room.Info().LastSeq:], n)
	}
}

func (w *world) check(t *rapid.T) {
	for _, n := range w.nodes {
		if n.room.PendingBytes() < 0 || n.room.Idle() && n.room.PendingBytes() != 0 {
			t.Fatalf("%d bytes on their way, idle %t", n.room.PendingBytes(), n.room.Idle())
		}
	}
	seen := map[said]chat.Seq{}
	roles := map[chat.UserID]chat.Role{}
	for i, e := range w.log {
		if e.Seq != chat.Seq(i+1) {
			t.Fatalf("place %d of the log has number %d", i+1, e.Seq)
		}
		if !e.Kind.Authored() {
			continue
		}
		if e.Kind == chat.EventRole {
			roles[e.Subject] = e.Role
		} else if role, given := roles[e.User]; given && !role.May(chat.ActionPublish) {
			t.Fatalf("event %d is by user %d, who may not", e.Seq, e.User)
		}
		key := said{e.User, e.Nonce}
		if seen[key] != 0 {
			t.Fatalf("nonce %d of %d is at %d and at %d", e.Nonce, e.User, seen[key], e.Seq)
		}
		seen[key] = e.Seq
	}
	for key, seq := range w.at {
		if seen[key] != seq {
			t.Fatalf("nonce %d of %d was acknowledged at %d and is at %d", key.nonce, key.user, seq, seen[key])
		}
	}
}

// TestSeveralNodes publishes, retries, commits, fails and restarts on up to three nodes
// in random order. Their one log must be without gaps, hold every acknowledged nonce
// once and where its ack says, no nonce twice, and nothing of a user who had lost the
// right before.
func TestSeveralNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, at: map[said]chat.Seq{}}
		for range rapid.IntRange(1, 3).Draw(t, "nodes") {
			n := &node{}
			w.start(n)
			w.nodes = append(w.nodes, n)
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": w.publish, "load": w.load, "take": w.take, "commit": w.commit,
			"fail": w.fail, "catch up": w.catchUp,
			"crash": func(t *rapid.T) { w.start(w.drawNode(t)) },
			"":      w.check,
		})
	})
}
