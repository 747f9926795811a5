package sqlstore

import (
	"cmp"
	"slices"

	"sarang/chat"
)

// newBatch checks what needs no database and brings b into the form in which it is
// stored. users is the newest id of a user that b names.
func newBatch(b chat.Batch) (out *Batch, users chat.UserID, err error) {
	if b.ID.Writer == 0 {
		return nil, 0, chat.Errorf(chat.CodeBadRequest, "a batch needs a writer")
	}
	total := 0
	order := make([]*chat.Append, len(b.Appends))
	for i := range b.Appends {
		order[i] = &b.Appends[i]
		total += len(b.Appends[i].Events)
	}
	slices.SortFunc(order, func(x, y *chat.Append) int { return cmp.Compare(x.Room, y.Room) })
	out = &Batch{ID: b.ID, Heads: make([]Head, 0, len(order)), Rows: make([]Row, 0, total)}
	for i, a := range order {
		if i > 0 && a.Room == order[i-1].Room {
			return nil, 0, chat.Errorf(chat.CodeSequence, "room %d is there twice in one batch", a.Room)
		}
		if a.Room == 0 {
			return nil, 0, noRoom(a.Room)
		}
		for j := range a.Events {
			e := &a.Events[j]
			if err := checkEvent(a.Room, e, a.After+1+chat.Seq(j)); err != nil {
				return nil, 0, err
			}
			users = max(users, e.User, e.Subject)
		}
		out.add(a)
	}
	return out, users, nil
}

// checkEvent checks an event that is to be next in room, whatever its log holds.
func checkEvent(room chat.RoomID, e *chat.Event, next chat.Seq) error {
	switch {
	case e.Seq != next || next == 0:
		return chat.Errorf(chat.CodeSequence, "event %d of room %d stands where %d is next", e.Seq, room, next)
	case e.Room != room:
		return chat.Errorf(chat.CodeBadRequest, "an event of room %d is appended to room %d", e.Room, room)
	case e.User == 0 && !e.ByServer():
		return noUser(e.User)
	case e.Kind.Rules() && e.Subject == 0:
		return noUser(e.Subject)
	case e.Target >= e.Seq:
		return chat.Errorf(chat.CodeBadRequest, "event %d of room %d is about event %d, which is not earlier", e.Seq, room, e.Target)
	}
	return nil
}

func noRoom(id chat.RoomID) error {
	return chat.Errorf(chat.CodeNoRoom, "there is no room with id %d", id)
}

func noUser(id chat.UserID) error {
	return chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", id)
}

// add takes a in: its events, what they add to what their authors have said, and the
// roles that they give.
func (b *Batch) add(a *chat.Append) {
	head := Head{Room: a.Room, After: a.After, Events: len(a.Events)}
	authors := make(map[chat.UserID]int) // into b.Authors
	var members map[chat.UserID]int      // into b.Members
	for i := range a.Events {
		e := &a.Events[i]
		if e.Kind == chat.EventMessage {
			head.Said = Said{head.Count + 1, e.Seq}
		}
		row := Row{Event: e, Said: head.Said, Head: len(b.Heads)}
		if e.Kind.Authored() {
			at, found := authors[e.User]
			if !found {
				at = len(b.Authors)
				authors[e.User] = at
				b.Authors = append(b.Authors, AuthorDelta{Room: a.Room, User: e.User, Last: UnknownSeq})
			}
			author := &b.Authors[at]
			row.Prev, author.Last = author.Last, e.Seq
			if e.Kind == chat.EventMessage {
				author.Sent++
			}
		}
		if e.Kind.Changes() {
			b.Changes = append(b.Changes, e)
		}
		if e.Links() {
			b.Linked = append(b.Linked, e)
		}
		if e.Kind == chat.EventTopic || e.Kind.Sets() {
			b.Sets = append(b.Sets, e)
		}
		if e.Kind == chat.EventExpire {
			b.Expires = append(b.Expires, e)
		}
		if e.Kind == chat.EventMessage && e.Files != "" {
			b.Named = append(b.Named, e)
		}
		if e.Kind == chat.EventRole {
			head.Ruled = true
			if members == nil {
				members = make(map[chat.UserID]int)
			}
			at, found := members[e.Subject]
			if !found {
				at = len(b.Members)
				members[e.Subject] = at
				b.Members = append(b.Members, Member{Room: a.Room, User: e.Subject})
			}
			b.Members[at].Role, b.Members[at].UntilMs, b.Members[at].Seq = e.Role, e.UntilMs, e.Seq
		}
		b.About = b.About || e.Target|chat.Seq(e.Subject)|chat.Seq(e.Role)|chat.Seq(e.Extra()) != 0
		head.LastMs = e.TimeMs
		b.Rows = append(b.Rows, row)
	}
	b.Heads = append(b.Heads, head)
}
