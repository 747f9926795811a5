package hub

import (
	"context"
	"slices"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// What a user calls his sessions are the devices of the store, which last over connections; a
// Session here is one connection. When a device is ended, so are its connections.

// DeviceInfo is a device as its user sees it.
type DeviceInfo struct {
	chat.Device
	Connections int
	Current     bool // the one that asks
}

// Sessions tells the client where its user has logged in.
func (s *Shard) Sessions(o *Session, ref RequestRef) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	h, user, own := s.hub, o.User, o.device
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		devices, err := h.config.Store.Devices(ctx, user)
		var u chat.User
		if err == nil {
			u, err = h.config.Store.User(ctx, user)
		}
		if err != nil {
			return func(o *Session) { s.fail(o, ref, h.typed("listing sessions", err)) }
		}
		expired := h.nowMs() - h.config.DeviceExpiry.Milliseconds()
		devices = slices.DeleteFunc(devices, func(d chat.Device) bool { return u.Account && d.SeenMs < expired && d.ID != own })
		return func(o *Session) { s.countConnections(o, ref, devices) }
	})
}

// countConnections asks all sessions of the user which device they are of, one shard after the
// other, and tells the client.
func (s *Shard) countConnections(o *Session, ref RequestRef, devices []chat.Device) {
	c := &counting{shard: s, session: o.Engine.ID(), ref: ref, his: s.hub.online.sessionsOf(o.User), all: make([]DeviceInfo, len(devices))}
	for i, d := range devices {
		c.all[i] = DeviceInfo{Device: d, Current: d.ID == o.device}
	}
	o.requests++
	c.Deliver(s.worker)
}

// counting goes round the shards of a user's sessions, and ends at the first one.
type counting struct {
	shard   *Shard
	session engine.SessionID
	ref     RequestRef
	his     []engine.SessionID // those that are not counted yet
	all     []DeviceInfo
}

// Deliver counts at one shard.
func (c *counting) Deliver(w *engine.Worker) {
	s := c.shard.hub.Shard(w)
	c.his = slices.DeleteFunc(c.his, func(id engine.SessionID) bool {
		if id.Worker() != w.Index() {
			return false
		}
		if o := s.session(id); o != nil {
			for i := range c.all {
				if c.all[i].ID == o.device {
					c.all[i].Connections++
				}
			}
		}
		return true
	})
	switch {
	case len(c.his) > 0:
		s.hub.shards[c.his[0].Worker()].worker.Post(c)
	case s != c.shard:
		c.shard.worker.Post(c)
	default:
		if o := s.session(c.session); o != nil {
			o.requests--
			o.Client.Sessions(o, c.ref, c.all)
		}
	}
}

// EndSessions ends sessions of the user: one, or all but the one that asks. The client is told
// Done.
func (s *Shard) EndSessions(o *Session, ref RequestRef, which chat.DeviceID, others bool) {
	set := chat.DeviceSet{Only: which}
	switch {
	case others == (which != 0):
		if s.mayAsk(o, ref) {
			s.fail(o, ref, chat.Errorf(chat.CodeBadRequest, "name one session, or all others"))
		}
		return
	case others:
		set = chat.DeviceSet{Except: o.device}
	}
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	h, user, id := s.hub, o.User, o.Engine.ID()
	s.change(o, ref, "ending sessions", func(ctx context.Context) error { return h.endDevices(ctx, user, set, id) }, func(o *Session) {
		if set.Has(o.device) {
			s.endConnection(o) // behind the answer
		}
	})
}

// change runs a request that has begun and that changes the store, tells the client Done, and
// does what is to follow.
func (s *Shard) change(o *Session, ref RequestRef, what string, do func(context.Context) error, then func(*Session)) {
	id, h := o.Engine.ID(), s.hub
	ok := s.give(h.claims, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
		defer cancel()
		err := do(ctx)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.changed(id, ref, what, err, then) }))
	})
	if !ok {
		o.requests--
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

func (s *Shard) changed(id engine.SessionID, ref RequestRef, what string, err error, then func(*Session)) {
	o := s.session(id)
	switch {
	case o == nil:
	case err != nil:
		o.requests--
		s.fail(o, ref, s.hub.typed(what, err))
	default:
		o.requests--
		o.Client.Done(o, ref)
		then(o)
	}
}

// endDevices ends devices of a user in the store, and then their connections, but for one that
// is spared. It runs on a task. What is posted by it to a shard comes there before what is
// posted afterwards.
func (h *Hub) endDevices(ctx context.Context, user chat.UserID, which chat.DeviceSet, spared engine.SessionID) error {
	if err := h.config.Store.EndDevices(ctx, user, which); err != nil {
		return err
	}
	h.endings.add(user, which, h.now())
	for _, id := range h.online.sessionsOf(user) {
		if id == spared {
			continue
		}
		s := h.shards[id.Worker()]
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if o := s.session(id); o != nil && o.User == user && which.Has(o.device) {
				s.endConnection(o)
			}
		}))
	}
	return nil
}

// endConnection ends a session because its device was ended.
func (s *Shard) endConnection(o *Session) {
	if o.Engine.Closing() {
		return
	}
	s.hub.counts.devicesEnded.Add(1)
	o.Engine.End(engine.Reason{Code: engine.ReasonRefused, Err: chat.Errorf(chat.CodeSessionEnded, "this session was ended")})
}
