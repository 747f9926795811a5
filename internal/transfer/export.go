package transfer

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sarang/chat"
)

// Exported is how much an export has told.
type Exported struct {
	Users  uint64 `json:"users"`
	Rooms  uint64 `json:"rooms"`
	Events uint64 `json:"events"`
}

// Export tells what a server holds, or, if only is not 0, one room and those who are named in it,
// as lines of JSON, without their ends. tell does not keep a line. The server may go on meanwhile:
// of each room the log is told up to where it ends when its turn comes.
func Export(ctx context.Context, s chat.Archive, only chat.RoomID, tell func([]byte) error, progress Progress) (Exported, error) {
	x := &exporting{ctx: ctx, store: s, tell: tell, progress: progress, extra: map[chat.UserID]uint64{}}
	if err := x.line(&line{Type: typeHeader, Version: formatVersion}); err != nil {
		return x.Exported, err
	}
	if only != 0 {
		r, err := s.Room(ctx, only)
		if err != nil {
			return x.Exported, err
		}
		x.total = uint64(r.LastSeq)
		if err := x.room(&r); err != nil {
			return x.Exported, err
		}
		return x.Exported, x.end()
	}
	if err := x.allUsers(); err != nil {
		return x.Exported, err
	}
	if err := x.eachRoom(func(r *chat.Room) error { x.total += uint64(r.LastSeq); return nil }); err != nil {
		return x.Exported, err
	}
	if err := x.eachRoom(x.room); err != nil {
		return x.Exported, err
	}
	return x.Exported, x.end()
}

type exporting struct {
	Exported
	ctx      context.Context
	store    chat.Archive
	tell     func([]byte) error
	progress Progress
	total    uint64

	// Who has a line: the first users of the store by their ids, and others by the order in
	// which they were named.
	first uint64
	extra map[chat.UserID]uint64
	gone  chat.UserID // the id of a user that is not there, to ask for it once
}

func (x *exporting) line(l *line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return x.tell(b)
}

func (x *exporting) end() error {
	return x.line(&line{Type: typeEnd, Users: x.Users, Rooms: x.Rooms, Events: x.Events})
}

func (x *exporting) allUsers() error {
	for {
		page, err := x.store.Users(x.ctx, chat.UserID(x.first), pageEventsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if next := chat.UserID(x.first + 1 + uint64(i)); page[i].ID != next {
				return chat.Errorf(chat.CodeInternal, "user %d stands where %d is next", page[i].ID, next)
			}
		}
		profiles, err := x.profiles(page)
		if err != nil {
			return err
		}
		for i := range page {
			x.first++
			if err := x.userLine(x.first, &page[i].User, profiles[page[i].ID]); err != nil {
				return err
			}
		}
		x.progress("users", x.Users, x.Users)
	}
}

func (x *exporting) profiles(page []chat.UserRecord) (map[chat.UserID]chat.Profile, error) {
	all := make(map[chat.UserID]chat.Profile)
	for some := range slices.Chunk(page, chat.ProfilesMax) {
		ids := make([]chat.UserID, len(some))
		for i := range some {
			ids[i] = some[i].ID
		}
		records, err := x.store.Profiles(x.ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			all[r.User] = r.Profile
		}
	}
	return all, nil
}

func (x *exporting) userLine(id uint64, u *chat.User, p chat.Profile) error {
	x.Users++
	_, key, err := chat.ParseUserName(u.Name)
	return x.line(&line{
		Type: typeUser, ID: id, Name: u.Name, CreatedMs: u.CreatedMs, Former: err != nil || key != u.Key,
		DisplayName: p.DisplayName, About: p.About, Status: p.Status, Hidden: p.Hidden,
	})
}

// user returns the number of a user in the file, and gives him a line if he has none; 0 if he is
// not there.
func (x *exporting) user(id chat.UserID) (uint64, error) {
	if id == 0 || id == x.gone {
		return 0, nil
	}
	if uint64(id) <= x.first {
		return uint64(id), nil
	}
	if n, known := x.extra[id]; known {
		return n, nil
	}
	u, err := x.store.User(x.ctx, id)
	if chat.CodeOf(err) == chat.CodeBadRequest {
		x.gone = id
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var p chat.Profile
	switch records, err := x.store.Profiles(x.ctx, []chat.UserID{id}); {
	case err != nil:
		return 0, err
	case len(records) > 0:
		p = records[0].Profile
	}
	n := x.Users + 1
	x.extra[id] = n
	return n, x.userLine(n, &u, p)
}

func (x *exporting) eachRoom(do func(*chat.Room) error) error {
	for after := chat.RoomID(0); ; {
		page, err := x.store.AllRooms(x.ctx, after, pageEventsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := do(&page[i]); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// room tells a room, its log and its members.
func (x *exporting) room(r *chat.Room) error {
	l := &line{Type: typeRoom, Name: r.Name, CreatedMs: r.CreatedMs, Private: r.Private, Ephemeral: r.Ephemeral}
	var err error
	if l.Creator, err = x.user(r.Creator); err != nil {
		return err
	}
	for _, u := range r.DirectUsers() {
		n, err := x.user(u)
		if err != nil {
			return err
		}
		l.Direct = append(l.Direct, n)
	}
	x.Rooms++
	l.ID = x.Rooms
	if err := x.line(l); err != nil {
		return err
	}
	before := chat.Seq(0) // the events that were erased
	for at := chat.Seq(0); at < r.LastSeq; {
		page, _, err := x.store.History(x.ctx, r.ID, chat.Page{After: at, ItemsMax: pageEventsMax, BytesMax: pageBytesMax})
		switch {
		case err != nil:
			return err
		case len(page) == 0 || at > 0 && page[0].Seq != at+1:
			return chat.Errorf(chat.CodeInternal, "the log of room %d has no event %d", r.ID, at+1)
		case at == 0:
			before = page[0].Seq - 1
		}
		for i := range page {
			if page[i].Seq > r.LastSeq {
				break
			}
			if err := x.event(&page[i], before); err != nil {
				return err
			}
		}
		at = page[len(page)-1].Seq
		x.progress("events", x.Events, max(x.total, x.Events))
	}
	return x.members(r, before)
}

// event tells an event of a log of which the first events are not there any more.
func (x *exporting) event(e *chat.Event, before chat.Seq) (err error) {
	place := func(s chat.Seq) uint64 { return uint64(max(s, before) - before) }
	l := &line{
		Type: kindName(e.Kind), Room: x.Rooms, Seq: place(e.Seq), TimeMs: e.TimeMs, UntilMs: e.UntilMs, Value: e.Value,
		Files: e.Files.All(),
	}
	if l.User, err = x.user(e.User); err != nil {
		return err
	}
	if l.Subject, err = x.user(e.Subject); err != nil {
		return err
	}
	if e.Kind == chat.EventRole {
		l.Role = e.Role.String()
	}
	switch e.Kind {
	case chat.EventMessage:
		l.ReplyTo, l.Thread = place(e.Target), place(e.Root)
	default:
		l.Target = place(e.Target)
	}
	switch e.Kind {
	case chat.EventReact, chat.EventUnreact:
		l.Emoji = e.Text
	case chat.EventMessage, chat.EventEdit:
		if l.Text, l.Mentions, err = x.mentions(e.Text); err != nil {
			return err
		}
	default:
		l.Text = e.Text
	}
	x.Events++
	return x.line(l)
}

// mentions puts the file's numbers into the mentions of a text, and lists them. One of somebody
// who is not there becomes text: user 0 is no mention.
func (x *exporting) mentions(text string) (string, []uint64, error) {
	var all []uint64
	text, err := mapMentions(text, func(u chat.UserID) (uint64, error) {
		n, err := x.user(u)
		if n != 0 && !slices.Contains(all, n) {
			all = append(all, n)
		}
		return n, err
	})
	if chat.MentionsAll(text) {
		all = append(all, 0)
	}
	return text, all, err
}

// mapMentions puts other numbers into the mentions of a text.
func mapMentions(text string, to func(chat.UserID) (uint64, error)) (string, error) {
	var b strings.Builder
	end := 0
	for m := range chat.Mentions(text) {
		if m.User == 0 {
			continue
		}
		n, err := to(m.User)
		if err != nil {
			return "", err
		}
		at := strings.LastIndexByte(text[:m.End], ':') + 1
		b.WriteString(text[end:at])
		b.WriteString(strconv.FormatUint(n, 10))
		end = m.End - 1 // the bracket stays
	}
	if end == 0 {
		return text, nil
	}
	b.WriteString(text[end:])
	return b.String(), nil
}

func (x *exporting) members(r *chat.Room, before chat.Seq) error {
	if r.Ephemeral {
		return nil
	}
	all, err := x.store.RoomMarks(x.ctx, r.ID, membersMax)
	if err != nil {
		return err
	}
	place := func(s chat.Seq) uint64 { return uint64(max(min(s, r.LastSeq), before) - before) }
	for _, m := range all {
		n, err := x.user(m.User)
		if err != nil {
			return err
		}
		if err := x.line(&line{Type: typeMember, Room: x.Rooms, User: n, Since: place(m.Since), Read: place(m.Mark), Muted: m.Muted}); err != nil {
			return err
		}
	}
	return nil
}
