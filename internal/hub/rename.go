package hub

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/lock"
)

// Rename gives the session's user another name; the client is told Renamed or Failed, and his
// other sessions Renamed. What he says from then on has the new name, and he has it among those
// present; what he said before has it where it is read from the store. name is lent.
func (s *Shard) Rename(o *Session, ref RequestRef, name string) {
	display, key, err := chat.ParseUserName(strings.Clone(name))
	if err != nil {
		if s.mayAsk(o, ref) {
			s.fail(o, ref, asError(err))
		}
		return
	}
	if !s.mayWrite(o, ref, len(display)) {
		return
	}
	h, user, id := s.hub, o.User, o.Engine.ID()
	r := chat.Rename{User: user, Name: display, Key: key, Look: chat.Skeleton(key), NamesMax: h.config.UserNamesMax, Online: h.online.is}
	s.write(o, ref, "taking another name", func(ctx context.Context) error {
		if !h.renames.begin(user) {
			return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: retryLater, Message: "another session of yours takes a name just now; try again"}
		}
		defer h.renames.end(user)
		r.NowMs = h.nowMs() // it may have waited
		r.ReservedSinceMs = r.NowMs - h.config.GuestNameReserved.Milliseconds()
		if err := h.config.Store.Rename(ctx, r); err != nil {
			return err
		}
		h.counts.renames.Add(1)
		h.renames.add(user, display, h.now())
		h.tellUser(user, id, ref, func(o *Session, ref RequestRef) { h.Shard(o.Engine.Worker()).renamed(o, ref, display) })
		return nil
	})
}

// renamed gives a session of a user, and his presence in its rooms, the name that he has now.
func (s *Shard) renamed(o *Session, ref RequestRef, name string) {
	o.Name = name
	for _, p := range o.places {
		s.ask(&presentAs{asker{network: o.network, user: o.User, name: name, ref: RequestRef{Room: p.room}}})
	}
	o.Client.Renamed(o, ref, name)
}

// presentAs has somebody present by another name.
type presentAs struct{ asker }

func (r *presentAs) at(h *home) { h.room.Rename(r.user, r.name) }

// renames are those that run, and the newest.
type renames struct {
	recently[string] // the names taken
	mu               lock.Mutex
	running          map[chat.UserID]struct{}
}

func (r *renames) init() {
	r.recently.init("hub.renames.recently")
	r.mu.Init(lock.NewClass("hub.renames"))
	r.running = map[chat.UserID]struct{}{}
}

// begin reports whether a user may take another name now: two of them at once would be told in
// another order than they were stored.
func (r *renames) begin(u chat.UserID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, runs := r.running[u]; runs {
		return false
	}
	r.running[u] = struct{}{}
	return true
}

func (r *renames) end(u chat.UserID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, u)
}
