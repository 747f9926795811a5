package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

const (
	selectInvitation  = "SELECT code_hash, note, uses_left, expires_ms, created_ms FROM invitations WHERE code_hash = ?"
	selectInvitations = "SELECT code_hash, note, uses_left, expires_ms, created_ms FROM invitations WHERE code_hash > ? ORDER BY code_hash LIMIT ?"
	putInvitation     = "INSERT OR REPLACE INTO invitations (code_hash, note, uses_left, expires_ms, created_ms) VALUES (?, ?, ?, ?, ?)"
	useInvitation     = "UPDATE invitations SET uses_left = uses_left - 1 WHERE code_hash = ?1 AND uses_left > 0 AND (expires_ms = 0 OR expires_ms > ?2)"
)

func scanInvitation(scan func(...any) error) (i chat.Invitation, err error) {
	var uses uint64
	err = scan(hash{&i.Code}, text{&i.Note}, number[uint64]{&uses}, bits[int64]{&i.ExpiresMs}, bits[int64]{&i.CreatedMs})
	i.UsesLeft = int(min(uses, math.MaxInt32))
	return i, err
}

// invited uses an invitation, if one is needed.
func (w *writer) invited(code chat.TokenHash, nowMs int64) error {
	if code == (chat.TokenHash{}) {
		return nil
	}
	result, err := w.conn.ExecContext(context.Background(), useInvitation, code[:], nowMs)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return chat.NotInvited()
}

// AddInvitation is documented at chat.Store.
func (s *Store) AddInvitation(ctx context.Context, i chat.Invitation) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		return w.run(putInvitation, i.Code[:], i.Note, i.UsesLeft, i.ExpiresMs, i.CreatedMs)
	}})
}

// Invitation is documented at chat.Store.
func (s *Store) Invitation(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.Invitation, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.Invitation{}, err
	}
	defer s.endRead()
	i, err := scanInvitation(s.readers.db.QueryRowContext(ctx, selectInvitation, code[:]).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !i.Holds(nowMs):
		return chat.Invitation{}, chat.NotInvited()
	case err != nil:
		return chat.Invitation{}, readError(err)
	}
	return i, nil
}

// Invitations is documented at chat.Store.
func (s *Store) Invitations(ctx context.Context, after chat.TokenHash, itemsMax int) (all []chat.Invitation, err error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.db.QueryContext(ctx, selectInvitations, after[:], max(itemsMax, 1))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		i, err := scanInvitation(rows.Scan)
		if err != nil {
			return nil, readError(err)
		}
		all = append(all, i)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return all, nil
}

// EraseUser is documented at chat.Store.
func (s *Store) EraseUser(ctx context.Context, user chat.UserID, nowMs int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		id := int64(min(user, math.MaxInt64))
		result, err := w.conn.ExecContext(context.Background(),
			"UPDATE users SET name = ?1, password = NULL, seen_ms = max(seen_ms, ?2) WHERE id = ?3", chat.ErasedName, nowMs, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return chat.Errorf(chat.CodeNoUser, "there is no user with id %d", user)
		}
		for _, query := range []string{
			"DELETE FROM externals WHERE user_id = ?", "DELETE FROM profiles WHERE user_id = ?", "DELETE FROM blocks WHERE user_id = ?", forgetFollows,
		} {
			if err := w.run(query, id); err != nil {
				return err
			}
		}
		return w.run("DELETE FROM devices WHERE user_id = ?", id)
	}})
}
