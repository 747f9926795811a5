package storesim

import (
	"maps"
	"slices"

	"sarang/chat"
)

// Copy is what a disk held at a moment, as a backup has it.
type Copy struct {
	rooms   []*roomLog
	users   []*account
	members map[seat]chat.Membership
	follows map[follower]chat.Follow

	moderation moderation
	files      map[chat.FileID]*file
	people     people
}

// Copy copies the disk, without what is in doubt.
func (d *Disk) Copy() *Copy {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := copyOf(d.rooms, d.users, d.members)
	c.follows = maps.Clone(d.follows)
	c.moderation, c.files, c.people = d.moderation.clone(), copyFiles(d.files), d.people.clone()
	return c
}

// PutBack has the disk hold what it held when c was made, as an operator does who puts an
// older copy in the place of a store. No store may be in use meanwhile: those that are
// opened afterwards know nothing of it.
func (d *Disk) PutBack(c *Copy) {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := copyOf(c.rooms, c.users, c.members)
	d.rooms, d.users, d.members, d.inDoubt = own.rooms, own.users, own.members, nil
	d.newest, d.follows = map[uint64]outcome{}, maps.Clone(c.follows)
	d.moderation, d.files, d.people = c.moderation.clone(), copyFiles(c.files), c.people.clone()
}

func copyFiles(files map[chat.FileID]*file) map[chat.FileID]*file {
	own := make(map[chat.FileID]*file, len(files))
	for id, f := range files {
		of := *f
		of.links = maps.Clone(f.links)
		own[id] = &of
	}
	return own
}

func copyOf(rooms []*roomLog, users []*account, members map[seat]chat.Membership) *Copy {
	c := &Copy{members: maps.Clone(members)}
	for _, log := range rooms {
		own := *log
		own.events, own.roles, own.changes = slices.Clone(log.events), maps.Clone(log.roles), copyChanges(log.changes)
		own.mentions = maps.Clone(log.mentions)
		c.rooms = append(c.rooms, &own)
	}
	for _, a := range users {
		own := *a
		own.devices = slices.Clone(a.devices)
		c.users = append(c.users, &own)
	}
	return c
}

func copyChanges(changes map[chat.Seq]*message) map[chat.Seq]*message {
	own := make(map[chat.Seq]*message, len(changes))
	for seq, m := range changes {
		of := *m
		of.edits, of.emojis = slices.Clone(m.edits), make(map[string]*emoji, len(m.emojis))
		for text, on := range m.emojis {
			of.emojis[text] = &emoji{on.since, maps.Clone(on.by)}
		}
		own[seq] = &of
	}
	return own
}

// LastSeq returns the end of a room's log in the copy, 0 if it has no such room.
func (c *Copy) LastSeq(id chat.RoomID) chat.Seq {
	if id == 0 || uint64(id) > uint64(len(c.rooms)) {
		return 0
	}
	return c.rooms[id-1].room.LastSeq
}

// LetsIn reports whether everybody who can show a token to the disk can show it to the copy,
// too: no token was given in the place of another since it was made. The users are the same.
func (c *Copy) LetsIn(d *Disk) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, a := range d.users {
		known := map[chat.TokenHash]bool{{}: true}
		for _, old := range c.users[i].devices {
			known[old.Token], known[old.Next] = true, true
		}
		for _, now := range a.devices {
			if !known[now.Token] || !known[now.Next] {
				return false
			}
		}
	}
	return true
}

// Counts is how many rooms and users the copy has; of no copy, none.
func (c *Copy) Counts() (rooms, users int) {
	if c == nil {
		return 0, 0
	}
	return len(c.rooms), len(c.users)
}
