package hub

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/engine"
)

// Whom the server shuts out, and who are its operators, is in memory, so that every connection
// and every event can be asked for it: the server brings both up to date (SetOperators,
// ShutOut) when it starts and when an operator has changed them.

// standing is what all shards know of that. What it points to is never changed.
type standing struct {
	operators atomic.Pointer[map[chat.UserID]struct{}]
	bans      atomic.Pointer[banSet]
}

// banSet is the server's bans.
type banSet struct {
	users    map[chat.UserID]chat.Ban
	networks map[netip.Prefix]chat.Ban
	bits     []int // lengths of prefixes in it, each once
}

func newBanSet(bans []chat.Ban) *banSet {
	s := &banSet{users: map[chat.UserID]chat.Ban{}, networks: map[netip.Prefix]chat.Ban{}}
	for _, b := range bans {
		if b.User != 0 {
			s.users[b.User] = b
			continue
		}
		network := unmapped(b.Network)
		s.networks[network] = b
		if !slices.Contains(s.bits, network.Bits()) {
			s.bits = append(s.bits, network.Bits())
		}
	}
	return s
}

// unmapped is the network of IPv4 that one of IPv6 stands for (::ffff:0:0/96).
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// user returns the ban of a user that holds at a time; nil: none.
func (s *banSet) user(u chat.UserID, nowMs int64) *chat.Ban {
	if b, banned := s.users[u]; banned && b.HoldsAt(nowMs) {
		return &b
	}
	return nil
}

// address is user for an address. It costs a look for each length of prefix that there is.
func (s *banSet) address(a netip.Addr, nowMs int64) *chat.Ban {
	if s == nil || len(s.networks) == 0 {
		return nil
	}
	a = a.Unmap().WithZone("")
	for _, bits := range s.bits {
		p, err := a.Prefix(bits)
		if err != nil { // longer than addresses of its kind
			continue
		}
		if b, banned := s.networks[p]; banned && b.HoldsAt(nowMs) {
			return &b
		}
	}
	return nil
}

// isOperator reports whether a user is an operator of the server. Any goroutine may ask.
func (h *Hub) isOperator(u chat.UserID) bool {
	users := h.standing.operators.Load()
	if users == nil {
		return false
	}
	_, is := (*users)[u]
	return is
}

// isShutOut reports whether a user is banned from the server now. Any goroutine may ask.
func (h *Hub) isShutOut(u chat.UserID) bool {
	s := h.standing.bans.Load()
	if s == nil {
		return false
	}
	b, banned := s.users[u]
	return banned && b.HoldsAt(h.nowMs())
}

// shutOut is what somebody is told who is banned.
func shutOut(b *chat.Ban) *chat.Error {
	what := "you are banned from this server"
	if b.User == 0 {
		what = "your network is banned from this server"
	}
	if b.UntilMs != 0 {
		what += " until " + time.UnixMilli(b.UntilMs).UTC().Format("2006-01-02 15:04") + " UTC"
	}
	if b.Reason != "" {
		what += ": " + b.Reason
	}
	return &chat.Error{Code: chat.CodeShutOut, Message: what}
}

// banOf returns the ban by which a session is to be shut out; nil: none.
func (s *Shard) banOf(o *Session) *chat.Ban {
	bans := s.hub.standing.bans.Load()
	if bans == nil {
		return nil
	}
	now := s.hub.nowMs()
	if o.User != 0 {
		if b := bans.user(o.User, now); b != nil {
			return b
		}
	}
	return bans.address(o.Engine.Peer().Addr(), now)
}

// turnAway ends a session that is banned, and reports whether it is.
func (s *Shard) turnAway(o *Session) bool {
	b := s.banOf(o)
	if b == nil {
		return false
	}
	s.hub.counts.shutOut.Add(1)
	o.Engine.End(engine.Reason{Code: engine.ReasonRefused, Err: shutOut(b)})
	return true
}

// keepBannedOut refuses a connection of a network that is banned.
func (h *Hub) keepBannedOut(a netip.Addr, now time.Duration) (r engine.Refusal, banned bool) {
	bans := h.standing.bans.Load()
	if bans == nil || len(bans.networks) == 0 {
		return r, false
	}
	b := bans.address(a, h.nowMs())
	if b == nil {
		return r, false
	}
	h.counts.shutOut.Add(1)
	r.Err, r.Farewell = shutOut(b), h.limits.mayTell(now)
	return r, true
}

// SetOperators says who the operators of the server are: in every room they have the rights of
// chat.RoleOperator, from their next request on. Any goroutine may call it.
func (h *Hub) SetOperators(users []chat.UserID) {
	set := make(map[chat.UserID]struct{}, len(users))
	for _, u := range users {
		set[u] = struct{}{}
	}
	h.standing.operators.Store(&set)
}

// ShutOut says whom the server shuts out, in the place of what it was told before. When it
// returns without error, the sessions of those are over, on all workers, and what they had said
// is in its log or nowhere: nothing of theirs gets a place any more. ctx bounds how long that is
// waited for; the bans hold in any case. Any goroutine but a worker may call it.
func (h *Hub) ShutOut(ctx context.Context, bans []chat.Ban) error {
	h.standing.bans.Store(newBanSet(bans))
	looked := make(chan struct{}, len(h.shards))
	n := 0
	for _, s := range h.shards {
		if s == nil {
			continue // the workers have not started
		}
		if s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.endShutOut(); looked <- struct{}{} })) {
			n++
		}
	}
	for range n {
		select {
		case <-looked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// A batch that was decided before is with the writer by now, or will be decided anew.
	return h.writer.passed(ctx)
}

// endShutOut looks through the shard's sessions. It is for what operators do seldom.
func (s *Shard) endShutOut() {
	var out []*Session
	s.worker.Each(func(e *engine.Session) {
		if o := sessionOf(e); o != nil && s.banOf(o) != nil {
			out = append(out, o)
		}
	})
	for _, o := range out {
		s.turnAway(o)
	}
}

// passed waits until all that was submitted so far has an outcome.
func (w *writer) passed(ctx context.Context) error {
	const look = time.Millisecond
	mark := w.submitted.Load()
	for tick := time.NewTicker(look); ; {
		if w.finished.Load() >= mark {
			tick.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
	}
}
