package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"

	"sarang/chat"
)

// records copies what stores keep beside users, rooms and logs: chat.RecordKinds.
func (c *copying) records(ctx context.Context) error {
	for _, k := range chat.RecordKinds() {
		if err := c.recordsOf(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// known reports whether there is something of a kind to be copied: not all stores keep all. It
// is an error if the other store can not keep what is there.
func (c *copying) known(ctx context.Context, k chat.RecordKind) (bool, error) {
	first, err := c.from.Records(ctx, k, nil, 1)
	if chat.CodeOf(err) == chat.CodeBadRequest {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = c.to.Records(ctx, k, nil, 1)
	if chat.CodeOf(err) == chat.CodeBadRequest && (k.Log || len(first) == 0) {
		return false, nil
	}
	return err == nil, err
}

// recordsOf brings the records of a kind that are not there yet into the other store. Those that
// follow from logs are there, and differ only where that from which they came was erased.
func (c *copying) recordsOf(ctx context.Context, k chat.RecordKind) error {
	if known, err := c.known(ctx, k); err != nil || !known {
		return err
	}
	for after := chat.Record(nil); ; {
		want, err := c.from.Records(ctx, k, after, copyRecordsMax)
		if err != nil || len(want) == 0 {
			return err
		}
		page, err := c.to.Records(ctx, k, after, copyRecordsMax)
		if err != nil {
			return err
		}
		have := make(map[string]string, len(page))
		for _, r := range page {
			have[fmt.Sprintf("%#v", k.Key(r))] = fmt.Sprintf("%#v", r)
		}
		var missing []chat.Record
		for _, r := range want {
			there, is := have[fmt.Sprintf("%#v", k.Key(r))]
			if is && !k.Log && !k.Seeded && there != fmt.Sprintf("%#v", r) {
				return differRecord(k.Name, k.Key(r))
			}
			if there != fmt.Sprintf("%#v", r) {
				missing = append(missing, r)
			}
		}
		if len(missing) > 0 {
			if err := c.to.AddRecords(ctx, k, missing); err != nil {
				return err
			}
			c.Written += uint64(len(missing))
		}
		after = k.Key(want[len(want)-1])
		c.progress(k.Name, c.Written, c.Written)
	}
}

// differRecord says which record it is that differs, by its key: no secret is in that.
func differRecord(kind string, key any) error {
	return chat.Errorf(chat.CodeBadRequest,
		"what is kept as %q is not the same in both stores, at %.100q: copy into an empty one, and let nobody use either meanwhile",
		kind, fmt.Sprint(key))
}

// compareRest reads all but the logs from both stores.
func (c *copying) compareRest(ctx context.Context) error {
	if _, err := compareAll(c, c.total, "users",
		func(s chat.Archive, at chat.UserRecord) ([]chat.UserRecord, error) {
			return s.Users(ctx, at.ID, copyRecordsMax)
		},
		func(u chat.UserRecord) any { return u.ID }); err != nil {
		return err
	}
	devices, err := compareAll(c, c.total, "devices",
		func(s chat.Archive, at chat.DeviceRecord) ([]chat.DeviceRecord, error) {
			return s.AllDevices(ctx, at.Ref(), copyRecordsMax)
		},
		func(d chat.DeviceRecord) any { return d.Ref() })
	if err != nil {
		return err
	}
	invitations, err := compareAll(c, c.total, "invitations",
		func(s chat.Archive, at chat.Invitation) ([]chat.Invitation, error) {
			return s.Invitations(ctx, at.Code, copyRecordsMax)
		},
		func(i chat.Invitation) any { return i.Note })
	if err != nil {
		return err
	}
	memberships, err := compareAll(c, c.total, "memberships",
		func(s chat.Archive, at chat.Membership) ([]chat.Membership, error) {
			return s.Memberships(ctx, at.User, at.Room, copyRecordsMax)
		},
		func(m chat.Membership) any { return [2]uint64{uint64(m.User), uint64(m.Room)} })
	if err != nil {
		return err
	}
	c.Others = devices + invitations + memberships
	for _, k := range chat.RecordKinds() {
		known, err := c.known(ctx, k)
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		sum := c.total
		if k.Log { // it is told by the logs, and a store may keep it in another way
			sum = sha256.New()
		}
		n, err := compareAll(c, sum, k.Name,
			func(s chat.Archive, at chat.Record) ([]chat.Record, error) {
				return s.Records(ctx, k, at, copyRecordsMax)
			},
			func(r chat.Record) any { return k.Key(r) })
		if err != nil {
			return err
		}
		if !k.Log {
			c.Others += n
		}
	}
	return nil
}

// compareAll reads a list from both stores, in pages; key names one of it. It returns how many
// there are.
func compareAll[T any](c *copying, sum hash.Hash, what string, read func(s chat.Archive, at T) ([]T, error), key func(T) any) (n uint64, err error) {
	for at := *new(T); ; {
		want, err := read(c.from, at)
		if err != nil {
			return n, err
		}
		have, err := read(c.to, at)
		if err != nil {
			return n, err
		}
		for i := range want {
			text := fmt.Sprintf("%#v", want[i])
			if i >= len(have) || fmt.Sprintf("%#v", have[i]) != text {
				return n, differRecord(what, key(want[i]))
			}
			fmt.Fprintln(sum, what, text)
		}
		if len(have) > len(want) {
			return n, differRecord(what, key(have[len(want)]))
		}
		if len(want) == 0 {
			return n, nil
		}
		n += uint64(len(want))
		at = want[len(want)-1]
		c.progress("compared "+what, n, n)
	}
}
