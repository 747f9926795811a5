package sqlstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"

	"sarang/chat"
)

const columnsOfDevice = "user_id, id, name, address, token_hash, renewed_ms, next_hash, next_ms, created_ms, seen_ms"

// id is how an id is asked for: one beyond the database's integers is nobody's.
func id[T ~uint64](v T) int64 { return int64(min(v, math.MaxInt64)) }

func hexOf(h chat.TokenHash) string { return hex.EncodeToString(h[:]) }

// hexIfAny is hexOf, and empty for a zero hash.
func hexIfAny(h chat.TokenHash) string {
	if h == (chat.TokenHash{}) {
		return ""
	}
	return hexOf(h)
}

func hashOf(to *chat.TokenHash, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(to) && len(b) != 0 {
		return damagedError(fmt.Errorf("the hash of a token has %d digits", len(s)))
	}
	copy(to[:], b)
	return nil
}

func scanDevice(scan Scan) (d chat.DeviceRecord, err error) {
	var user, id int64
	var token, next string
	if err := scan(&user, &id, &d.Name, &d.Address, &token, &d.RenewedMs, &next, &d.NextMs, &d.CreatedMs, &d.SeenMs); err != nil {
		return d, err
	}
	if d.User, err = whole[chat.UserID](user, "the id of a user"); err != nil {
		return d, err
	}
	if d.ID, err = whole[chat.DeviceID](id, "the id of a device"); err != nil {
		return d, err
	}
	if err := hashOf(&d.Token, token); err != nil {
		return d, err
	}
	return d, hashOf(&d.Next, next)
}

// devicesBy reads the devices that a query finds.
func devicesBy(ctx context.Context, c Conn, query string, args ...any) (devices []chat.DeviceRecord, err error) {
	err = c.Query(ctx, query, args, func(scan Scan) error {
		d, err := scanDevice(scan)
		devices = append(devices, d)
		return err
	})
	return devices, err
}

// shownDevice returns the device of u whose token c shows. A user has few devices: they are
// looked through.
func (s *Store) shownDevice(ctx context.Context, conn Conn, c *chat.Claim, u *chat.User) (d chat.DeviceRecord, shown bool, err error) {
	if c.Resume == (chat.TokenHash{}) && c.Fresh == (chat.TokenHash{}) {
		return d, false, nil
	}
	devices, err := devicesBy(ctx, conn, s.sql.devices, int64(u.ID))
	for _, d := range devices {
		if c.Shows(&d, u.Account) {
			return d, true, err
		}
	}
	return d, false, err
}

// addDevice makes the device of a claim, if it has a token, and returns its id.
func (s *Store) addDevice(ctx context.Context, conn Conn, c *chat.Claim, u chat.UserID) (chat.DeviceID, error) {
	d, has := c.NewDevice(u)
	if !has {
		return 0, nil
	}
	if _, err := conn.Exec(ctx, s.sql.endDevice, int64(u), int64(d.ID)); err != nil { // one that has expired
		return 0, err
	}
	if err := s.insertDevice(ctx, conn, &d); err != nil {
		return 0, err
	}
	all, err := devicesBy(ctx, conn, s.sql.devices, int64(u))
	if err != nil {
		return 0, err
	}
	for _, gone := range c.Surplus(bareDevices(all), d.ID) {
		if _, err := conn.Exec(ctx, s.sql.endDevice, int64(u), int64(gone)); err != nil {
			return 0, err
		}
	}
	return d.ID, nil
}

func (s *Store) insertDevice(ctx context.Context, c Conn, d *chat.DeviceRecord) error {
	_, err := c.Exec(ctx, s.sql.insertDevice, int64(d.User), int64(d.ID), d.Name, d.Address, hexOf(d.Token), d.RenewedMs,
		hexIfAny(d.Next), d.NextMs, d.CreatedMs, d.SeenMs)
	return err
}

func (s *Store) updateDevice(ctx context.Context, c Conn, d *chat.DeviceRecord) error {
	_, err := c.Exec(ctx, s.sql.updateDevice, d.Name, d.Address, hexOf(d.Token), d.RenewedMs, hexIfAny(d.Next), d.NextMs, d.SeenMs,
		int64(d.User), int64(d.ID))
	return err
}

// bareDevices are the devices without what their tokens are known by.
func bareDevices(all []chat.DeviceRecord) []chat.Device {
	devices := make([]chat.Device, len(all))
	for i := range all {
		devices[i] = all[i].Device
	}
	return devices
}

// Password is documented at chat.Store.
func (s *Store) Password(ctx context.Context, key string) (x chat.Secret, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.Secret{}, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		x = chat.Secret{}
		// One question for who has the name and for who had it: how long it takes does not tell
		// which of them there is.
		return c.Query(ctx, s.sql.password, []any{key, key}, func(scan Scan) (err error) {
			var id int64
			var password string
			if err := scan(&id, &password); err != nil || x.User != 0 {
				return err
			}
			x.Password = password
			x.User, err = whole[chat.UserID](id, "the id of a user")
			return err
		})
	})
	if err == nil && x.User == 0 {
		err = chat.Errorf(chat.CodeNoUser, "nobody has that name")
	}
	return x, err
}

// External is documented at chat.Store.
func (s *Store) External(ctx context.Context, external string) (u chat.UserID, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		u = 0
		return c.Query(ctx, s.sql.external, []any{external}, func(scan Scan) (err error) {
			var id int64
			if err := scan(&id); err != nil {
				return err
			}
			u, err = whole[chat.UserID](id, "the id of a user")
			return err
		})
	})
	if err == nil && u == 0 {
		err = chat.Errorf(chat.CodeNoUser, "nobody is called so by another program")
	}
	return u, err
}

// SetPassword is documented at chat.Store.
func (s *Store) SetPassword(ctx context.Context, p chat.PasswordChange) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		have, there := "", false
		err := t.conn.Query(ctx, s.sql.passwordOf, []any{id(p.User)}, func(scan Scan) error { there = true; return scan(&have) })
		switch {
		case err != nil:
			return err
		case !there:
			return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", p.User)
		}
		if do, err := p.Judge(have); !do {
			return err
		}
		if err := s.invited(ctx, t.conn, p.Invitation, p.NowMs); err != nil {
			return err
		}
		_, err = t.conn.Exec(ctx, s.sql.setPassword, nullIfEmpty(p.To), id(p.User))
		return err
	}})
}

// Devices is documented at chat.Store.
func (s *Store) Devices(ctx context.Context, user chat.UserID) (devices []chat.Device, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		all, err := devicesBy(ctx, c, s.sql.devices, id(user))
		devices = bareDevices(all)
		return err
	})
	return devices, err
}

// EndDevices is documented at chat.Store. Doing it again does no harm.
func (s *Store) EndDevices(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		query, device := s.sql.endDevices, which.Except
		if which.Only != 0 {
			query, device = s.sql.endDevice, which.Only
		}
		_, err := t.conn.Exec(ctx, query, id(user), id(device))
		return err
	}})
}

// AllDevices is documented at chat.Archive.
func (s *Store) AllDevices(ctx context.Context, after chat.DeviceRef, itemsMax int) (devices []chat.DeviceRecord, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		u := id(after.User)
		devices, err = devicesBy(ctx, c, s.sql.allDevices, u, u, id(after.Device), int64(max(itemsMax, 1)))
		return err
	})
	return devices, err
}

// AddDevices is documented at chat.Archive. Doing it again does no harm.
func (s *Store) AddDevices(ctx context.Context, devices []chat.DeviceRecord) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		for i := range devices {
			if d := &devices[i]; d.User == 0 || d.User > t.users {
				return chat.Errorf(chat.CodeBadRequest, "there is no user %d who could have a device", d.User)
			}
		}
		for i := range devices {
			if t.again {
				if _, err := t.conn.Exec(ctx, s.sql.endDevice, int64(devices[i].User), int64(devices[i].ID)); err != nil {
					return err
				}
			}
			if err := s.insertDevice(ctx, t.conn, &devices[i]); err != nil {
				return err
			}
		}
		return nil
	}})
}
