package hub

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
)

// What people leave behind is bounded: by rates of their addresses, which are slow, and by
// how many rooms there may be.

// storedEventBytes is what an event takes in the store besides its text, about.
const storedEventBytes = 128

// storedGrainBytes is what a session draws at once of what its address may have stored: so
// not every message asks the table of addresses, which all workers share.
const storedGrainBytes = 16 << 10

// SetDiskFull says whether the store's disk has less room than is kept in reserve. While it
// is so, messages to durable rooms, new rooms and new guests are refused; who is known logs
// in, reads, and comes and goes. Any goroutine may call it.
func (h *Hub) SetDiskFull(full bool) { h.diskFull.Store(full) }

// DiskFull is what SetDiskFull has said last.
func (h *Hub) DiskFull() bool { return h.diskFull.Load() }

// retryFullDisk is when to try again what a full disk does not allow.
const retryFullDisk = 30 * time.Second

func fullDisk(what string) *chat.Error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the server's disk is nearly full: " + what + "; try again later", RetryAfter: retryFullDisk}
}

// diskTakes refuses an event while the disk is full.
func (s *Shard) diskTakes(o *Session, ref RequestRef) bool {
	if !s.hub.diskFull.Load() {
		return true
	}
	s.limited(o, limitedDisk)
	err := fullDisk("nothing is stored now")
	err.RetryAfter += s.spread(o, ref)
	s.fail(o, ref, err)
	return false
}

// mayStore counts an event with a text of so many bytes, or refuses it if the session's
// address has had too much stored.
func (s *Shard) mayStore(o *Session, ref RequestRef, events, textBytes int) bool {
	if o.trusted || s.hub.limits.config.AddressStoredBytesPerHour == 0 {
		return true
	}
	n := events*storedEventBytes + textBytes
	if n > o.stored {
		peer, now, table := o.Engine.Peer().Addr(), s.now(), s.hub.limits.addresses
		grain := min(s.hub.limits.config.AddressStoredBytesBurst/16, storedGrainBytes)
		draw := max(n-o.stored, grain)
		wait := table.Store(peer, now, draw)
		if wait > 0 { // is there as much as is needed?
			draw = n - o.stored
			wait = table.Store(peer, now, draw)
		}
		if wait > 0 {
			s.limited(o, limitedStored)
			s.charge(o, RefusedBytes)
			s.fail(o, ref, &chat.Error{
				Code: chat.CodeTooFast, RetryAfter: wait + s.spread(o, ref),
				Message: fmt.Sprintf("your address may have %d bytes stored per hour; try again later", s.hub.limits.config.AddressStoredBytesPerHour),
			})
			return false
		}
		o.stored += draw
	}
	o.stored -= n
	return true
}

// giveStored gives back what a session that is over has drawn and not used.
func (s *Shard) giveStored(o *Session) {
	if o.stored > 0 {
		s.hub.limits.addresses.Unstore(o.Engine.Peer().Addr(), o.stored)
		o.stored = 0
	}
}

// maker is who makes a room.
type maker struct {
	source  limit.Source
	peer    netip.Addr
	user    chat.UserID
	trusted bool
}

func (o *Session) maker() maker {
	return maker{o.source(), o.Engine.Peer().Addr(), o.User, o.trusted}
}

// mayMake counts a room that is to be made, or says why it is not.
func (s *Shard) mayMake(m *maker) *chat.Error {
	if s.hub.diskFull.Load() {
		s.hub.noteLimited(limitedDisk, s.now(), m.peer, m.user)
		return fullDisk("no rooms are made now")
	}
	c := &s.hub.limits.config
	if m.trusted || c.AddressRoomsPerHour == 0 && c.AddressRoomsPerDay == 0 {
		return nil
	}
	wait := s.hub.limits.addresses.Room(m.peer, s.now())
	if wait == 0 {
		return nil
	}
	s.hub.noteLimited(limitedRoomsMade, s.now(), m.peer, m.user)
	return &chat.Error{
		Code: chat.CodeTooFast, RetryAfter: wait,
		Message: fmt.Sprintf("your address may make %d rooms per hour and %d per day (0: any number)", c.AddressRoomsPerHour, c.AddressRoomsPerDay),
	}
}
