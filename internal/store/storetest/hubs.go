package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// RunHubs runs two hubs on the same data, as the nodes of a cluster would be, and checks
// what clients see of them: one log, without gap or repeat, whichever hub a client is at.
// fresh is that of Run. stores is how many of them the hubs use: 2 if the data may be open
// twice, 1 if both hubs are to have the same store.
func RunHubs(t *testing.T, fresh func(t *testing.T) Opener, stores int) {
	rapid.Check(t, func(rt *rapid.T) {
		if err := runHubs(rt, fresh(t), stores); err != nil {
			rt.Fatal(err)
		}
	})
}

const (
	hubCount      = 2
	hubActionsMax = 120 // of one run
	hubUsers      = 3   // each has a client at either hub
	hubSettles    = 8   // rounds until nothing is on its way: a batch may be overtaken
)

// hubsRun is one run: what was asked of the hubs, and what came back.
type hubsRun struct {
	rt     *rapid.T
	rigs   []*hubtest.Rig
	stores []chat.Store // by hub
	room   hub.RoomInfo

	clients  [hubCount][]*hubtest.Client // by user
	guests   [hubCount]*hubtest.Client   // come and go, and say nothing
	operator chat.User
	sent     [hubCount]map[said]int // how often it was sent there
	all      []said                 // in the order of their first time
	orders   chat.Nonce             // that the operator has given
	failure  error
	inDoubt  bool // a store is between an outcome that is not known and the next try
}

// said is a message.
type said struct {
	user  int
	nonce chat.Nonce
}

func (s said) text() string { return fmt.Sprintf("%d of user %d", s.nonce, s.user) }

// fail notes the first thing that is wrong.
func (h *hubsRun) fail(format string, args ...any) {
	if h.failure == nil {
		h.failure = fmt.Errorf(format, args...)
	}
}

// rigError is what a rig finds wrong; it can not go on.
type rigError struct{ error }

func runHubs(rt *rapid.T, open Opener, stores int) (err error) {
	h := &hubsRun{rt: rt}
	defer func() {
		if r := recover(); r != nil {
			failed, ok := r.(rigError)
			if !ok {
				panic(r)
			}
			err = failed
		}
		err = errors.Join(err, h.close())
	}()
	var opened []chat.Store
	for range stores {
		s, err := open(context.Background())
		if err != nil {
			return err
		}
		opened = append(opened, s)
	}
	for i := range hubCount {
		h.stores = append(h.stores, opened[i%stores])
	}
	h.start()
	for range rapid.IntRange(1, hubActionsMax).Draw(rt, "actions") {
		if h.failure != nil {
			return h.failure
		}
		h.act()
	}
	h.end()
	h.check()
	return h.failure
}

// start brings the hubs up, with everybody in the room on both of them.
func (h *hubsRun) start() {
	seed := rapid.Uint64Range(1, 1<<14).Draw(h.rt, "seed")
	chance := rand.New(rand.NewPCG(seed, 0))
	for i := range hubCount {
		h.rigs = append(h.rigs, hubtest.New(hubtest.Config{
			Store:   &doubtful{Store: h.stores[i], run: h, hub: i, chance: chance},
			Seed:    seed<<1 | uint64(i),
			Fail:    func(format string, args ...any) { panic(rigError{fmt.Errorf(format, args...)}) },
			Workers: rapid.IntRange(1, 2).Draw(h.rt, "workers"),
		}))
		h.sent[i] = map[said]int{}
	}
	tokens := make([][]byte, hubUsers)
	for i, r := range h.rigs {
		for u := range hubUsers {
			c := h.enter(r, fmt.Sprintf("user%d", u), tokens[u])
			tokens[u] = c.Token
			h.clients[i] = append(h.clients[i], c)
		}
		h.guests[i] = h.enter(r, fmt.Sprintf("guest%d", i), nil)
		h.operator = h.guests[0].User
	}
}

// enter brings a client into the room. He wants the log from its beginning.
func (h *hubsRun) enter(r *hubtest.Rig, name string, token []byte) *hubtest.Client {
	c := r.Dial(nil)
	c.Login(name, token)
	r.Settle()
	if h.room.ID == 0 {
		c.Join("lobby")
	} else {
		c.JoinAs(h.room.ID, hub.JoinRequest{Epoch: h.room.Epoch})
	}
	r.Settle()
	if last := c.Last(); last.Kind != "Joined" {
		h.fail("%s can not come in: %+v", name, last)
	} else if h.room.ID == 0 {
		h.room = last.Info
	}
	return c
}

// hubActions are what act can do; some are there twice, to happen more often.
func hubActions() []string {
	return []string{
		"say", "say", "say again", "order", "come or go", "come back", "catch up", "step", "step", "step the store", "settle",
	}
}

// act does one thing, or one step of what has been begun.
func (h *hubsRun) act() {
	i := rapid.IntRange(0, hubCount-1).Draw(h.rt, "hub")
	r := h.rigs[i]
	switch rapid.SampledFrom(hubActions()).Draw(h.rt, "action") {
	case "say":
		m := said{rapid.IntRange(0, hubUsers-1).Draw(h.rt, "user"), chat.Nonce(len(h.all) + 1)}
		h.all = append(h.all, m)
		h.say(i, m)
	case "say again": // there, or at the other hub
		if len(h.all) > 0 {
			h.say(i, rapid.SampledFrom(h.all).Draw(h.rt, "again"))
		}
	case "order":
		h.order(r)
	case "come or go":
		h.comeOrGo(h.guests[i])
	case "come back":
		h.comeBack(r, rapid.SampledFrom(h.clients[i]).Draw(h.rt, "who"))
	case "catch up":
		r.Hub.CatchUp(h.room.ID)
	case "step":
		h.step(r)
	case "step the store":
		if n := r.Waiting(); n > 0 {
			r.StepStore(rapid.IntRange(0, n-1).Draw(h.rt, "task"))
		}
	case "settle":
		r.Settle()
	}
}

// inRoom reports whether a client has joined and was not sent out since.
func inRoom(c *hubtest.Client) bool {
	in := false
	for _, r := range c.Records {
		in = r.Kind == "Joined" || in && r.Kind != "Removed"
	}
	return in
}

// comeBack has a client who was sent out join again, behind what he has seen.
func (h *hubsRun) comeBack(r *hubtest.Rig, c *hubtest.Client) {
	if inRoom(c) || c.Session.Rooms() > 0 {
		return
	}
	r.Settle() // all that he was sent has arrived
	seen := chat.Seq(0)
	if n := len(c.Events); n > 0 {
		seen = c.Events[n-1].Seq
	}
	c.JoinAs(h.room.ID, hub.JoinRequest{Epoch: h.room.Epoch, Seq: seen})
}

func (h *hubsRun) say(hub int, m said) {
	h.sent[hub][m]++
	h.clients[hub][m.user].Publish(h.room.ID, m.nonce, m.text())
}

// order has the operator ban somebody, or lift a ban.
func (h *hubsRun) order(r *hubtest.Rig) {
	if h.orders == 0 || rapid.IntRange(0, 3).Draw(h.rt, "new order") > 0 {
		h.orders++
	}
	// The same nonce is the same order: what it says must follow from the nonce.
	subject := h.clients[0][int(h.orders)%hubUsers].User.ID
	role := []chat.Role{chat.RoleBanned, chat.RoleNone, chat.RoleReader, chat.RoleModerator}[int(h.orders)/hubUsers%4]
	r.Hub.GiveRole(h.room.ID, h.operator, h.orders, subject, role)
}

func (h *hubsRun) comeOrGo(c *hubtest.Client) {
	if c.Last().Kind == "Joined" {
		c.Leave(h.room.ID)
	} else {
		c.JoinAs(h.room.ID, hub.JoinRequest{})
	}
}

func (h *hubsRun) step(r *hubtest.Rig) {
	r.Step()
	r.World.Advance(r.World.Now())
}

// end lets everything come to its end and both hubs see all of it. A reader comes to each
// who has not seen anything yet.
func (h *hubsRun) end() {
	for range hubSettles {
		for _, r := range h.rigs {
			r.Hub.CatchUp(h.room.ID)
			r.Settle()
		}
	}
	for i, r := range h.rigs {
		h.clients[i] = append(h.clients[i], h.enter(r, fmt.Sprintf("late%d", i), nil))
	}
	for range hubSettles {
		for _, r := range h.rigs {
			r.Hub.CatchUp(h.room.ID)
			r.Settle()
		}
	}
}

// check compares what is stored with what clients were told.
func (h *hubsRun) check() {
	log, more, err := h.stores[0].History(context.Background(), h.room.ID, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if err != nil || more {
		h.fail("the log can not be read: more %t, %v", more, err)
		return
	}
	defer func() {
		if h.failure != nil {
			for _, e := range log {
				h.rt.Logf("stored: %+v", e)
			}
		}
	}()
	h.checkLog(log)
	for i := range hubCount {
		for u, c := range h.clients[i] {
			h.checkReader(c, log)
			if u < hubUsers {
				h.checkOutcomes(i, u, log)
			}
		}
	}
}

// checkLog looks at what is stored alone.
func (h *hubsRun) checkLog(log []chat.Event) {
	type authored struct {
		user  chat.UserID
		nonce chat.Nonce
	}
	at := map[authored]chat.Seq{}
	roles := map[chat.UserID]chat.Role{}
	for i, e := range log {
		if e.Seq != chat.Seq(i+1) {
			h.fail("event %d of the log has the number %d", i+1, e.Seq)
		}
		key := authored{e.User, e.Nonce}
		if was := at[key]; was > 0 {
			h.fail("nonce %d of user %d stands at %d and at %d", e.Nonce, e.User, was, e.Seq)
		}
		at[key] = e.Seq
		switch e.Kind {
		case chat.EventRole:
			roles[e.Subject] = e.Role
		case chat.EventMessage:
			if role := h.room.Role(e.User, roles[e.User]); !role.May(chat.ActionPublish) {
				h.fail("event %d is of user %d, whose role is %d", e.Seq, e.User, role)
			}
		}
	}
}

// checkReader compares what a client has received with the log.
func (h *hubsRun) checkReader(c *hubtest.Client, log []chat.Event) {
	for _, r := range c.Records {
		if r.Kind == "Gap" {
			h.fail("%s was told a gap: %+v", c.User.Name, r)
		}
	}
	after := c.Records[slices.IndexFunc(c.Records, func(r hubtest.Record) bool { return r.Kind == "Joined" })].Seq
	if want := len(log) - int(after); inRoom(c) && len(c.Events) != want {
		h.fail("%s has received %d events after %d, and there are %d", c.User.Name, len(c.Events), after, want)
		return
	}
	for _, r := range c.Records {
		if r.Kind == "Removed" && !log[r.Seq-1].Kind.Rules() {
			h.fail("%s was sent out by event %d: %+v", c.User.Name, r.Seq, log[r.Seq-1])
		}
	}
	for i, e := range c.Events {
		want := log[int(after)+i]
		want.Name, want.TimeMs = "", 0 // the rigs' lines do not have them
		if e != want {
			h.fail("%s has received %+v, and %+v is stored", c.User.Name, e, want)
		}
	}
}

// checkOutcomes looks at what a client was told of what it has said: each try has one
// outcome, and what was acknowledged stands where the ack says.
func (h *hubsRun) checkOutcomes(hub, user int, log []chat.Event) {
	c := h.clients[hub][user]
	told := map[chat.Nonce]int{}
	out := slices.ContainsFunc(c.Records, func(r hubtest.Record) bool { return r.Kind == "Removed" })
	for _, r := range c.Records {
		switch {
		case r.Kind == "Ack":
			told[r.Ref.Nonce]++
			if r.Seq < 1 || int(r.Seq) > len(log) {
				h.fail("%s was told that %d is at %d; the log ends at %d", c.User.Name, r.Ref.Nonce, r.Seq, len(log))
			} else if e := log[r.Seq-1]; e.User != c.User.ID || e.Nonce != r.Ref.Nonce || e.Text != (said{user, e.Nonce}).text() {
				h.fail("%s was told that %d is at %d, and there is %+v", c.User.Name, r.Ref.Nonce, r.Seq, e)
			}
		case r.Kind == "Failed" && r.Ref.Nonce != 0:
			told[r.Ref.Nonce]++
			if r.Err.Code != chat.CodeForbidden && !(out && r.Err.Code == chat.CodeNotMember) {
				h.fail("%s was told %v of %d", c.User.Name, r.Err, r.Ref.Nonce)
			}
		}
	}
	for m, times := range h.sent[hub] {
		if m.user == user && (told[m.nonce] > times || told[m.nonce] < times && !out) {
			h.fail("%s has sent %d %d times and was told %d outcomes", c.User.Name, m.nonce, times, told[m.nonce])
		}
	}
}

func (h *hubsRun) close() error {
	var errs []error
	for _, r := range h.rigs {
		errs = append(errs, r.Close())
	}
	for i, s := range h.stores {
		if !slices.Contains(h.stores[:i], s) {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// doubtful is a store of one hub that does not always know what became of a commit. The
// other hub may come in between before it is asked again.
type doubtful struct {
	chat.Store
	run    *hubsRun
	hub    int
	chance *rand.Rand
}

// Commit commits b, and may say that it does not know.
func (d *doubtful) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	if d.run.inDoubt || d.chance.IntN(4) > 0 {
		return d.Store.Commit(ctx, b)
	}
	if d.chance.IntN(3) > 0 { // it took effect, unless others had written
		if conflicts, err := d.Store.Commit(ctx, b); err != nil {
			return conflicts, err
		}
	}
	d.run.inDoubt = true
	defer func() { d.run.inDoubt = false }()
	if len(d.run.rigs) == hubCount {
		if other := d.run.rigs[1-d.hub]; other.Waiting() > 0 {
			other.StepStore(0)
		}
	}
	return nil, chat.Errorf(chat.CodeUncertain, "nobody knows")
}
