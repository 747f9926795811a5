package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

func scanInvitation(scan Scan) (i chat.Invitation, err error) {
	var code string
	var uses int64
	if err := scan(&code, &i.Note, &uses, &i.ExpiresMs, &i.CreatedMs); err != nil {
		return i, err
	}
	i.UsesLeft = int(min(max(uses, 0), math.MaxInt32))
	return i, hashOf(&i.Code, code)
}

func (s *Store) invitationsBy(ctx context.Context, query string, args ...any) (all []chat.Invitation, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		all = nil
		return c.Query(ctx, query, args, func(scan Scan) error {
			i, err := scanInvitation(scan)
			all = append(all, i)
			return err
		})
	})
	return all, err
}

// invited uses an invitation, if one is needed.
func (s *Store) invited(ctx context.Context, c Conn, code chat.TokenHash, nowMs int64) error {
	if code == (chat.TokenHash{}) {
		return nil
	}
	n, err := c.Exec(ctx, s.sql.useInvitation, hexOf(code), nowMs)
	if err == nil && n != 1 {
		return chat.NotInvited()
	}
	return err
}

// AddInvitation is documented at chat.Store. Doing it again does no harm.
func (s *Store) AddInvitation(ctx context.Context, i chat.Invitation) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		if _, err := t.conn.Exec(ctx, s.sql.endInvitation, hexOf(i.Code)); err != nil {
			return err
		}
		_, err := t.conn.Exec(ctx, s.sql.insertInvitation, hexOf(i.Code), i.Note, int64(i.UsesLeft), i.ExpiresMs, i.CreatedMs)
		return err
	}})
}

// Invitation is documented at chat.Store.
func (s *Store) Invitation(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.Invitation, error) {
	all, err := s.invitationsBy(ctx, s.sql.invitation, hexOf(code))
	switch {
	case err != nil:
		return chat.Invitation{}, err
	case len(all) == 0 || !all[0].Holds(nowMs):
		return chat.Invitation{}, chat.NotInvited()
	}
	return all[0], nil
}

// Invitations is documented at chat.Store.
func (s *Store) Invitations(ctx context.Context, after chat.TokenHash, itemsMax int) ([]chat.Invitation, error) {
	return s.invitationsBy(ctx, s.sql.invitations, hexOf(after), int64(max(itemsMax, 1)))
}

// EraseUser is documented at chat.Store. Doing it again does no harm.
func (s *Store) EraseUser(ctx context.Context, user chat.UserID, nowMs int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		n, err := t.conn.Exec(ctx, s.sql.eraseUser, chat.ErasedName, nowMs, nowMs, id(user))
		switch {
		case err != nil:
			return err
		case n == 0:
			return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", user)
		}
		for _, query := range []string{s.sql.endExternals, s.sql.profile.endProfile, s.sql.profile.endBlocks, s.sql.follow.endUser} {
			if _, err = t.conn.Exec(ctx, query, id(user)); err != nil {
				return err
			}
		}
		_, err = t.conn.Exec(ctx, s.sql.endDevices, id(user), int64(0))
		return err
	}})
}
