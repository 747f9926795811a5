package transfer

import (
	"context"
	"math/rand/v2"
	"time"

	"sarang/chat"
)

// Options are how an import is done.
type Options struct {
	Format       string            // one of Formats; empty: it is told by the file
	Users        map[string]string // who is who: an id or a name in the file, and a name here or "id:7"
	SameNames    bool              // who has the same name here is the same
	Append       bool              // files of other programs: behind what a room of that name has
	Into         string            // the name of the room, for a file that has one
	Prefix       string            // before the names of rooms
	Zone         *time.Location    // of logs, whose times say none; nil: UTC
	TextBytesMax int               // longer messages are split; 0: textBytesDefault
	SkipBad      bool              // what can not be read is left out, and the rest is imported
	DryRun       bool
	Now          func() time.Time
	Progress     Progress
}

const textBytesDefault = 16 << 10 // of --text-bytes-max

// importer writes what parsers read.
type importer struct {
	ctx    context.Context
	target Target
	o      *Options
	r      *Report
	id     chat.BatchID
	noted  bool
	file   string

	people map[string]person    // by who they are for their program
	names  map[string]bool      // comparison forms of the rooms of this import
	ids    map[string]chat.Room // and those of other programs, by their ids there
	room   *importedRoom
	made   []chat.UserID // users whose names are to be kept from now on
}

type person struct {
	id   chat.UserID
	name string
}

func newImporter(ctx context.Context, t Target, o *Options) *importer {
	return &importer{
		ctx: ctx, target: t, o: o, r: &Report{}, id: chat.BatchID{Writer: rand.Uint64() | 1},
		people: map[string]person{}, names: map[string]bool{}, ids: map[string]chat.Room{},
	}
}

// note is called before each write.
func (im *importer) note() error {
	if im.noted {
		return nil
	}
	im.noted = true
	return im.target.Note(im.ctx, "import "+im.file)
}

// again does something until the store can, for some time.
func (im *importer) again(do func() error) error {
	for n := 0; ; n++ {
		err := do()
		code := chat.CodeOf(err)
		if code != chat.CodeUncertain && (code != chat.CodeUnavailable || n >= unavailableTries) {
			return err
		}
		if im.ctx.Err() != nil {
			return im.ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// roomMode is how the events of a room are taken.
type roomMode uint8

const (
	roomBegins  roomMode = iota // the first event says where in the log they are to be
	roomMatches                 // they are compared with the log
	roomAppends                 // they are written behind it
	roomRefused                 // they are counted
)

// importedRoom is the room whose events are read now.
type importedRoom struct {
	chat.Room
	label string
	whole bool // its log is to be this one, from the beginning
	joins bool // the events may stand behind others, that are older
	mode  roomMode
	base  chat.Seq // the events of the import stand behind it
	count chat.Seq // so many were read
	log   pager

	lastMs  int64 // of the newest event read
	nonceAt nonceSeed
	pending []chat.Event
	bytes   int
	written uint64
}

// pager reads a log in order.
type pager struct {
	events []chat.Event
	at     chat.Seq
	more   bool
}

func (im *importer) nextOf(room chat.RoomID, p *pager) (*chat.Event, error) {
	if len(p.events) == 0 && p.more {
		var err error
		p.events, p.more, err = im.target.History(im.ctx, room, chat.Page{After: p.at, ItemsMax: pageEventsMax, BytesMax: pageBytesMax})
		if err != nil {
			return nil, err
		}
	}
	if len(p.events) == 0 {
		return nil, nil
	}
	e := &p.events[0]
	p.events, p.at = p.events[1:], e.Seq
	return e, nil
}

// beginRoom says that what follows is of r. joins: the events may stand behind others, which are
// older. whole: if they are there already, they are at the beginning of the log.
func (im *importer) beginRoom(r chat.Room, joins, whole bool) error {
	if err := im.endRoom(); err != nil {
		return err
	}
	im.names[r.Key] = true
	b := &importedRoom{Room: r, whole: whole, joins: joins, label: "#" + r.Name}
	im.room = b
	there, err := im.target.RoomByKey(im.ctx, r.Key)
	switch {
	case err == nil:
		b.Room = there
		im.r.RoomsThere++
		if there.Private != r.Private || there.Ephemeral != r.Ephemeral {
			im.refuse("there is another room of that name, which is private or ephemeral where this one is not")
		}
		return nil
	case chat.CodeOf(err) != chat.CodeNoRoom:
		return err
	}
	if err := im.note(); err != nil {
		return err
	}
	r.Epoch = chat.Epoch(rand.Uint64()>>1 | 1)
	var made chat.Room
	err = im.again(func() (err error) {
		if made, err = im.target.CreateRoom(im.ctx, r, chat.RoomQuota{}); chat.CodeOf(err) == chat.CodeRoomExists {
			// An answer may have been lost: then it is this one.
			if there, found := im.target.RoomByKey(im.ctx, r.Key); found == nil && there.Epoch == r.Epoch {
				made, err = there, nil
			}
		}
		return err
	})
	switch code := chat.CodeOf(err); code {
	case 0:
		b.Room = made
		im.r.RoomsMade++
		return nil
	case chat.CodeNameKept, chat.CodeTooMany, chat.CodeBadName, chat.CodeRoomExists:
		im.refuse("%v", err)
		return nil
	}
	return err
}

// refuse has nothing more written to the room.
func (im *importer) refuse(format string, args ...any) {
	b := im.room
	im.r.tell("room "+b.label+": "+format, args...)
	im.r.RoomsRefused++
	im.r.EventsRefused += uint64(len(b.pending))
	b.mode, b.pending = roomRefused, nil
}

// add takes the next event of the room and returns the number that it has there. Its Room, Seq and
// Nonce are set here; Target and Root are numbers that add has returned. clamp: its time is not to
// be before that of the event before.
func (im *importer) add(e chat.Event, clamp bool) (chat.Seq, error) {
	b := im.room
	e.Nonce = b.nonceAt.of(b.Key, &e)
	if clamp && e.TimeMs < b.lastMs {
		e.TimeMs = b.lastMs
		im.r.changed("times that went back")
	}
	b.lastMs = e.TimeMs
	if b.mode == roomBegins {
		if err := im.align(&e); err != nil {
			return 0, err
		}
	}
	b.count++
	e.Room, e.Seq = b.ID, b.base+b.count
	if b.mode == roomMatches {
		there, err := im.nextOf(b.ID, &b.log)
		switch {
		case err != nil:
			return 0, err
		case there == nil:
			b.mode = roomAppends
		case !isSame(there, &e):
			im.refuse("its event %d is another one than that of the file, of %s: somebody else has written there. Import into a new room",
				there.Seq, date(e.TimeMs))
		default:
			im.r.EventsThere++
			return e.Seq, nil
		}
	}
	if b.mode == roomRefused {
		im.r.EventsRefused++
		return e.Seq, nil
	}
	b.pending, b.bytes = append(b.pending, e), b.bytes+e.BodyBytes()
	if len(b.pending) >= batchEventsMax || b.bytes >= batchBytesMax {
		return e.Seq, im.flush()
	}
	return e.Seq, nil
}

// date is a time in a sentence.
func date(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

// isSame reports whether an event of the log is the one that is to be there. What was erased since
// has no text.
func isSame(there, e *chat.Event) bool {
	return there.Kind == e.Kind && there.User == e.User && there.TimeMs == e.TimeMs && there.Target == e.Target &&
		there.Root == e.Root && there.Subject == e.Subject && there.Role == e.Role && there.UntilMs == e.UntilMs &&
		there.Value == e.Value && (there.Text == e.Text && there.Files == e.Files || there.Erased())
}

// align finds out where in the log the events are, or are to be, of which first is the first.
func (im *importer) align(first *chat.Event) error {
	b := im.room
	b.mode = roomAppends
	if b.LastSeq == 0 {
		return nil
	}
	p := pager{more: true}
	for n := 0; ; n++ {
		e, err := im.nextOf(b.ID, &p)
		if err != nil {
			return err
		}
		if e == nil {
			break
		}
		if isSame(e, first) && (n == 0 || e.Nonce == first.Nonce) {
			p.events, p.at = append([]chat.Event{*e}, p.events...), e.Seq
			b.mode, b.base, b.log = roomMatches, e.Seq-1, p
			return nil
		}
		if b.whole {
			break
		}
	}
	switch {
	case b.whole:
		im.refuse("there is one of that name already, with other events. Import into a new room, by --into or --prefix")
	case !b.joins:
		im.refuse("there is one of that name already, with other events. Import into a new room, by --into or --prefix, or behind those, by --append")
	case first.TimeMs < b.LastMs:
		im.refuse("it has events of %s, and those of the file begin at %s: the times of a room do not go back. Import into a new room, by --into or --prefix",
			date(b.LastMs), date(first.TimeMs))
	default:
		b.base = b.LastSeq
	}
	return nil
}

// flush writes what waits.
func (im *importer) flush() error {
	b := im.room
	if b == nil || len(b.pending) == 0 {
		return nil
	}
	if err := im.note(); err != nil {
		return err
	}
	im.id.Number++
	batch := chat.Batch{ID: im.id, Appends: []chat.Append{{Room: b.ID, After: b.pending[0].Seq - 1, Events: b.pending}}}
	var conflicts []chat.Conflict
	err := im.again(func() (err error) { conflicts, err = im.target.Commit(im.ctx, batch); return err })
	if err != nil {
		return err
	}
	if len(conflicts) > 0 {
		im.refuse("somebody else wrote there while it was imported")
		return nil
	}
	im.r.EventsWritten += uint64(len(b.pending))
	b.written += uint64(len(b.pending))
	b.pending, b.bytes = b.pending[:0], 0
	return nil
}

// enter brings members of the room, after all its events.
func (im *importer) enter(members []chat.Membership) error {
	b := im.room
	if err := im.flush(); err != nil {
		return err
	}
	if b.mode == roomRefused || len(members) == 0 || b.mode == roomMatches && im.goesOn() {
		return nil
	}
	there, err := im.target.RoomMarks(im.ctx, b.ID, membersMax)
	if err != nil {
		return err
	}
	is := make(map[chat.UserID]chat.Membership, len(there))
	for _, m := range there {
		is[m.User] = m
	}
	var changes []chat.MemberChange
	for _, m := range members {
		change := func(kind chat.MemberChangeKind, seq chat.Seq) {
			changes = append(changes, chat.MemberChange{Kind: kind, User: m.User, Room: b.ID, Seq: seq})
		}
		have, belongs := is[m.User]
		if !belongs {
			change(chat.MemberEnters, m.Since)
			have.Mark = m.Since
		}
		if m.Mark > have.Mark {
			change(chat.MemberMarks, m.Mark)
		}
		if m.Muted && !have.Muted {
			change(chat.MemberMutes, 0)
		}
	}
	for len(changes) > 0 {
		if err := im.note(); err != nil {
			return err
		}
		n := min(len(changes), chat.MemberChangesMax)
		err := im.again(func() error { _, err := im.target.ChangeMembers(im.ctx, changes[:n], 0); return err })
		if err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// goesOn reports whether the log has more than what was imported: it is a room that lives, whose
// members come and go by themselves.
func (im *importer) goesOn() bool { return im.room.LastSeq > im.room.base+im.room.count }

func (im *importer) endRoom() error {
	if im.room == nil {
		return nil
	}
	err := im.flush()
	im.room = nil
	return err
}
