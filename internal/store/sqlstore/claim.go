package sqlstore

import (
	"context"
	"slices"
	"time"

	"sarang/chat"
)

// ClaimUser is documented at chat.Store. Who is known is let in by a read: only what his
// login would write waits for a transaction, and not for long.
func (s *Store) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	if err := s.begin(ctx); err != nil {
		return chat.Claimed{}, err
	}
	defer s.end()
	if c.Key == "" || c.Name == "" {
		return chat.Claimed{}, chat.Errorf(chat.CodeBadRequest, "a claim needs a name and its key")
	}
	known, due, err := s.knownUser(ctx, c)
	if err != nil || known.ID != 0 && !due {
		return known, err
	}
	if known.ID != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seenPatience)
		defer cancel()
	}
	var u chat.Claimed
	err = s.gather(ctx, &pending{helps: known.ID != 0, do: func(ctx context.Context, t *smallTx) (err error) {
		u, err = s.claim(ctx, t, c)
		return err
	}})
	switch {
	case err == nil:
		return u, nil
	case known.ID != 0 && helpsOnly(err):
		return known, nil
	}
	return chat.Claimed{}, err
}

// seenPatience is how long a login waits for its SeenMs to be written.
const seenPatience = 500 * time.Millisecond

// helpsOnly reports whether a write that only helps may be left out for err: the store can
// not write now.
func helpsOnly(err error) bool {
	code := chat.CodeOf(err)
	return code == chat.CodeUnavailable || code == chat.CodeUncertain
}

// knownUser answers a claim by reading alone: the user whose token it shows, and whether
// there is something to be written about him; or a refusal. Neither: it is for a transaction
// to decide.
func (s *Store) knownUser(ctx context.Context, c chat.Claim) (known chat.Claimed, due bool, err error) {
	if c.Proven != 0 {
		return known, false, nil
	}
	select {
	case s.claimRead <- struct{}{}: // logins leave a connection to pages
		defer func() { <-s.claimRead }()
	case <-ctx.Done():
		return known, false, endedError(ctx.Err())
	}
	var u chat.User
	var d chat.DeviceRecord
	var old chat.OldName
	former, shown := false, false
	err = s.read(ctx, func(ctx context.Context, conn Conn) (err error) {
		if u, err = s.holderOf(ctx, conn, c.Key); err != nil {
			return err
		}
		if former = u.ID == 0; former { // who had the name before
			if u, old, err = s.formerOf(ctx, conn, c.Key); err != nil || u.ID == 0 {
				return err
			}
		}
		if u.SentCount, err = s.sentOf(ctx, conn, u.ID); err == nil {
			d, shown, err = s.shownDevice(ctx, conn, &c, &u)
		}
		return err
	})
	switch {
	case err != nil:
		return known, false, err
	case u.ID == 0:
		// Who can not be made is refused here, as one is who shows no token of somebody: how
		// long it takes does not tell whether anybody has the name.
		return known, false, c.Bars()
	case shown && c.NoGuests && !u.Account && c.Password == "":
		return known, false, c.NotHis()
	case shown:
		_, _, due = c.Enter(d)
		return chat.Claimed{User: u, Device: d.ID}, due || c.Sees(u.SeenMs), nil
	case former && old.Free(&c), !former && c.Free(&u):
		return known, false, c.Bars()
	}
	return known, false, refusedClaim(c)
}

// refusedClaim is the answer to a claim for a name that is somebody else's.
func refusedClaim(c chat.Claim) error {
	if c.Resume == (chat.TokenHash{}) {
		return chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else: choose another", c.Name)
	}
	return c.NotHis()
}

// claim does one claim inside a transaction.
func (s *Store) claim(ctx context.Context, t *smallTx, c chat.Claim) (chat.Claimed, error) {
	holder, err := s.holderOf(ctx, t.conn, c.Key)
	switch {
	case err != nil:
		return chat.Claimed{}, err
	case holder.ID == 0:
		in, done, err := s.claimOld(ctx, t, c)
		if done || err != nil {
			return in, err
		}
		if err := s.admit(ctx, t.conn, &c); err != nil {
			return chat.Claimed{}, err
		}
		if _, err := t.conn.Exec(ctx, s.sql.profile.endOldName, c.Key); err != nil {
			return chat.Claimed{}, err
		}
		return s.makeUser(ctx, t, c)
	case c.Proven != 0 && holder.ID != c.Proven:
		return chat.Claimed{}, chat.NotProven()
	}
	d, shown, err := s.shownDevice(ctx, t.conn, &c, &holder)
	switch {
	case err != nil:
		return chat.Claimed{}, err
	case shown && c.NoGuests && !holder.Account && c.Password == "":
		return chat.Claimed{}, c.NotHis()
	case shown:
		return s.seeUser(ctx, t.conn, holder, &d, c)
	case c.Proven != 0:
		return s.seeUser(ctx, t.conn, holder, nil, c)
	case c.Free(&holder):
		if err := s.admit(ctx, t.conn, &c); err != nil {
			return chat.Claimed{}, err
		}
		if err := s.loseName(ctx, t.conn, holder.ID); err != nil {
			return chat.Claimed{}, err
		}
		return s.makeUser(ctx, t, c)
	}
	return chat.Claimed{}, refusedClaim(c)
}

// holderOf returns the user who has the key, without his SentCount; nobody if his ID is 0.
func (s *Store) holderOf(ctx context.Context, c Conn, key string) (u chat.User, err error) {
	var id, account int64
	err = c.Query(ctx, s.sql.holder, []any{key}, func(scan Scan) error {
		return scan(&id, &u.Name, &account, &u.CreatedMs, &u.SeenMs)
	})
	u.ID, u.Key, u.Account = chat.UserID(id), key, account == 1
	return u, err
}

// admit refuses a claim that can make no user, and uses its invitation. It comes before
// anything is written: a refusal ends no transaction.
func (s *Store) admit(ctx context.Context, conn Conn, c *chat.Claim) error {
	if err := c.Bars(); err != nil {
		return err
	}
	if err := s.checkLook(ctx, conn, c); err != nil {
		return err
	}
	return s.invited(ctx, conn, c.Invitation, c.NowMs)
}

func (s *Store) makeUser(ctx context.Context, t *smallTx, c chat.Claim) (chat.Claimed, error) {
	t.users++
	u := chat.User{ID: t.users, Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs, Account: c.Password != ""}
	if err := s.insertUser(ctx, t.conn, chat.UserRecord{User: u, Password: c.Password, Look: c.Look}); err != nil {
		return chat.Claimed{}, err
	}
	if c.External != "" {
		if _, err := t.conn.Exec(ctx, s.sql.endExternal, c.External); err != nil {
			return chat.Claimed{}, err
		}
		if _, err := t.conn.Exec(ctx, s.sql.insertExternal, c.External, int64(u.ID)); err != nil {
			return chat.Claimed{}, err
		}
	}
	device, err := s.addDevice(ctx, t.conn, &c, u.ID)
	return chat.Claimed{User: u, Device: device}, err
}

func (s *Store) insertUser(ctx context.Context, c Conn, u chat.UserRecord) error {
	_, err := c.Exec(ctx, s.sql.insertUser, int64(u.ID), u.Name, nullIfEmpty(u.Key), nullIfEmpty(u.Password), u.CreatedMs, u.SeenMs, nullIfEmpty(u.Look))
	return err
}

func nullIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// looksMax bounds the users with one look that are asked about: the newest. There is more than
// one only where older ones were free when the next came.
const looksMax = 16

// checkLook refuses a new name that can be taken for one that somebody has.
func (s *Store) checkLook(ctx context.Context, conn Conn, c *chat.Claim) error {
	if c.Look == "" {
		return nil
	}
	err := conn.Query(ctx, s.sql.looks, []any{c.Look, c.Key, int64(looksMax)}, func(scan Scan) error {
		var id, account int64
		var u chat.User
		if err := scan(&id, &u.Name, &u.SeenMs, &account); err != nil {
			return err
		}
		u.ID, u.Account = chat.UserID(id), account == 1
		if u.ID != c.Proven && !c.Free(&u) {
			return chat.Errorf(chat.CodeNameTaken, "the name %q looks like %q, which belongs to somebody else: choose another", c.Name, u.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	kept, err := countOf(ctx, conn, s.sql.profile.countLooks, c.Look, c.Key, id(c.Proven), c.ReservedSinceMs)
	if err == nil && kept > 0 {
		err = chat.Errorf(chat.CodeNameTaken, "the name %q looks like one that somebody had until lately: choose another", c.Name)
	}
	return err
}

// seeUser logs u in, from a device of his or, if d is nil, from one that is made: it moves
// SeenMs forward, if that is due, and fills SentCount.
func (s *Store) seeUser(ctx context.Context, conn Conn, u chat.User, d *chat.DeviceRecord, c chat.Claim) (in chat.Claimed, err error) {
	if c.Sees(u.SeenMs) {
		if _, err := conn.Exec(ctx, s.sql.updateSeen, c.NowMs, int64(u.ID)); err != nil {
			return in, err
		}
		u.SeenMs = c.NowMs
		if c.Look != "" {
			if _, err := conn.Exec(ctx, s.sql.updateLook, c.Look, int64(u.ID)); err != nil {
				return in, err
			}
		}
	}
	if d == nil {
		if in.Device, err = s.addDevice(ctx, conn, &c, u.ID); err != nil {
			return in, err
		}
	} else {
		now, renewed, write := c.Enter(*d)
		if write {
			if err := s.updateDevice(ctx, conn, &now); err != nil {
				return in, err
			}
		}
		in.Device, in.Renewed = d.ID, renewed
	}
	u.SentCount, err = s.sentOf(ctx, conn, u.ID)
	in.User = u
	return in, err
}

// Seen is documented at chat.Store. Doing it again does no harm.
func (s *Store) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	users = slices.Clone(users) // it may go on when the caller has gone
	return s.gather(ctx, &pending{helps: true, do: func(ctx context.Context, t *smallTx) error {
		for _, u := range users {
			if _, err := t.conn.Exec(ctx, s.sql.updateLater, nowMs, int64(u), nowMs); err != nil {
				return err
			}
		}
		return nil
	}})
}
