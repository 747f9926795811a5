package storesim

import (
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

// keptName is a name that a room had.
type keptName struct {
	room    chat.RoomID
	untilMs int64
}

// nameFree returns an error if a room can not have a name.
func (d *Disk) nameFree(name, key string, room chat.RoomID, nowMs int64) error {
	for _, log := range d.rooms {
		if log.room.Key == key && log.room.ID != room && !log.deleted {
			return chat.Errorf(chat.CodeRoomExists, "there is a room %q", name)
		}
	}
	if k := d.moderation.names[key]; k.room != 0 && k.room != room && k.untilMs > nowMs {
		return chat.NameKept(name)
	}
	return nil
}

func (d *Disk) keepName(key string, room chat.RoomID, untilMs int64) {
	if d.moderation.names == nil {
		d.moderation.names = map[string]keptName{}
	}
	d.moderation.names[key] = keptName{room, untilMs}
}

// RenameRoom is documented at chat.Moderation.
func (s *Store) RenameRoom(ctx context.Context, id chat.RoomID, name, key string, keptMs int64, a chat.AuditEntry) error {
	return s.moderate(ctx, "RenameRoom", a, func(d *Disk) error {
		log := d.log(id)
		switch {
		case name == "" || key == "":
			return chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
		case log == nil:
			return chat.Errorf(chat.CodeNoRoom, "there is no room %d", id)
		case log.room.Name == name:
			return nil
		}
		if key != log.room.Key {
			if err := d.nameFree(name, key, id, a.TimeMs); err != nil {
				return err
			}
			kept := 0
			for _, k := range d.moderation.names {
				if k.room == id && k.untilMs > a.TimeMs {
					kept++
				}
			}
			if kept >= chat.RoomNamesKeptMax {
				return chat.Errorf(chat.CodeTooMany, "the room has had %d other names of late", kept)
			}
			d.keepName(log.room.Key, id, keptMs)
			delete(d.moderation.names, key)
		}
		log.room.Name, log.room.Key = name, key
		d.note(a)
		return nil
	})
}

// DeleteRoom is documented at chat.Moderation.
func (s *Store) DeleteRoom(ctx context.Context, id chat.RoomID, keptMs int64, a chat.AuditEntry) error {
	return s.moderate(ctx, "DeleteRoom", a, func(d *Disk) error {
		log := d.log(id)
		if log == nil {
			return chat.Errorf(chat.CodeNoRoom, "there is no room %d", id)
		}
		if d.inDoubt != nil && slices.ContainsFunc(d.inDoubt.appends, func(a chat.Append) bool { return a.Room == id }) {
			d.settle()
		}
		d.keepName(log.room.Key, id, keptMs)
		log.deleted = true
		d.note(a)
		return nil
	})
}

// EraseDeleted is documented at chat.Moderation. One room is erased at once.
func (s *Store) EraseDeleted(ctx context.Context, itemsMax int) (more bool, err error) {
	err = s.write(ctx, "EraseDeleted", func(d *Disk) error {
		for _, log := range d.rooms {
			if !log.deleted || log.gone {
				continue
			}
			d.unlinkRoom(log.room.ID)
			*log = roomLog{
				room: chat.Room{ID: log.room.ID}, deleted: true, gone: true,
				roles: map[chat.UserID]chat.Given{}, changes: map[chat.Seq]*message{},
			}
			maps.DeleteFunc(d.follows, func(f follower, _ chat.Follow) bool { return f.room == log.room.ID })
			maps.DeleteFunc(d.members, func(at seat, _ chat.Membership) bool { return at.room == log.room.ID })
			d.moderation.reports = slices.DeleteFunc(d.moderation.reports, func(r chat.Report) bool { return r.Room == log.room.ID })
			d.moderation.dropLinks(func(l *roomLink) bool { return l.Room == log.room.ID })
			delete(d.moderation.filters, log.room.ID)
			more = true
			return nil
		}
		return nil
	})
	return more, err
}
