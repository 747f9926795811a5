package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand/v2"
	"time"

	"sarang/chat"
)

// Bounds of what a copy reads and writes at once.
const (
	copyRecordsMax = 1000    // users, rooms, or events of a page or a commit
	copyBytesMax   = 4 << 20 // text of a page
	copyRoomsMax   = 500     // rooms of a commit
)

// Progress tells how far a copy or a check has come.
type Progress func(what string, done, total uint64)

// Copied is what a copy has done, and found.
type Copied struct {
	Users, Rooms, Events uint64 // in the store that was copied
	Others               uint64 // devices, invitations, memberships and records
	Written              uint64 // of all these, but for invitations and memberships, what was not there yet
	Sum                  [sha256.Size]byte
}

// Copy brings all that from has into to, with numbers, epochs, names, tokens and nonces as
// they are, and compares both, room by room and record by record. Nobody else may use them meanwhile. When it
// is called again after it was interrupted, it goes on where it was. Errors are
// *chat.Error: CodeBadRequest if to holds something else, or one of them was written to
// meanwhile.
func Copy(ctx context.Context, from, to chat.Archive, progress Progress) (Copied, error) {
	c := &copying{from: from, to: to, progress: progress, id: chat.BatchID{Writer: rand.Uint64() | 1}, total: sha256.New()}
	if err := eraseDeleted(ctx, from); err != nil {
		return Copied{}, err
	}
	for _, step := range []func(context.Context) error{
		c.users, c.devices, c.invitations, c.rooms, c.memberships, c.logs, c.records, c.compare,
	} {
		if err := step(ctx); err != nil {
			return c.Copied, err
		}
	}
	return c.Copied, nil
}

type copying struct {
	Copied
	from, to chat.Archive
	progress Progress
	id       chat.BatchID
	sizes    []chat.Room // rooms of from, as they were seen first
	stored   map[chat.RoomID]chat.Seq
	total    hash.Hash
}

func differ(what string, id uint64) error {
	return chat.Errorf(chat.CodeBadRequest,
		"%s %d is not the same in both stores: copy into an empty one, and let nobody use either meanwhile", what, id)
}

// same brings the records of a page that are not there yet into to; those that are there
// must be equal.
func same[T comparable](want, have []T, what string, id func(T) uint64, add func([]T) error) (added int, err error) {
	if len(have) > len(want) {
		return 0, differ(what, id(have[len(want)]))
	}
	for i := range have {
		if have[i] != want[i] {
			return 0, differ(what, id(want[i]))
		}
	}
	rest := want[len(have):]
	if len(rest) == 0 {
		return 0, nil
	}
	return len(rest), add(rest)
}

func (c *copying) users(ctx context.Context) error {
	for after := chat.UserID(0); ; {
		want, err := c.from.Users(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		have, err := c.to.Users(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		n, err := same(want, have, "user", func(u chat.UserRecord) uint64 { return uint64(u.ID) },
			func(rest []chat.UserRecord) error { return c.to.AddUsers(ctx, rest) })
		if err != nil {
			return err
		}
		if len(want) == 0 {
			return nil
		}
		c.Users += uint64(len(want))
		c.Written += uint64(n)
		c.progress("users", c.Users, c.Users)
		after = want[len(want)-1].ID
	}
}

func (c *copying) devices(ctx context.Context) error {
	for after := (chat.DeviceRef{}); ; {
		want, err := c.from.AllDevices(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		have, err := c.to.AllDevices(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		n, err := same(want, have, "a device of user", func(d chat.DeviceRecord) uint64 { return uint64(d.User) },
			func(rest []chat.DeviceRecord) error { return c.to.AddDevices(ctx, rest) })
		c.Written += uint64(n)
		if err != nil || len(want) == 0 {
			return err
		}
		after = want[len(want)-1].Ref()
	}
}

func (c *copying) invitations(ctx context.Context) error {
	for after := (chat.TokenHash{}); ; {
		page, err := c.from.Invitations(ctx, after, copyRecordsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, i := range page {
			if err := c.to.AddInvitation(ctx, i); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Code
	}
}

// bare is a room without what follows from its log.
func bare(rooms []chat.Room) []chat.Room {
	all := make([]chat.Room, len(rooms))
	for i, r := range rooms {
		r.LastSeq, r.LastMs, r.Ruled, r.Topic = 0, 0, false, ""
		r.Description, r.Archived, r.SlowSeconds, r.RetainSeconds = "", false, 0, 0
		all[i] = r
	}
	return all
}

func (c *copying) rooms(ctx context.Context) error {
	c.stored = make(map[chat.RoomID]chat.Seq)
	for after := chat.RoomID(0); ; {
		want, err := c.from.AllRooms(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		have, err := c.to.AllRooms(ctx, after, copyRecordsMax)
		if err != nil {
			return err
		}
		n, err := same(bare(want), bare(have), "room", func(r chat.Room) uint64 { return uint64(r.ID) },
			func(rest []chat.Room) error { return c.to.AddRooms(ctx, rest) })
		if err != nil {
			return err
		}
		if len(want) == 0 {
			return nil
		}
		for _, r := range have {
			c.stored[r.ID] = r.LastSeq
		}
		for _, r := range want {
			if c.stored[r.ID] > r.LastSeq {
				return differ("room", uint64(r.ID))
			}
			c.Events += uint64(r.LastSeq)
		}
		c.sizes = append(c.sizes, want...)
		c.Rooms += uint64(len(want))
		c.Written += uint64(n)
		c.progress("rooms", c.Rooms, c.Rooms)
		after = want[len(want)-1].ID
	}
}

// memberships copies who belongs to which room, and how far he has read. What is there
// already is said again: it is the same, or from a copy that was interrupted.
func (c *copying) memberships(ctx context.Context) error {
	for at := (chat.Membership{}); ; {
		page, err := c.from.Memberships(ctx, at.User, at.Room, copyRecordsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := c.to.AddMemberships(ctx, page); err != nil {
			return err
		}
		at = page[len(page)-1]
	}
}

// logs copies what the rooms' logs have beyond what is there.
func (c *copying) logs(ctx context.Context) error {
	var batch []chat.Append
	events, done := 0, uint64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := c.commit(ctx, batch); err != nil {
			return err
		}
		done += uint64(events)
		c.Written += uint64(events)
		c.progress("events", done, c.Events)
		batch, events = nil, 0
		return nil
	}
	for _, r := range c.sizes {
		at := c.stored[r.ID]
		done += uint64(at)
		for at < r.LastSeq {
			page, _, err := c.from.History(ctx, r.ID, chat.Page{After: at, ItemsMax: copyRecordsMax, BytesMax: copyBytesMax})
			if err != nil {
				return err
			}
			if len(page) > 0 && page[0].Seq != 1 && at == 0 { // what was before is erased
				at = page[0].Seq - 1
				if err := c.to.BeginLog(ctx, r, at); err != nil {
					return err
				}
				done += uint64(at)
			}
			if len(page) == 0 || page[0].Seq != at+1 {
				return missing(r.ID, at+1)
			}
			batch = append(batch, chat.Append{Room: r.ID, After: at, Events: page})
			at, events = page[len(page)-1].Seq, events+len(page)
			if at < r.LastSeq || events >= copyRecordsMax || len(batch) >= copyRoomsMax {
				if err := flush(); err != nil { // a room is once in a batch
					return err
				}
			}
		}
	}
	return flush()
}

// commit stores a batch, however often the outcome is not known.
func (c *copying) commit(ctx context.Context, appends []chat.Append) error {
	c.id.Number++
	for {
		conflicts, err := c.to.Commit(ctx, chat.Batch{ID: c.id, Appends: appends})
		if chat.CodeOf(err) == chat.CodeUncertain && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err == nil && len(conflicts) > 0 {
			return differ("room", uint64(conflicts[0].Room))
		}
		return err
	}
}

// compare reads all of both, and the sizes of the logs of the first once more.
func (c *copying) compare(ctx context.Context) error {
	done := uint64(0)
	for _, r := range c.sizes {
		now, err := c.from.Room(ctx, r.ID)
		if err != nil {
			return err
		}
		there, err := c.to.Room(ctx, r.ID)
		if err != nil {
			return err
		}
		if now != r || there != r {
			return differ("room", uint64(r.ID))
		}
		want, err := sumOf(ctx, c.from, r)
		if err != nil {
			return err
		}
		have, err := sumOf(ctx, c.to, r)
		if err != nil {
			return err
		}
		if want != have {
			return differ("the log of room", uint64(r.ID))
		}
		c.total.Write(want[:])
		done += uint64(r.LastSeq)
		c.progress("compared", done, c.Events)
	}
	if err := c.compareRest(ctx); err != nil {
		return err
	}
	c.total.Sum(c.Sum[:0])
	return nil
}

// sumOf returns a hash of all events of a room's log, which ends at r.LastSeq.
func sumOf(ctx context.Context, s chat.Store, r chat.Room) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = walk(ctx, s, r, func(e *chat.Event) { writeEvent(h, e) })
	h.Sum(sum[:0])
	return sum, err
}

func missing(room chat.RoomID, seq chat.Seq) error {
	return chat.Errorf(chat.CodeInternal, "the log of room %d has no event %d", room, seq)
}

// walk calls each for every event of a room's log, which has to be whole but for events at
// its beginning that were erased; it returns how many.
func walk(ctx context.Context, s chat.Store, r chat.Room, each func(*chat.Event)) (erased uint64, err error) {
	for at := chat.Seq(0); at < r.LastSeq; {
		page, _, err := s.History(ctx, r.ID, chat.Page{After: at, ItemsMax: copyRecordsMax, BytesMax: copyBytesMax})
		switch {
		case err != nil:
			return erased, err
		case len(page) == 0 || at > 0 && page[0].Seq != at+1:
			return erased, missing(r.ID, at+1)
		case at == 0:
			erased = uint64(page[0].Seq - 1)
		}
		for i := range page {
			each(&page[i])
		}
		at = page[len(page)-1].Seq
	}
	return erased, nil
}

func writeEvent(h hash.Hash, e *chat.Event) {
	var b [72]byte
	n := b[:0]
	for _, v := range []uint64{uint64(e.Seq), uint64(e.Kind)<<8 | uint64(e.Role), uint64(e.User), uint64(e.Nonce), uint64(e.Target), uint64(e.TimeMs), uint64(e.Subject), uint64(e.Extra()), uint64(e.BodyBytes())} {
		n = binary.LittleEndian.AppendUint64(n, v)
	}
	h.Write(n)
	fmt.Fprint(h, len(e.Name), e.Name, e.Body())
}

// eraseDeleted ends what the deletion of rooms has begun: it is not to be brought along.
func eraseDeleted(ctx context.Context, s chat.Archive) error {
	m, can := s.(chat.Moderation)
	for more := can; more; {
		var err error
		if more, err = m.EraseDeleted(ctx, copyRecordsMax); err != nil {
			return err
		}
	}
	return nil
}
