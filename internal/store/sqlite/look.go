package sqlite

import (
	"context"
	"database/sql"

	"sarang/chat"
)

// looksMax bounds the users with one look that are asked about: the newest. There is more than
// one only where older ones were free when the next came.
const looksMax = 16

const selectLook = "SELECT id, name, seen_ms, password IS NOT NULL FROM users WHERE look = ? AND name_key <> ? ORDER BY id DESC LIMIT ?"

// checkLook refuses a new name that can be taken for one that somebody has.
func (w *writer) checkLook(c *chat.Claim) error {
	if c.Look == "" {
		return nil
	}
	rows, err := w.selectLook.QueryContext(context.Background(), c.Look, c.Key, looksMax)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u chat.User
		if err := rows.Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, bits[int64]{&u.SeenMs}, flag{&u.Account}); err != nil {
			return err
		}
		if !c.Free(&u) {
			return chat.Errorf(chat.CodeNameTaken, "the name %q looks like %q, which belongs to somebody else: choose another", c.Name, u.Name)
		}
	}
	return rows.Err()
}

// keepLook notes what the name of a user looks like, if that was not known.
func (w *writer) keepLook(id chat.UserID, look string) error {
	if look == "" {
		return nil
	}
	return exec(context.Background(), w.updateLook, look, int64(id))
}

func nullIfEmpty(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
