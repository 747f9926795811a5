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
		if u.ID != c.Proven && !c.Free(&u) {
			return chat.Errorf(chat.CodeNameTaken, "the name %q looks like %q, which belongs to somebody else: choose another", c.Name, u.Name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var kept int64
	err = w.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM old_names WHERE look = ? AND name_key <> ? AND user_id <> ? AND left_ms >= ?",
		c.Look, c.Key, int64(c.Proven), c.ReservedSinceMs).Scan(bits[int64]{&kept})
	if err == nil && kept > 0 {
		err = chat.Errorf(chat.CodeNameTaken, "the name %q looks like one that somebody had until lately: choose another", c.Name)
	}
	return err
}

// keepLook notes what the name of a user looks like, if that was not known.
func (w *writer) keepLook(id chat.UserID, look string) error {
	if look == "" {
		return nil
	}
	return exec(context.Background(), w.updateLook, look, int64(id))
}

func nullIfEmpty(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
