package chat

import "context"

// Follow is that a user follows a thread, or said that he does not want to, and how far he has read it.
// It is no part of the log, but who starts a thread, writes in it or is mentioned there follows it
// from then on (Event.Follows), which Commit sees to.
type Follow struct {
	Root     Seq // of the thread; 0: nothing is known of the user and it
	Followed bool
	Mark     Seq // he has read the thread up to it; it never goes back
}

// ThreadUnreadMax is up to where messages of a thread are counted that a user has not read.
const ThreadUnreadMax = 1000

// After is what f is behind a change of one of the kinds MemberFollows, MemberUnfollows and
// MemberReads, where last is the end of the thread: Thread.Last, or its first message, if it has no other
// one. Who begins to follow has read what is there by then. A mark of what nobody follows is not kept.
func (f Follow) After(c *MemberChange, last Seq) Follow {
	switch c.Kind {
	case MemberFollows:
		if !f.Followed {
			f = Follow{Root: c.Root, Followed: true, Mark: max(f.Mark, last)}
		}
	case MemberUnfollows:
		f = Follow{Root: c.Root, Mark: max(f.Mark, last)}
	case MemberReads:
		if f.Root != 0 {
			f.Mark = max(f.Mark, min(c.Seq, last))
		}
	}
	return f
}

// Follower is who follows a thread by an event.
type Follower struct {
	User UserID
	Mark Seq
	Anew bool // also if he has said that he does not want to
}

// Follows returns who follows the thread of e by it, in the order in which they are to be noted: who
// says it; then, if it is the thread's first answer, whoever said the thread's first message, and whom
// that mentioned as it was said; and whom e mentions. Of nobody who follows already anything changes.
// The first message, root, is not read if first is false. Who is mentioned may be no user.
func (e *Event) Follows(first bool, root *Event) []Follower {
	var all []Follower
	if e.User != 0 {
		all = append(all, Follower{User: e.User, Mark: e.Seq, Anew: true})
	}
	add := func(u UserID, mark Seq) {
		for _, f := range all {
			if f.User == u {
				return
			}
		}
		if u != 0 {
			all = append(all, Follower{User: u, Mark: mark})
		}
	}
	if first {
		add(root.User, root.Seq)
		for _, u := range MentionedUsers(root.Text) {
			add(u, root.Seq)
		}
	}
	for _, u := range MentionedUsers(e.Text) {
		add(u, e.Seq-1)
	}
	return all
}

// ThreadQuery says which threads of a room are wanted.
type ThreadQuery struct {
	Room     RoomID
	User     UserID // whose Follow and Unread are told; 0: nobody's
	Before   Seq    // those whose Last is below it; 0: any
	ItemsMax int    // at least 1
	Unread   bool   // those that User follows, and in which is something that he has not read
}

// FollowStore keeps who follows which thread. What a MemberChange changes of it is in
// MemberStore.ChangeMembers.
type FollowStore interface {
	// Follow returns what a user has to do with a thread; a zero Root: nothing.
	Follow(ctx context.Context, user UserID, room RoomID, root Seq) (Follow, error)
}
