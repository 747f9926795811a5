package hub

import (
	"context"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// A moderator has what somebody has said of late deleted in one act: page by page of the log, off the
// workers, each message by an event of its own, as if he had asked for each. The next page is read when
// the deletions of the one before are in the log, so that others do not wait for all of them.

const (
	purgePageItems = 200
	purgePageBytes = 64 << 10
	purgePace      = 50 * time.Millisecond
)

// PurgeMax bounds how far back a purge goes.
const PurgeMax = 30 * 24 * time.Hour

// Purge deletes what a user has said in a room that the session is in, from the newest message back to a
// time ago; the client is told Done when it is done, or Failed.
func (s *Shard) Purge(o *Session, ref RequestRef, user chat.UserID, last time.Duration) {
	if !s.mayRequest(o, ref, limit.LevelReads) {
		return
	}
	if user == 0 || last <= 0 || last > PurgeMax {
		s.fail(o, ref, chat.Errorf(chat.CodeBadRequest, "say whose messages, and of how long: %v at most", PurgeMax))
		return
	}
	if s.diskTakes(o, ref) && s.begin(o, ref) {
		s.ask(&purgeRequest{
			asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: ref, counted: true},
			whom:  user, last: last,
		})
	}
}

type purgeRequest struct {
	asker
	whom    chat.UserID
	last    time.Duration
	sinceMs int64    // set with the first page
	before  chat.Seq // the next page ends here
	count   int      // deletions that were asked for
	over    bool     // no page follows
}

func (r *purgeRequest) at(h *home) {
	if !h.may(r, chat.ActionErase) {
		return
	}
	switch info := h.room.Info(); {
	case !h.room.IsPresent(r.user):
		h.shard.refuse(&r.asker, notMember())
	case info.Ephemeral:
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing, so nothing in it can be deleted"))
	case h.purging && r.sinceMs == 0:
		h.shard.refuse(&r.asker, overloaded("messages are being deleted in this room; try again"))
	default:
		if r.sinceMs == 0 {
			r.sinceMs, r.before = h.shard.hub.nowMs()-r.last.Milliseconds(), info.LastSeq+1
		}
		h.purging = true
		h.purge(r)
	}
}

// purge reads the next page.
func (h *home) purge(r *purgeRequest) {
	hub, id := h.shard.hub, h.id()
	ok := h.shard.give(hub.reads, r.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		events, more, err := hub.config.Store.History(ctx, id, chat.Page{Before: r.before, ItemsMax: purgePageItems, BytesMax: purgePageBytes})
		if err == nil && !more {
			r.over = true
		}
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.purgePage(r, events, err) }))
	})
	if !ok {
		h.purged(r, overloaded("too many requests wait for the store; try again"))
	}
}

func (h *home) purgePage(r *purgeRequest, events []chat.Event, err error) {
	if err != nil {
		h.purged(r, h.shard.hub.typed("reading what is to be deleted", err))
		return
	}
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if r.over = r.over || e.TimeMs < r.sinceMs; e.TimeMs < r.sinceMs {
			break
		}
		if e.Kind == chat.EventMessage && e.User == r.whom && !e.Erased() {
			r.count++
			h.publish(&publishRequest{
				network: r.network, user: r.user, name: r.name, nonce: chat.Nonce(h.shard.hub.Uint64() | 1), kind: chat.EventDelete, target: e.Seq,
			})
		}
	}
	if len(events) == 0 {
		r.over = true
	} else {
		r.before = events[0].Seq
	}
	h.purgeLater(r)
}

// purgeLater goes on when the deletions of a page are in the log, or are not.
func (h *home) purgeLater(r *purgeRequest) {
	h.shard.worker.After(&engine.Timer{}, purgePace, func(*engine.Timer) {
		waits := h.room.OnWay(r.user) > 0
		for key := range h.targetsAsked {
			waits = waits || key.user == r.user
		}
		switch {
		case h.deleted:
			h.purged(r, noSuchRoom())
		case waits:
			h.purgeLater(r)
		case r.over:
			h.purged(r, nil)
		case h.room.Access(r.user, chat.ActionErase, h.shard.hub.nowMs()) != nil || !h.room.IsPresent(r.user):
			h.purged(r, notMember())
		default:
			h.purge(r)
		}
	})
}

// purged tells who has asked, and the audit log.
func (h *home) purged(r *purgeRequest, err *chat.Error) {
	h.purging = false
	if hub, id := h.shard.hub, h.id(); r.count > 0 {
		entry := chat.AuditEntry{
			Nonce: hub.Uint64() | 1, TimeMs: hub.nowMs(), Act: chat.AuditRoomSetting, By: r.user, Subject: r.whom, Room: id,
			What: fmt.Sprintf("%d messages of the last %v deleted", r.count, r.last),
		}
		if store, keeps := hub.config.Store.(chat.Moderation); keeps {
			h.shard.give(hub.claims, limit.Source{}, func() {
				ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
				defer cancel()
				if err := store.AddAudit(ctx, entry); err != nil {
					hub.logTrouble(&hub.troubles.request, "an entry of the audit log is lost", "room", id, "what", entry.What, "error", err)
				}
			})
		}
	}
	if err != nil {
		h.shard.refuse(&r.asker, err)
	} else {
		h.shard.answer(r.session.Worker(), &requestDone{r.asker})
	}
	h.touch()
}
