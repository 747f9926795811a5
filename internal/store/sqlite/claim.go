package sqlite

import (
	"context"
	"database/sql"
	"errors"
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
	p := &pending{}
	p.do = func(w *writer) (err error) {
		if u, err = w.claim(c); u.ID > w.userNext {
			w.userNext = u.ID
			p.made = func(w *writer) (bool, error) { return w.userLast >= u.ID, nil } // settling reads it
		}
		return err
	}
	err = s.gather(ctx, p)
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
	return code == chat.CodeUnavailable || code == chat.CodeUncertain || code == chat.CodeStoreGone
}

// knownUser answers a claim by reading alone: the user whose token it shows, and whether
// there is something to be written about him; or a refusal. Neither: it is for a transaction
// to decide.
func (s *Store) knownUser(ctx context.Context, c chat.Claim) (known chat.Claimed, due bool, err error) {
	if c.Proven != 0 {
		return known, false, nil
	}
	select {
	case s.claimRead <- struct{}{}: // one reader is enough, and leaves the others to pages
		defer func() { <-s.claimRead }()
	case <-ctx.Done():
		return known, false, endedError(ctx.Err())
	}
	if err := s.reads.enter(ctx); err != nil {
		return known, false, err
	}
	defer s.reads.leave()
	u := chat.User{Key: c.Key}
	err = s.readers.holder.QueryRowContext(ctx, c.Key).Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, flag{&u.Account},
		bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs}, number[uint64]{&u.SentCount})
	former := errors.Is(err, sql.ErrNoRows)
	var old chat.OldName
	if former { // who had the name before
		err = s.readers.former.QueryRowContext(ctx, c.Key).Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, text{&u.Key}, flag{&u.Account},
			bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs}, number[uint64]{&u.SentCount}, bits[int64]{&old.LeftMs})
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// Who can not be made is refused here, as one is who shows no token of somebody: how
		// long it takes does not tell whether anybody has the name.
		return known, false, c.Bars()
	case err != nil:
		return known, false, readError(err)
	}
	d, shown, err := shownDevice(ctx, s.readers.shown, &c, &u)
	switch {
	case err != nil:
		return known, false, readError(err)
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
func (w *writer) claim(c chat.Claim) (chat.Claimed, error) {
	holder, err := w.holderOf(c.Key)
	none := errors.Is(err, sql.ErrNoRows)
	switch {
	case err != nil && !none:
		return chat.Claimed{}, err
	case none:
		in, done, err := w.claimOld(c)
		if done || err != nil {
			return in, err
		}
	case c.Proven != 0 && holder.ID != c.Proven:
		return chat.Claimed{}, chat.NotProven()
	}
	if none {
		if err := w.admit(&c); err != nil {
			return chat.Claimed{}, err
		}
		if err := w.run("DELETE FROM old_names WHERE name_key = ?", c.Key); err != nil {
			return chat.Claimed{}, err
		}
		return w.makeUser(c)
	}
	d, shown, err := shownDevice(context.Background(), w.selectShown, &c, &holder)
	switch {
	case err != nil:
		return chat.Claimed{}, err
	case shown && c.NoGuests && !holder.Account && c.Password == "":
		return chat.Claimed{}, c.NotHis()
	case shown:
		return w.seeUser(holder, &d, c)
	case c.Proven != 0:
		return w.seeUser(holder, nil, c)
	case c.Free(&holder):
		if err := w.admit(&c); err != nil {
			return chat.Claimed{}, err
		}
		if err := w.loseName(holder.ID); err != nil {
			return chat.Claimed{}, err
		}
		return w.makeUser(c)
	}
	return chat.Claimed{}, refusedClaim(c)
}

// claimOld does a claim for a name that nobody has now, if it is kept for who had it before a
// rename: he is let in, and others are refused. Not done: the name is free.
func (w *writer) claimOld(c chat.Claim) (in chat.Claimed, done bool, err error) {
	old, had, err := w.oldName(c.Key)
	if err != nil || !had {
		if err == nil && c.Proven != 0 {
			err = chat.NotProven()
		}
		return in, false, err
	}
	u := chat.User{ID: old.User}
	err = w.conn.QueryRowContext(context.Background(), "SELECT name, coalesce(name_key, ''), password IS NOT NULL, created_ms, seen_ms FROM users WHERE id = ?", int64(old.User)).
		Scan(text{&u.Name}, text{&u.Key}, flag{&u.Account}, bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs})
	if err != nil {
		return in, false, err
	}
	d, shown, err := shownDevice(context.Background(), w.selectShown, &c, &u)
	his := c
	his.Look = "" // that of the name which he has not any more
	switch {
	case err != nil:
	case c.Proven != 0 && u.ID != c.Proven:
		err = chat.NotProven()
	case shown && c.NoGuests && !u.Account && c.Password == "":
		err = c.NotHis()
	case shown:
		in, err = w.seeUser(u, &d, his)
		return in, true, err
	case c.Proven != 0:
		in, err = w.seeUser(u, nil, his)
		return in, true, err
	case !old.Free(&c):
		err = refusedClaim(c)
	}
	return in, false, err
}

// holderOf returns the user who has the key, without his SentCount.
func (w *writer) holderOf(key string) (u chat.User, err error) {
	u.Key = key
	err = w.selectHolder.QueryRowContext(context.Background(), key).
		Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, flag{&u.Account}, bits[int64]{&u.CreatedMs}, bits[int64]{&u.SeenMs})
	return u, err
}

// admit refuses a claim that can make no user, and uses its invitation. It comes before
// anything is written: a refusal ends no transaction.
func (w *writer) admit(c *chat.Claim) error {
	if err := c.Bars(); err != nil {
		return err
	}
	if err := w.checkLook(c); err != nil {
		return err
	}
	return w.invited(c.Invitation, c.NowMs)
}

func (w *writer) makeUser(c chat.Claim) (chat.Claimed, error) {
	result, err := w.insertUser.ExecContext(context.Background(), c.Name, c.Key, nullIfEmpty(c.Password), c.NowMs, c.NowMs, nullIfEmpty(c.Look))
	if err != nil {
		return chat.Claimed{}, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return chat.Claimed{}, err
	}
	u := chat.User{ID: chat.UserID(id), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs, Account: c.Password != ""}
	if c.External != "" {
		if err := w.run("INSERT OR REPLACE INTO externals (external, user_id) VALUES (?, ?)", c.External, id); err != nil {
			return chat.Claimed{}, err
		}
	}
	device, err := w.addDevice(&c, u.ID)
	return chat.Claimed{User: u, Device: device}, err
}

// seeUser logs u in, from a device of his or, if d is nil, from one that is made: it moves
// SeenMs forward, if that is due, and fills SentCount.
func (w *writer) seeUser(u chat.User, d *chat.DeviceRecord, c chat.Claim) (in chat.Claimed, err error) {
	ctx := context.Background()
	if c.Sees(u.SeenMs) {
		if err := exec(ctx, w.updateSeen, c.NowMs, int64(u.ID)); err != nil {
			return in, err
		}
		u.SeenMs = c.NowMs
		if err := w.keepLook(u.ID, c.Look); err != nil {
			return in, err
		}
	}
	if d == nil {
		if in.Device, err = w.addDevice(&c, u.ID); err != nil {
			return in, err
		}
	} else {
		now, renewed, write := c.Enter(*d)
		if write {
			if err := exec(ctx, w.putDevice, deviceValues(&now)...); err != nil {
				return in, err
			}
		}
		in.Device, in.Renewed = d.ID, renewed
	}
	err = w.selectSent.QueryRowContext(ctx, int64(u.ID)).Scan(number[uint64]{&u.SentCount})
	in.User = u
	return in, err
}
