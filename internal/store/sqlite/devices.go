package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

const (
	columnsOfDevice = "user_id, id, name, address, token_hash, renewed_ms, next_hash, next_ms, created_ms, seen_ms"

	// A user has few devices: they are looked through.
	selectShown   = "SELECT " + columnsOfDevice + " FROM devices WHERE user_id = ?1 AND (token_hash IN (?2, ?3) OR next_hash IN (?2, ?3)) LIMIT 4"
	selectDevices = "SELECT " + columnsOfDevice + " FROM devices WHERE user_id = ? ORDER BY id"
	putDevice     = "INSERT OR REPLACE INTO devices (" + columnsOfDevice + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

	selectAllDevices = "SELECT " + columnsOfDevice + " FROM devices WHERE (user_id, id) > (?, ?) ORDER BY user_id, id LIMIT ?"

	// Of who has a name, or had it last.
	selectPassword = `SELECT id, coalesce(password, '') FROM users WHERE name_key = ?1
	UNION ALL SELECT u.id, coalesce(u.password, '') FROM old_names o JOIN users u ON u.id = o.user_id WHERE o.name_key = ?1 LIMIT 1`
)

// hash reads a column that holds the hash of a token, or NULL.
type hash struct{ to *chat.TokenHash }

// Scan is for package sql.
func (c hash) Scan(v any) error {
	if v == nil {
		*c.to = chat.TokenHash{}
		return nil
	}
	b, ok := v.([]byte)
	if !ok || len(b) != len(*c.to) {
		return &columnError{v, "the hash of a token"}
	}
	copy(c.to[:], b)
	return nil
}

func scanDevice(rows *sql.Rows) (d chat.DeviceRecord, err error) {
	err = rows.Scan(number[chat.UserID]{&d.User}, number[chat.DeviceID]{&d.ID}, text{&d.Name}, text{&d.Address}, hash{&d.Token},
		bits[int64]{&d.RenewedMs}, hash{&d.Next}, bits[int64]{&d.NextMs}, bits[int64]{&d.CreatedMs}, bits[int64]{&d.SeenMs})
	return d, err
}

func deviceValues(d *chat.DeviceRecord) []any {
	next := any(nil)
	if d.Next != (chat.TokenHash{}) {
		next = d.Next[:]
	}
	return []any{int64(d.User), int64(d.ID), d.Name, d.Address, d.Token[:], d.RenewedMs, next, d.NextMs, d.CreatedMs, d.SeenMs}
}

func scanDevices(rows *sql.Rows, err error) (devices []chat.DeviceRecord, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, rows.Err()
}

// shownDevice returns the device of u whose token c shows, by stmt, which is selectShown.
func shownDevice(ctx context.Context, stmt *sql.Stmt, c *chat.Claim, u *chat.User) (d chat.DeviceRecord, shown bool, err error) {
	if c.Resume == (chat.TokenHash{}) && c.Fresh == (chat.TokenHash{}) {
		return d, false, nil
	}
	devices, err := scanDevices(stmt.QueryContext(ctx, int64(u.ID), c.Resume[:], c.Fresh[:]))
	for _, d := range devices {
		if c.Shows(&d, u.Account) {
			return d, true, nil
		}
	}
	return d, false, err
}

// addDevice makes the device of a claim, if it has a token, and returns its id.
func (w *writer) addDevice(c *chat.Claim, u chat.UserID) (chat.DeviceID, error) {
	d, has := c.NewDevice(u)
	if !has {
		return 0, nil
	}
	if err := exec(context.Background(), w.putDevice, deviceValues(&d)...); err != nil {
		return 0, err
	}
	all, err := scanDevices(w.selectDevices.QueryContext(context.Background(), int64(u)))
	if err != nil {
		return 0, err
	}
	for _, gone := range c.Surplus(bareDevices(all), d.ID) {
		if err := exec(context.Background(), w.endDevice, int64(u), int64(gone)); err != nil {
			return 0, err
		}
	}
	return d.ID, nil
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
	if err := s.beginRead(ctx); err != nil {
		return chat.Secret{}, err
	}
	defer s.endRead()
	err = s.readers.password.QueryRowContext(ctx, key).Scan(number[chat.UserID]{&x.User}, text{&x.Password})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.Secret{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
	case err != nil:
		return chat.Secret{}, readError(err)
	}
	return x, nil
}

const selectExternal = "SELECT user_id FROM externals WHERE external = ?"

// External is documented at chat.Store.
func (s *Store) External(ctx context.Context, external string) (u chat.UserID, err error) {
	if err := s.beginRead(ctx); err != nil {
		return 0, err
	}
	defer s.endRead()
	err = s.readers.db.QueryRowContext(ctx, selectExternal, external).Scan(number[chat.UserID]{&u})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, chat.Errorf(chat.CodeNoUser, "nobody is called so by another program")
	case err != nil:
		return 0, readError(err)
	}
	return u, nil
}

// SetPassword is documented at chat.Store.
func (s *Store) SetPassword(ctx context.Context, p chat.PasswordChange) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error { return w.setPassword(&p) }})
}

func (w *writer) setPassword(p *chat.PasswordChange) error {
	var have string
	row := w.conn.QueryRowContext(context.Background(), "SELECT coalesce(password, '') FROM users WHERE id = ?", int64(min(p.User, math.MaxInt64)))
	switch err := row.Scan(text{&have}); {
	case errors.Is(err, sql.ErrNoRows):
		return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", p.User)
	case err != nil:
		return err
	}
	if do, err := p.Judge(have); !do {
		return err
	}
	if err := w.invited(p.Invitation, p.NowMs); err != nil {
		return err
	}
	return w.run("UPDATE users SET password = ? WHERE id = ?", nullIfEmpty(p.To), int64(p.User))
}

// Devices is documented at chat.Store.
func (s *Store) Devices(ctx context.Context, user chat.UserID) ([]chat.Device, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	all, err := scanDevices(s.readers.devices.QueryContext(ctx, int64(min(user, math.MaxInt64))))
	if err != nil {
		return nil, readError(err)
	}
	return bareDevices(all), nil
}

// EndDevices is documented at chat.Store.
func (s *Store) EndDevices(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		u, only, except := int64(min(user, math.MaxInt64)), int64(min(which.Only, math.MaxInt64)), int64(min(which.Except, math.MaxInt64))
		if which.Only != 0 {
			return exec(context.Background(), w.endDevice, u, only)
		}
		return w.run("DELETE FROM devices WHERE user_id = ? AND id <> ?", u, except)
	}})
}

// AllDevices is documented at chat.Archive.
func (s *Store) AllDevices(ctx context.Context, after chat.DeviceRef, itemsMax int) ([]chat.DeviceRecord, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	all, err := scanDevices(s.readers.db.QueryContext(ctx, selectAllDevices, int64(min(after.User, math.MaxInt64)),
		int64(min(after.Device, math.MaxInt64)), max(itemsMax, 1)))
	if err != nil {
		return nil, readError(err)
	}
	return all, nil
}

// AddDevices is documented at chat.Archive. Doing it again does no harm.
func (s *Store) AddDevices(ctx context.Context, devices []chat.DeviceRecord) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		for i := range devices {
			if d := &devices[i]; d.User == 0 || d.User > w.userNext {
				return chat.Errorf(chat.CodeBadRequest, "there is no user %d who could have a device", d.User)
			}
		}
		for i := range devices {
			if err := exec(context.Background(), w.putDevice, deviceValues(&devices[i])...); err != nil {
				return err
			}
		}
		return nil
	}})
}
