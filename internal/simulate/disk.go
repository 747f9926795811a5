package simulate

import (
	"context"
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// Disk is what a simulated store keeps when the program that uses it dies. A Store is
// that program's end of it.
//
// What is written is in doubt until it is synced. A commit that fails between the two
// is CodeUncertain; whether it took place is found out by LastSeq, or is decided by a
// crash.
type Disk struct {
	mu       lock.Mutex
	rooms    []*roomLog // by id - 1
	users    []*account // by id - 1
	trouble  Trouble
	inDoubt  []chat.Append // written, not synced, and nobody knows whether it will be
	observer func(chat.Event)
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
	events []chat.Event
}

type account struct {
	user  chat.User
	token chat.TokenHash
}

// NewDisk returns an empty disk that works. observer, if not nil, is told of every
// event in the moment in which it is stored for good, with the disk locked.
func NewDisk(observer func(chat.Event)) *Disk { return &Disk{observer: observer} }

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

// Open returns a store on the disk. One store at a time uses a disk.
func (d *Disk) Open() *Store { return &Store{disk: d} }

func (d *Disk) settle() {
	appends := d.inDoubt
	d.inDoubt = nil
	if len(appends) > 0 && (d.trouble == nil || d.trouble.Kept()) {
		d.sync(appends)
	}
}

// sync makes appends a part of the logs.
func (d *Disk) sync(appends []chat.Append) {
	for _, a := range appends {
		log := d.log(a.Room)
		for _, e := range a.Events {
			log.events = append(log.events, e)
			log.room.LastSeq = e.Seq
			if e.Kind == chat.EventMessage {
				d.users[e.User-1].user.SentCount++
			}
			if d.observer != nil {
				d.observer(e)
			}
		}
	}
}

func (d *Disk) log(id chat.RoomID) *roomLog {
	if id == 0 || uint64(id) > uint64(len(d.rooms)) {
		return nil
	}
	return d.rooms[id-1]
}

// check says what is wrong with appends, nil if nothing.
func (d *Disk) check(appends []chat.Append) error {
	next := map[chat.RoomID]chat.Seq{}
	for _, a := range appends {
		log := d.log(a.Room)
		switch {
		case log == nil:
			return chat.Errorf(chat.CodeNoRoom, "there is no room %d", a.Room)
		case log.room.Ephemeral:
			return chat.Errorf(chat.CodeBadRequest, "room %d is ephemeral", a.Room)
		}
		if _, seen := next[a.Room]; !seen {
			next[a.Room] = log.room.LastSeq + 1
		}
		for i := range a.Events {
			e := &a.Events[i]
			switch {
			case e.Room != a.Room:
				return chat.Errorf(chat.CodeBadRequest, "an event of room %d is appended to room %d", e.Room, a.Room)
			case e.User == 0 || uint64(e.User) > uint64(len(d.users)):
				return chat.Errorf(chat.CodeBadRequest, "there is no user %d", e.User)
			case e.Seq != next[a.Room]:
				return chat.Errorf(chat.CodeSequence, "event %d of room %d comes where %d is next", e.Seq, a.Room, next[a.Room])
			}
			next[a.Room]++
		}
	}
	return nil
}

// copyAppends keeps what is only lent.
func copyAppends(appends []chat.Append) []chat.Append {
	kept := make([]chat.Append, len(appends))
	for i, a := range appends {
		kept[i] = chat.Append{Room: a.Room, Events: slices.Clone(a.Events)}
		for j := range kept[i].Events {
			e := &kept[i].Events[j]
			e.Name, e.Text = string([]byte(e.Name)), string([]byte(e.Text))
		}
	}
	return kept
}

// begin is the start of every call: it may be refused, or the program dies.
func (s *Store) begin(ctx context.Context, call string) (Fault, error) {
	if s.closed {
		return 0, chat.Errorf(chat.CodeClosed, "the store is closed")
	}
	if err := ctx.Err(); err != nil {
		return 0, &chat.Error{Code: chat.CodeUnavailable, Message: "the call was ended", Err: err}
	}
	fault := FaultNone
	if s.disk.trouble != nil {
		fault = s.disk.trouble.Next(call)
	}
	switch fault {
	case FaultUnavailable:
		return 0, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	case FaultDieBefore:
		panic(&DiedError{call})
	}
	return fault, nil
}

// died ends the program if that is the call's fate.
func died(f Fault, call string) {
	if f == FaultDieAfter {
		panic(&DiedError{call})
	}
}
