package storesim

import (
	"context"

	"sarang/chat"
)

// follower is a user and a thread of a room.
type follower struct {
	user chat.UserID
	room chat.RoomID
	root chat.Seq
}

// follow notes who follows a thread by a message that was just put into it.
func (d *Disk) follow(log *roomLog, e *chat.Event) {
	root := log.event(e.ThreadRoot())
	if root == nil || root.Kind != chat.EventMessage {
		return
	}
	for _, f := range e.Follows(len(log.replies(root.Seq)) == 1, root) {
		at := follower{f.User, e.Room, root.Seq}
		if have, is := d.follows[at]; d.isUser(f.User) && (!is || f.Anew && !have.Followed) {
			d.follows[at] = chat.Follow{Root: root.Seq, Followed: true, Mark: max(have.Mark, f.Mark)}
		}
	}
}

// threadEnd is the newest message of a thread, or its first one; 0: there is no such message.
func (log *roomLog) threadEnd(root chat.Seq) chat.Seq {
	if e := log.event(root); e == nil || e.Kind != chat.EventMessage {
		return 0
	}
	if of := log.replies(root); len(of) > 0 {
		return of[len(of)-1]
	}
	return root
}

func (d *Disk) changeFollow(c *chat.MemberChange) chat.Follow {
	log := d.log(c.Room)
	if log == nil {
		return chat.Follow{}
	}
	last, at := log.threadEnd(c.Root), follower{c.User, c.Room, c.Root}
	if last == 0 {
		return chat.Follow{}
	}
	f := d.follows[at].After(c, last)
	if f.Root != 0 {
		d.follows[at] = f
	}
	return f
}

// Follow is documented at chat.FollowStore.
func (s *Store) Follow(ctx context.Context, user chat.UserID, room chat.RoomID, root chat.Seq) (chat.Follow, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Follow"); err != nil {
		return chat.Follow{}, err
	}
	return d.follows[follower{user, room, root}], nil
}
