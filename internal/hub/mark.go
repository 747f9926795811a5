package hub

import (
	"sarang/chat"
	"sarang/internal/limit"
)

// Mark notes that the session's user has read everything of a room up to seq; the client is
// told Marked or Failed, and his other sessions Marked.
func (s *Shard) Mark(o *Session, ref RequestRef, seq chat.Seq) {
	s.changeMember(o, ref, chat.MemberMarks, seq)
}

// Mute notes whether the session's user wants to be told of what happens in a room; the client
// is told Muted or Failed, and his other sessions Muted.
func (s *Shard) Mute(o *Session, ref RequestRef, muted bool) {
	kind := chat.MemberUnmutes
	if muted {
		kind = chat.MemberMutes
	}
	s.changeMember(o, ref, kind, 0)
}

// Follow notes whether the session's user follows a thread; the client is told Followed or
// Failed, and his other sessions Followed.
func (s *Shard) Follow(o *Session, ref RequestRef, root chat.Seq, remove bool) {
	kind := chat.MemberFollows
	if remove {
		kind = chat.MemberUnfollows
	}
	s.changeThread(o, ref, kind, root, 0)
}

// ReadThread notes that the session's user has read a thread up to seq, if he follows it; the
// client is told Followed or Failed, and his other sessions Followed.
func (s *Shard) ReadThread(o *Session, ref RequestRef, root, seq chat.Seq) {
	s.changeThread(o, ref, chat.MemberReads, root, seq)
}

func (s *Shard) changeMember(o *Session, ref RequestRef, kind chat.MemberChangeKind, seq chat.Seq) {
	s.changeThread(o, ref, kind, 0, seq)
}

func (s *Shard) changeThread(o *Session, ref RequestRef, kind chat.MemberChangeKind, root, seq chat.Seq) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.ask(&memberRequest{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true},
		kind:  kind, root: root, seq: seq,
	})
}

// memberRequest changes the membership of who asks.
type memberRequest struct {
	asker
	kind chat.MemberChangeKind
	root chat.Seq // of a thread
	seq  chat.Seq // of a mark
	late bool
}

func (r *memberRequest) at(h *home) {
	if !h.may(r, chat.ActionMark) {
		return
	}
	info := h.room.Info()
	if info.Ephemeral {
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing of who was in it"))
		return
	}
	if (r.kind == chat.MemberMarks || r.kind == chat.MemberReads) && !r.late && h.lacks(info.Epoch, r.seq) {
		r.late = true
		h.whenCaughtUp(r)
		return
	}
	h.shard.belong(chat.MemberChange{Kind: r.kind, User: r.user, Room: h.id(), Root: r.root, Seq: min(r.seq, info.LastSeq)}, &r.asker)
}

// LeaveForGood leaves a room, and the user does not belong to it any more. When that is stored,
// the session is out of it, if it was there, and told Left; and so are his other sessions, as if
// somebody had sent them out. If it is Failed, nothing has changed. Of an ephemeral room it is
// Leave.
func (s *Shard) LeaveForGood(o *Session, ref RequestRef) {
	if !s.mayRequest(o, ref, limit.LevelReads) {
		return
	}
	p := o.place(ref.Room)
	switch {
	case p != nil && p.cursor == nil:
		s.afterJoin(o, ref, "", func(o *Session) { s.LeaveForGood(o, ref) })
	case p != nil && p.ephemeral:
		s.leaveNow(o, ref)
	case s.begin(o, ref):
		s.ask(&memberRequest{
			asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true},
			kind:  chat.MemberLeaves,
		})
	}
}

// leftForGood takes a session out of a room to which its user does not belong any more: the one
// that has asked for it, or another.
func (s *Shard) leftForGood(o *Session, ref RequestRef, asked bool) {
	p := o.place(ref.Room)
	here := p != nil && p.cursor != nil // else it is not in the room, or comes anew
	switch {
	case !asked:
		s.remove(o, &Removed{Room: ref.Room, Code: chat.CodeLeft})
		return
	case here:
		s.stopReading(o, p)
		o.dropPlace(ref.Room)
		s.leave(o.Engine.ID(), o.User, o.format, ref.Room, true)
	}
	o.Client.Left(o, ref)
}
