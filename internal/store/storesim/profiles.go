package storesim

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

// people is what a disk has of users beside their accounts.
type people struct {
	profiles map[chat.UserID]chat.Profile
	blocks   map[chat.Block]bool
	oldNames map[string]chat.OldName
}

func newPeople() people {
	return people{map[chat.UserID]chat.Profile{}, map[chat.Block]bool{}, map[string]chat.OldName{}}
}

func (p *people) clone() people {
	return people{maps.Clone(p.profiles), maps.Clone(p.blocks), maps.Clone(p.oldNames)}
}

func (p *people) erase(u chat.UserID) {
	delete(p.profiles, u)
	maps.DeleteFunc(p.blocks, func(b chat.Block, _ bool) bool { return b.User == u })
}

func (p *people) putProfile(u chat.UserID, x chat.Profile) {
	if p.profiles[u] = x; x == (chat.Profile{}) {
		delete(p.profiles, u)
	}
}

// firstOf returns the first of some that come behind a place, in their order.
func firstOf[T any](all []T, compare func(a, b T) int, behind func(T) bool, itemsMax int) []T {
	all = slices.DeleteFunc(all, func(x T) bool { return !behind(x) })
	slices.SortFunc(all, compare)
	return all[:min(len(all), max(itemsMax, 1))]
}

// look is a call that reads: do is done with the disk locked.
func look[T any](ctx context.Context, s *Store, call string, do func(*Disk) T) (none T, _ error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, call); err != nil {
		return none, err
	}
	return do(d), nil
}

// Profiles is documented at chat.Store.
func (s *Store) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	return look(ctx, s, "Profiles", func(d *Disk) []chat.ProfileRecord {
		return d.people.first(func(u chat.UserID) bool { return slices.Contains(users, u) }, chat.ProfilesMax)
	})
}

func (p *people) first(wanted func(chat.UserID) bool, itemsMax int) []chat.ProfileRecord {
	var all []chat.ProfileRecord
	for u, x := range p.profiles {
		all = append(all, chat.ProfileRecord{User: u, Profile: x})
	}
	return firstOf(all, func(a, b chat.ProfileRecord) int { return cmp.Compare(a.User, b.User) },
		func(r chat.ProfileRecord) bool { return wanted(r.User) }, itemsMax)
}

// ChangeProfile is documented at chat.Store.
func (s *Store) ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (p chat.Profile, err error) {
	err = s.write(ctx, "ChangeProfile", func(d *Disk) error {
		if !d.isUser(user) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", user)
		}
		p = c.Apply(d.people.profiles[user])
		d.people.putProfile(user, p)
		return nil
	})
	return p, err
}

// Block is documented at chat.Store.
func (s *Store) Block(ctx context.Context, b chat.BlockChange) error {
	return s.write(ctx, "Block", func(d *Disk) error {
		switch {
		case !d.isUser(b.User) || !d.isUser(b.Whom):
			return chat.Errorf(chat.CodeNoUser, "there is no such user")
		case b.Remove:
			delete(d.people.blocks, b.Block)
			return nil
		}
		n := 0
		for x := range d.people.blocks {
			if x.User == b.User && x != b.Block {
				n++
			}
		}
		if !d.people.blocks[b.Block] && b.Most > 0 && n >= b.Most {
			return b.TooMany()
		}
		d.people.blocks[b.Block] = true
		return nil
	})
}

// Blocks is documented at chat.Store.
func (s *Store) Blocks(ctx context.Context, user, after chat.UserID, itemsMax int) ([]chat.Person, error) {
	return look(ctx, s, "Blocks", func(d *Disk) []chat.Person {
		var all []chat.Person
		for b := range d.people.blocks {
			if b.User == user {
				all = append(all, chat.Person{ID: b.Whom, Name: d.users[b.Whom-1].user.Name})
			}
		}
		return firstOf(all, func(a, b chat.Person) int { return cmp.Compare(a.ID, b.ID) }, func(p chat.Person) bool { return p.ID > after }, itemsMax)
	})
}

// RoomMarks is documented at chat.Store.
func (s *Store) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	return look(ctx, s, "RoomMarks", func(d *Disk) []chat.Membership {
		return firstOf(slices.Collect(maps.Values(d.members)), compareMemberships, func(m chat.Membership) bool { return m.Room == room }, itemsMax)
	})
}

// Rename is documented at chat.Store.
func (s *Store) Rename(ctx context.Context, r chat.Rename) error {
	if r.Key == "" || r.Name == "" {
		return chat.Errorf(chat.CodeBadRequest, "a rename needs a name and its key")
	}
	return s.write(ctx, "Rename", func(d *Disk) error { return d.rename(&r) })
}

func (d *Disk) rename(r *chat.Rename) error {
	if !d.isUser(r.User) {
		return chat.Errorf(chat.CodeNoUser, "there is no user %d", r.User)
	}
	me, c := d.users[r.User-1], r.Claim()
	if me.user.Key != r.Key {
		var holder *account
		for _, a := range d.users {
			switch {
			case a == me:
			case a.user.Key == r.Key:
				holder = a
			case c.Look != "" && a.look == c.Look && a.user.Key != "" && !c.Free(&a.user):
				return r.Taken()
			}
		}
		if holder != nil && !c.Free(&holder.user) || d.keptLook(&c) {
			return r.Taken()
		}
		if old, had := d.people.oldNames[r.Key]; had && old.User != r.User && !old.Free(&c) {
			return r.Taken()
		}
		kept := 0
		for _, n := range d.people.oldNames {
			if n.User == r.User && n.Key != r.Key && !n.Free(&c) {
				kept++
			}
		}
		if me.user.Key != "" && r.NamesMax > 0 && kept >= r.NamesMax {
			return r.TooMany()
		}
		if holder != nil {
			holder.user.Key, holder.devices = "", nil
		}
		maps.DeleteFunc(d.people.oldNames, func(key string, n chat.OldName) bool {
			return key == r.Key || n.User == r.User && n.Free(&c)
		})
		if key := me.user.Key; key != "" {
			d.people.oldNames[key] = chat.OldName{Key: key, User: r.User, Look: me.look, LeftMs: r.NowMs}
		}
	}
	me.user.Name, me.user.Key, me.look = r.Name, r.Key, r.Look
	for _, log := range d.rooms {
		for i := range log.events {
			if log.events[i].User == r.User {
				log.events[i].Name = r.Name
			}
		}
	}
	return nil
}

// keptLook reports whether a name looks like one that is kept for somebody else.
func (d *Disk) keptLook(c *chat.Claim) bool {
	for _, n := range d.people.oldNames {
		if c.Look != "" && n.Look == c.Look && n.Key != c.Key && n.User != c.Proven && !n.Free(c) {
			return true
		}
	}
	return false
}

// formerOf returns who had a name before he took another one, nil if nobody had.
func (d *Disk) formerOf(key string) (*account, chat.OldName) {
	n, had := d.people.oldNames[key]
	if !had {
		return nil, n
	}
	return d.users[n.User-1], n
}
