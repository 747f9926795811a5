package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sarang/chat"
)

// sarangReader reads the lines that Export has told.
type sarangReader struct {
	im     *importer
	lines  *lineReader
	users  []person // by their numbers - 1
	rooms  uint64
	events uint64
	ended  bool

	changes map[uint64]*changes // of the room's messages, by their numbers
	skipped skips
	seq     uint64 // the newest event's number in its room's lines
	members []chat.Membership
	lost    bool // the room's own line could not be read: what is of it is left out
}

// skips are the numbers of events of a room that were left out, in order.
type skips []struct{ from, to uint64 }

// place returns the place of an event among those that were not left out; 0 if it was.
func (s skips) place(seq uint64) uint64 {
	n := seq
	for _, r := range s {
		if seq < r.from {
			break
		}
		if seq < r.to {
			return 0
		}
		n -= r.to - r.from
	}
	return n
}

// errLine is what is wrong with a line.
type errLine struct{ what string }

func (e *errLine) Error() string { return e.what }

func wrong(format string, args ...any) error {
	return &errLine{chat.Errorf(chat.CodeMalformed, format, args...).Message}
}

// keepTime bounds what is still done for an import that has ended early.
const keepTime = 10 * time.Second

// readSarang imports an export of Sarang's own. Also where it ends early the users that it has made keep their
// names, for as long as other guests do.
func readSarang(im *importer, r io.Reader) (err error) {
	defer func() {
		if err != nil {
			ended := im.ctx
			defer func() { im.ctx = ended }()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), keepTime)
			defer cancel()
			im.ctx = ctx
			_ = im.keepNames() // the error before it is the one to tell
		}
	}()
	s := &sarangReader{im: im, lines: newLineReader(r)}
	for {
		text, err := s.lines.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = s.line(text)
		}
		if err := s.im.faulty("line "+strconv.Itoa(s.lines.number), err); err != nil {
			return err
		}
	}
	if !s.ended {
		if err := im.r.fault("line "+strconv.Itoa(s.lines.number), "the file ends here, without the line %q: its end is missing", typeEnd); err != nil {
			return err
		}
	}
	if err := s.endRoom(); err != nil {
		return err
	}
	return im.keepNames()
}

// faulty counts an error of a line, and returns all others, which end the import.
func (im *importer) faulty(where string, err error) error {
	var e *errLine
	if errors.As(err, &e) {
		return im.r.fault(where, "%s", e.what)
	}
	return err
}

func (s *sarangReader) line(text []byte) error {
	if !utf8.Valid(text) {
		return wrong("it is not valid UTF-8")
	}
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return wrong("it is no line of an export: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return wrong("there is something behind the line's object")
	}
	if s.ended {
		return wrong("it stands behind the end")
	}
	if s.lines.number == 1 != (l.Type == typeHeader) {
		return wrong("the first line, and no other one, is of the type %q", typeHeader)
	}
	switch l.Type {
	case typeHeader:
		if l.Version != formatVersion {
			return chat.Errorf(chat.CodeBadRequest, "the file is of version %d of the format; this program knows %d", l.Version, formatVersion)
		}
		return nil
	case typeUser:
		return s.user(&l)
	case typeRoom:
		return s.room(&l)
	case typeMember:
		return s.member(&l)
	case typeEnd:
		s.ended = true
		if l.Users != uint64(len(s.users)) || l.Rooms != s.rooms || l.Events != s.events {
			return wrong("the file had %d users, %d rooms and %d events, and has %d, %d and %d", l.Users, l.Rooms, l.Events, len(s.users), s.rooms, s.events)
		}
		return nil
	}
	kind, known := kindsByName[l.Type]
	if number, is := strings.CutPrefix(l.Type, "event-"); is {
		n, err := strconv.ParseUint(number, 10, 8)
		kind, known = chat.EventKind(n), err == nil && kindNames[chat.EventKind(n)] == ""
	}
	if !known {
		return wrong("there is no type %q", cut(l.Type))
	}
	return s.event(kind, &l)
}

func (s *sarangReader) user(l *line) error {
	if l.ID <= uint64(len(s.users)) || l.ID > usersMax {
		return wrong("user %d stands where %d is next", l.ID, len(s.users)+1)
	}
	// Those whose lines could not be read are nobody.
	s.users = append(s.users, make([]person, l.ID-1-uint64(len(s.users)))...)
	p, err := s.person(l)
	s.users = append(s.users, p)
	return err
}

// person finds or makes the user of a line.
func (s *sarangReader) person(l *line) (person, error) {
	if l.CreatedMs < 0 || l.CreatedMs > timeMsMax {
		return person{}, wrong("created_ms is no time")
	}
	name, key, err := l.Name, "", error(nil)
	from := []string{strconv.FormatInt(l.CreatedMs, 10)}
	if l.Former {
		if chat.CheckFileName(name) != nil { // neither empty nor too long, without control characters
			return person{}, wrong("a user has no such name")
		}
		from = append(from, strconv.FormatUint(l.ID, 10))
	} else if name, key, err = chat.ParseUserName(l.Name); err != nil {
		return person{}, wrong("%v", err)
	}
	ext := external("sarang", from, name)
	p, err := s.im.find(ext, []string{strconv.FormatUint(l.ID, 10), l.Name}, name)
	if err != nil {
		return person{}, err
	}
	made := false
	switch {
	case p.id != 0:
	case l.Former:
		if p, err = s.sameUser(chat.UserID(l.ID), l); err == nil && p.id == 0 {
			made = true
			p, err = s.im.claim(chat.Claim{Name: name, Key: "(" + hash16(ext) + ")", External: ext, NowMs: l.CreatedMs})
		}
	default:
		u, found := s.im.target.UserByKey(s.im.ctx, key)
		if chat.CodeOf(found) == 0 && u.CreatedMs == l.CreatedMs {
			s.im.r.UsersThere++
			return person{u.ID, u.Name}, nil
		}
		if chat.CodeOf(found) != 0 && chat.CodeOf(found) != chat.CodeNoUser {
			return person{}, found
		}
		made = true
		p, err = s.claim(ext, name, key, l)
	}
	if err != nil {
		return person{}, err
	}
	if made {
		s.im.made = append(s.im.made, p.id)
		if len(s.im.made) >= chat.MemberChangesMax {
			if err := s.im.keepNames(); err != nil {
				return p, err
			}
		}
	}
	return p, s.profile(p, l)
}

// sameUser is the user with an id, if he is the one of the line: the file is this server's own.
func (s *sarangReader) sameUser(id chat.UserID, l *line) (person, error) {
	u, err := s.im.target.User(s.im.ctx, id)
	switch {
	case chat.CodeOf(err) == chat.CodeBadRequest:
		return person{}, nil
	case err != nil || u.Name != l.Name || u.CreatedMs != l.CreatedMs:
		return person{}, err
	}
	s.im.r.UsersThere++
	return person{u.ID, u.Name}, nil
}

// claim makes the user of a line, by another name if his is somebody else's here.
func (s *sarangReader) claim(ext, name, key string, l *line) (person, error) {
	c := chat.Claim{Name: name, Key: key, Look: chat.Skeleton(key), External: ext, NowMs: l.CreatedMs}
	p, err := s.im.claim(c)
	if chat.CodeOf(err) != chat.CodeNameTaken {
		return p, err
	}
	why := err
	for n := 1; n <= suffixesMax && chat.CodeOf(err) == chat.CodeNameTaken; n++ {
		if c.Name, c.Key, err = chat.ParseUserName(suffixed(name, "import", n)); err != nil {
			break
		}
		c.Look = chat.Skeleton(c.Key)
		p, err = s.im.claim(c)
	}
	if err != nil {
		return p, wrong("user %q can not be made: %v", name, why)
	}
	s.im.r.changed("names of users")
	s.im.r.tell("user %q (%d) is called %q here: %v", name, l.ID, p.name, why)
	return p, nil
}

// profile brings what a user says of himself, if he says nothing here.
func (s *sarangReader) profile(p person, l *line) error {
	if l.DisplayName == "" && l.About == "" && l.Status == "" && !l.Hidden {
		return nil
	}
	c := chat.ProfileChange{DisplayName: &l.DisplayName, About: &l.About, Status: &l.Status, Hidden: &l.Hidden}
	if err := c.Check(); err != nil {
		return wrong("%v", err)
	}
	there, err := s.im.target.Profiles(s.im.ctx, []chat.UserID{p.id})
	if err != nil || len(there) > 0 {
		return err
	}
	return s.im.again(func() error { _, err := s.im.target.ChangeProfile(s.im.ctx, p.id, c); return err })
}

func (s *sarangReader) endRoom() error {
	if s.im.room == nil {
		return nil
	}
	if err := s.im.enter(s.members); err != nil {
		return err
	}
	s.members = nil
	return s.im.endRoom()
}

func (s *sarangReader) room(l *line) error {
	if err := s.endRoom(); err != nil {
		return err
	}
	s.skipped, s.seq, s.lost, s.changes = nil, 0, true, nil
	if l.ID != s.rooms+1 {
		if l.ID <= s.rooms {
			return wrong("room %d stands where %d is next", l.ID, s.rooms+1)
		}
		s.rooms = l.ID // a line between could not be read
	} else {
		s.rooms++
	}
	r := chat.Room{Name: l.Name, CreatedMs: l.CreatedMs, Private: l.Private, Ephemeral: l.Ephemeral}
	if l.CreatedMs < 0 || l.CreatedMs > timeMsMax {
		return wrong("created_ms is no time")
	}
	var err error
	if l.Creator != 0 {
		creator, err := s.of(l.Creator)
		if err != nil {
			return err
		}
		r.Creator = creator.id
	}
	switch {
	case l.Ephemeral && l.Private:
		return wrong("a room is not private and ephemeral")
	case l.Direct != nil:
		r.Key, err = s.direct(l)
	default:
		name := l.Name
		if s.im.o.Into != "" {
			if s.rooms > 1 {
				return chat.Errorf(chat.CodeBadRequest, "--into is for a file that has one room, and this one has several: use --prefix")
			}
			name = s.im.o.Into
		}
		if r.Name, r.Key, err = chat.ParseRoomName(s.im.o.Prefix + name); err != nil {
			err = wrong("%v", err)
		}
	}
	if err != nil {
		return err
	}
	if s.im.names[r.Key] {
		return wrong("there was a room %q before", cut(r.Name))
	}
	s.lost = false
	return s.im.beginRoom(r, false, true)
}

// direct returns the key of a room of users.
func (s *sarangReader) direct(l *line) (string, error) {
	if len(l.Direct) > chat.DirectUsersMax || !l.Private || !strings.HasPrefix(l.Name, "@") || len(l.Name) > chat.DirectUsersMax*(chat.UserNameBytesMax+1) ||
		chat.CheckText(l.Name, len(l.Name)) != nil || strings.ContainsFunc(l.Name, func(r rune) bool { return r < ' ' }) {
		return "", wrong("a direct room is private, has %d to %d users and a name that begins with @", chat.DirectUsersMin, chat.DirectUsersMax)
	}
	var ids []chat.UserID
	for _, n := range l.Direct {
		p, err := s.of(n)
		if err != nil {
			return "", err
		}
		ids = append(ids, p.id)
	}
	key, _, err := chat.DirectKey(ids)
	if err != nil {
		return "", wrong("%v", err)
	}
	return key, nil
}

// of is a user by his number.
func (s *sarangReader) of(n uint64) (person, error) {
	if n == 0 || n > uint64(len(s.users)) || s.users[n-1].id == 0 {
		return person{}, wrong("there was no line of user %d before", n)
	}
	return s.users[n-1], nil
}

// mine checks that a line is of the room whose lines stand here.
func (s *sarangReader) mine(room uint64) error {
	switch {
	case room != s.rooms || room == 0:
		return wrong("it is of room %d, and stands behind the line of room %d", room, s.rooms)
	case s.lost || s.im.room == nil:
		return wrong("it is of a room whose line could not be read")
	}
	return nil
}

func (s *sarangReader) member(l *line) error {
	if err := s.mine(l.Room); err != nil {
		return err
	}
	p, err := s.of(l.User)
	if err != nil {
		return err
	}
	if l.Since > l.Read || l.Read > s.seq || len(s.members) >= membersMax {
		return wrong("a member has read up to an event that is there, and from where he came on")
	}
	s.members = append(s.members, chat.Membership{User: p.id, Since: s.at(l.Since), Mark: s.at(l.Read), Muted: l.Muted})
	return nil
}

// at is where an event of the file stands here; of one that was left out, the one before.
func (s *sarangReader) at(n uint64) chat.Seq {
	for n > 0 && s.skipped.place(n) == 0 {
		i := slices.IndexFunc(s.skipped, func(r struct{ from, to uint64 }) bool { return n >= r.from && n < r.to })
		n = s.skipped[i].from - 1
	}
	if n == 0 {
		return s.im.room.base
	}
	return s.im.room.base + chat.Seq(s.skipped.place(n))
}
