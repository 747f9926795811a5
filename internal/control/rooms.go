package control

import (
	"context"
	"crypto/rand"
	"encoding/binary"

	"sarang/chat"
)

// Room is a room as operators see it.
type Room struct {
	ID        chat.RoomID `json:"id"`
	Name      string      `json:"name"`
	Private   bool        `json:"private,omitempty"`
	Ephemeral bool        `json:"ephemeral,omitempty"`
	Creator   chat.UserID `json:"creator"`
	CreatedMs int64       `json:"created_ms"`
	LastSeq   chat.Seq    `json:"last_seq"`
	LastMs    int64       `json:"last_ms"`

	Description string `json:"description,omitempty"`
	Archived    bool   `json:"archived,omitempty"`
	SlowSeconds uint32 `json:"slow_seconds,omitempty"`
}

func roomOf(r chat.Room) Room {
	return Room{r.ID, r.Name, r.Private, r.Ephemeral, r.Creator, r.CreatedMs, r.LastSeq, r.LastMs, r.Description, r.Archived, r.SlowSeconds}
}

// RoomsArgs say which rooms are wanted: with ids above After.
type RoomsArgs struct {
	After chat.RoomID `json:"after,omitempty"`
	Max   int         `json:"max,omitempty"`
}

// Rooms is a page of them.
type Rooms struct {
	Rooms []Room `json:"rooms"`
}

func (o *Operations) listRooms(ctx context.Context, a RoomsArgs, _ Tell) (Rooms, error) {
	list := o.Store.Rooms
	if archive, can := o.Store.(chat.Archive); can {
		list = archive.AllRooms
	}
	all, err := list(ctx, a.After, page(a.Max))
	r := Rooms{Rooms: []Room{}}
	for _, one := range all {
		r.Rooms = append(r.Rooms, roomOf(one))
	}
	return r, err
}

// WhichArgs name a room, by its name or by "id:7".
type WhichArgs struct {
	Room string `json:"room"`
}

// ShownRoom is a room with what is known of it beside.
type ShownRoom struct {
	Room
	CreatorName string  `json:"creator_name,omitempty"`
	Audit       []Entry `json:"audit"` // its newest entries
}

func (o *Operations) showRoom(ctx context.Context, a WhichArgs, _ Tell) (s ShownRoom, err error) {
	r, err := o.room(ctx, a.Room)
	if err != nil {
		return s, err
	}
	s.Room, s.Audit = roomOf(r), []Entry{}
	if r.Creator != 0 {
		u, err := o.Store.User(ctx, r.Creator)
		if err != nil {
			return s, err
		}
		s.CreatorName = u.Name
	}
	m, can := o.Store.(chat.Moderation)
	if !can {
		return s, nil
	}
	entries, _, err := m.Audit(ctx, chat.AuditQuery{Room: r.ID, ItemsMax: shownEntries})
	if err != nil {
		return s, err
	}
	s.Audit, err = o.entries(ctx, entries)
	return s, err
}

// SetArgs change a setting of a room.
type SetArgs struct {
	Room    string         `json:"room"`
	Setting chat.EventKind `json:"setting"` // one that Sets
	Text    string         `json:"text,omitempty"`
	Value   uint32         `json:"value,omitempty"`
}

// setRoom changes a setting of a room. That it is so already is no error, and changes nothing.
func (o *Operations) setRoom(ctx context.Context, a SetArgs, _ Tell) (Room, error) {
	set := chat.Setting{Kind: a.Setting, Text: a.Text, Value: a.Value}
	if err := set.Check(); err != nil {
		return Room{}, err
	}
	key := ""
	if set.Kind == chat.EventName {
		var err error
		if set.Text, key, err = chat.ParseRoomName(set.Text); err != nil {
			return Room{}, err
		}
	}
	r, err := o.room(ctx, a.Room)
	if err != nil {
		return Room{}, err
	}
	if r.Ephemeral || r.IsDirect() {
		return Room{}, chat.Errorf(chat.CodeBadRequest, "an ephemeral or direct room has no settings")
	}
	after := r
	after.Set(&chat.Event{Kind: set.Kind, Text: set.Text, Value: set.Value})
	if set.Kind == chat.EventName {
		after.Name = set.Text
	}
	if after == r {
		return roomOf(r), nil
	}
	if o.Live != nil {
		err = o.Live.SetRoom(ctx, r.ID, set)
	} else {
		err = o.storeSetting(ctx, r, set, key)
	}
	if err != nil {
		return Room{}, err
	}
	r, err = o.Store.Room(ctx, r.ID)
	return roomOf(r), err
}

// conflictTries bounds how often a log is written to that others write to as well.
const conflictTries = 10

// storeSetting does what a server would do that runs.
func (o *Operations) storeSetting(ctx context.Context, r chat.Room, set chat.Setting, key string) error {
	now := chat.Millis(o.Now())
	if set.Kind == chat.EventName {
		m, err := o.moderation()
		if err != nil {
			return err
		}
		entry := o.entry(chat.AuditEntry{Act: chat.AuditRoomArchived, Room: r.ID, What: "renamed: " + r.Name + " is " + set.Text})
		if err := m.RenameRoom(ctx, r.ID, set.Text, key, now+chat.RoomNamesKept.Milliseconds(), entry); err != nil {
			return err
		}
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	nonce := chat.Nonce(binary.LittleEndian.Uint64(random[:8]) | 1)
	batch := chat.BatchID{Writer: binary.LittleEndian.Uint64(random[8:]) | 1}
	for range conflictTries {
		batch.Number++
		e := chat.Event{
			Room: r.ID, Seq: r.LastSeq + 1, Kind: set.Kind, Nonce: nonce, TimeMs: max(now, r.LastMs), Text: set.Text, Value: set.Value,
		}
		b := chat.Batch{ID: batch, Appends: []chat.Append{{Room: r.ID, After: r.LastSeq, Events: []chat.Event{e}}}}
		conflicts, err := o.Store.Commit(ctx, b)
		for chat.CodeOf(err) == chat.CodeUncertain && ctx.Err() == nil {
			conflicts, err = o.Store.Commit(ctx, b)
		}
		if err != nil || len(conflicts) == 0 {
			return err
		}
		if r, err = o.Store.Room(ctx, r.ID); err != nil {
			return err
		}
	}
	return chat.Errorf(chat.CodeUnavailable, "others write to the room all the time; try again")
}

// erasedAtOnce is how many rows of a deleted room are erased in one transaction.
const erasedAtOnce = 1000

// deleteRoom deletes a room, for good. A server that runs erases what was in it by and by, and
// here all of it is gone in the end.
func (o *Operations) deleteRoom(ctx context.Context, a WhichArgs, _ Tell) (Room, error) {
	r, err := o.room(ctx, a.Room)
	if err != nil {
		return Room{}, err
	}
	if r.Ephemeral || r.IsDirect() {
		return Room{}, chat.Errorf(chat.CodeBadRequest, "an ephemeral room goes by itself, and a direct one stays: they can not be deleted")
	}
	if o.Live != nil {
		ctx, cancel := context.WithTimeout(ctx, operationTimeout)
		defer cancel()
		return roomOf(r), o.Live.DeleteRoom(ctx, r.ID)
	}
	m, err := o.moderation()
	if err != nil {
		return Room{}, err
	}
	entry := o.entry(chat.AuditEntry{Act: chat.AuditRoomArchived, Room: r.ID, What: "deleted: " + r.Name})
	if err := m.DeleteRoom(ctx, r.ID, chat.Millis(o.Now())+chat.RoomNamesKept.Milliseconds(), entry); err != nil {
		return Room{}, err
	}
	for more := true; more; {
		if more, err = m.EraseDeleted(ctx, erasedAtOnce); err != nil {
			return roomOf(r), &chat.Error{Code: chat.CodeUnavailable, Message: "the room is deleted; what was in it is erased by the next server", Err: err}
		}
	}
	return roomOf(r), nil
}
