// Package storesim is a simulated store for tests: a disk in memory, and the stores of
// the servers that share it, which fail as a test decides.
//
// # Basics
//
// A Disk is what stays when a program dies. A Store is one program's end of it, a
// chat.Store; several may be open at a time, as when several servers share a database.
// A Trouble decides what becomes of each call.
//
// What is written is in doubt until it is synced. A commit that fails between the two is
// CodeUncertain. Whether it took place is decided by Trouble.Kept as soon as it matters:
// when its writer sends it again, when anybody else commits, or at a crash. Nobody sees
// it before.
package storesim

import (
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// Disk is what simulated stores keep when the programs that use it die.
type Disk struct {
	mu          lock.Mutex
	rooms       []*roomLog // by id - 1
	users       []*account // by id - 1
	externals   map[string]chat.UserID
	invitations []chat.Invitation // by code
	trouble     Trouble
	inDoubt     *commit            // written, not synced, and nobody knows whether it will be
	newest      map[uint64]outcome // of each writer's batches that took effect
	members     map[seat]chat.Membership
	follows     map[follower]chat.Follow
	observer    func(chat.Event)

	conflictEventsMax int

	moderation moderation
	files      map[chat.FileID]*file
	people     people
}

// Trouble decides what goes wrong with a disk. Its methods are called with the disk
// locked and must not use it.
type Trouble interface {
	// Next is asked once for every call that a store gets.
	Next(call string) Fault
	// Kept decides whether writes in doubt took place.
	Kept() bool
}

// Fault is what becomes of one call.
type Fault uint8

// The faults.
const (
	FaultNone        Fault = iota
	FaultUnavailable       // nothing is done
	FaultUncertain         // Commit: written, and not known whether synced. Others: as FaultUnavailable
	FaultDieBefore         // the program dies before anything is written
	FaultDieBetween        // Commit: it dies when all is written, but not synced. Others: as FaultNone
	FaultDieAfter          // it dies when all is done, before anybody has heard
)

// DiedError is the panic value by which a call tells that the program has died in it.
type DiedError struct{ Call string }

// Error says where.
func (e *DiedError) Error() string { return "the program died in " + e.Call }

// String names a fault for the transcript.
func (f Fault) String() string {
	switch f {
	case FaultNone:
		return "no fault"
	case FaultUnavailable:
		return "nothing is done"
	case FaultUncertain:
		return "written, and not known whether synced"
	case FaultDieBefore:
		return "the program dies before"
	case FaultDieBetween:
		return "the program dies between write and sync"
	case FaultDieAfter:
		return "the program dies after"
	}
	return "an unknown fault"
}

type roomLog struct {
	room   chat.Room
	erased chat.Seq     // so many events are gone from the beginning
	events []chat.Event // the others
	roles  map[chat.UserID]chat.Given

	changes  map[chat.Seq]*message      // what became of the messages that were changed
	mentions map[chat.Seq][]chat.UserID // whom messages mention, as they are now

	deleted bool // the room is not there any more
	gone    bool // and nothing of it is left
}

type account struct {
	user     chat.User
	password string
	look     string
	devices  []chat.DeviceRecord // by id
}

// commit is a batch that was compared with the logs.
type commit struct {
	id        chat.BatchID
	appends   []chat.Append // those without a conflict
	conflicts []chat.Conflict
}

// outcome is what a batch that took effect was answered with.
type outcome struct {
	number    uint64
	conflicts []chat.Conflict
}

// NewDisk returns an empty disk that works. observer, if not nil, is told of every
// event in the moment in which it is stored for good, with the disk locked.
func NewDisk(observer func(chat.Event)) *Disk {
	return &Disk{
		newest: make(map[uint64]outcome), members: make(map[seat]chat.Membership), follows: make(map[follower]chat.Follow),
		observer: observer, conflictEventsMax: chat.ConflictEventsMax, people: newPeople(),
	}
}

// SetConflictEventsMax has a conflict return fewer events than chat.ConflictEventsMax, as
// a store may; at least one.
func (d *Disk) SetConflictEventsMax(n int) { d.conflictEventsMax = n }

// SetTrouble changes what goes wrong from now on; nil is nothing.
func (d *Disk) SetTrouble(t Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = t
}

// Crash settles what is in doubt, as a restart does.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle()
}

// Open returns a store on the disk.
func (d *Disk) Open() *Store { return &Store{disk: d} }

// settle decides whether the commit in doubt took place.
func (d *Disk) settle() {
	c := d.inDoubt
	d.inDoubt = nil
	if c != nil && (d.trouble == nil || d.trouble.Kept()) {
		d.sync(c)
	}
}

// sync makes c a part of the logs.
func (d *Disk) sync(c *commit) {
	for _, a := range c.appends {
		log := d.log(a.Room)
		for _, e := range a.Events {
			d.append(log, e)
			if e.Kind.Changes() {
				d.alter(log, &e)
			}
			if d.observer != nil {
				d.observer(e)
			}
			if e.Kind == chat.EventExpire {
				d.expire(log, e.Target)
			}
		}
	}
	if last, known := d.newest[c.id.Writer]; !known || last.number <= c.id.Number {
		d.newest[c.id.Writer] = outcome{c.id.Number, c.conflicts}
	}
}

func (d *Disk) append(log *roomLog, e chat.Event) {
	log.events = append(log.events, e)
	log.room.Set(&e)
	log.room.LastSeq, log.room.LastMs = e.Seq, e.TimeMs
	switch e.Kind {
	case chat.EventMessage:
		d.users[e.User-1].user.SentCount++
		d.name(&e)
		d.mention(log, e.Seq, e.Text)
		d.follow(log, &e)
	case chat.EventRole:
		log.room.Ruled = true
		log.roles[e.Subject] = chat.Given{Role: e.Role, UntilMs: e.UntilMs}
	}
}

func (d *Disk) log(id chat.RoomID) *roomLog {
	if id == 0 || uint64(id) > uint64(len(d.rooms)) {
		return nil
	}
	if log := d.rooms[id-1]; !log.deleted {
		return log
	}
	return nil
}

// compare checks b and compares it with the logs. What it returns is the disk's own.
func (d *Disk) compare(b chat.Batch) (*commit, error) {
	if b.ID.Writer == 0 {
		return nil, chat.Errorf(chat.CodeBadRequest, "a batch of nobody")
	}
	c := &commit{id: b.ID}
	seen := map[chat.RoomID]bool{}
	for _, a := range b.Appends {
		if seen[a.Room] {
			return nil, chat.Errorf(chat.CodeSequence, "room %d is in the batch twice", a.Room)
		}
		seen[a.Room] = true
		if err := d.check(a); err != nil {
			return nil, err
		}
		log := d.log(a.Room)
		if a.After == log.room.LastSeq {
			c.appends = append(c.appends, copyAppend(a))
			continue
		}
		conflict := chat.Conflict{Room: a.Room, Last: log.room.LastSeq}
		if a.After < conflict.Last && a.After >= log.erased {
			between := log.events[a.After-log.erased:]
			conflict.Between = slices.Clone(between[:min(len(between), d.conflictEventsMax)])
		}
		c.conflicts = append(c.conflicts, conflict)
	}
	return c, nil
}

// check says what is wrong with a whatever the log holds, nil if nothing.
func (d *Disk) check(a chat.Append) error {
	log := d.log(a.Room)
	switch {
	case log == nil:
		return chat.Errorf(chat.CodeNoRoom, "there is no room %d", a.Room)
	case log.room.Ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "room %d is ephemeral", a.Room)
	}
	for i := range a.Events {
		e, next := &a.Events[i], a.After+1+chat.Seq(i)
		switch {
		case e.Seq != next || next == 0:
			return chat.Errorf(chat.CodeSequence, "event %d of room %d stands where %d is next", e.Seq, a.Room, next)
		case e.Room != a.Room:
			return chat.Errorf(chat.CodeBadRequest, "an event of room %d is appended to room %d", e.Room, a.Room)
		case !d.isUser(e.User) && !e.ByServer():
			return chat.Errorf(chat.CodeBadRequest, "there is no user %d", e.User)
		case (e.Kind.Rules() || e.Subject != 0) && !d.isUser(e.Subject):
			return chat.Errorf(chat.CodeBadRequest, "there is no user %d to be given a role", e.Subject)
		case e.Target >= e.Seq:
			return chat.Errorf(chat.CodeBadRequest, "event %d of room %d is about %d, which is not earlier", e.Seq, a.Room, e.Target)
		}
	}
	return nil
}

func (d *Disk) isUser(id chat.UserID) bool { return id != 0 && uint64(id) <= uint64(len(d.users)) }

// copyAppend keeps what is only lent.
func copyAppend(a chat.Append) chat.Append {
	a.Events = slices.Clone(a.Events)
	for i := range a.Events {
		e := &a.Events[i]
		e.Name, e.Text, e.Files = string([]byte(e.Name)), string([]byte(e.Text)), chat.FileList([]byte(e.Files))
	}
	return a
}

// Rooms returns all rooms in order of their ids, for whoever looks at the disk from
// outside: nothing goes wrong, and nothing that is in doubt is settled.
func (d *Disk) Rooms() []chat.Room {
	d.mu.Lock()
	defer d.mu.Unlock()
	rooms := make([]chat.Room, len(d.rooms))
	for i, log := range d.rooms {
		rooms[i] = log.room
	}
	return rooms
}

// Owner returns who made a room, as Rooms does; 0 if there is no such room. It does not lock:
// an observer may call it.
func (d *Disk) Owner(id chat.RoomID) chat.UserID {
	if log := d.log(id); log != nil {
		return log.room.Creator
	}
	return 0
}

// Log returns the stored events of a room, as Rooms does.
func (d *Disk) Log(id chat.RoomID) []chat.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	if log := d.log(id); log != nil {
		return slices.Clone(log.events)
	}
	return nil
}
