package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sarang/chat"
)

// Version is the schema that this program makes and knows.
const Version = 16

// The bits of heads.flags.
const (
	headEphemeral = 1 << iota
	HeadRuled     // there are rows of it in members
	headPrivate   // as rooms.private
)

// migrations are the steps to each version from the one before, the first from nothing.
// A step that others have taken is never changed.
func migrations() [][]string {
	return [][]string{{
		// The newest ids that were given, and how many rooms there are. Who gives an id locks
		// the rows until he commits.
		`CREATE TABLE counters (
			name  {key} NOT NULL PRIMARY KEY,
			value BIGINT NOT NULL
		)`,
		"INSERT INTO counters (name, value) VALUES ('users', 0)",
		"INSERT INTO counters (name, value) VALUES ('rooms', 0)",
		"INSERT INTO counters (name, value) VALUES ('roomsAre', 0)",

		// name_key is NULL for a user whose name was taken over. token_hash is in hexadecimal.
		// look is chat.Skeleton of name_key; NULL: not known, or the user has no name.
		`CREATE TABLE users (
			id         BIGINT NOT NULL PRIMARY KEY,
			name       {text} NOT NULL,
			name_key   {key},
			token_hash {key} NOT NULL,
			created_ms BIGINT NOT NULL,
			seen_ms    BIGINT NOT NULL,
			look       {key}
		)`,
		"CREATE INDEX users_look ON users (look)",
		"CREATE UNIQUE INDEX users_name_key ON users (name_key)",

		`CREATE TABLE rooms (
			id         BIGINT NOT NULL PRIMARY KEY,
			name       {text} NOT NULL,
			name_key   {key} NOT NULL,
			epoch      BIGINT NOT NULL,
			private    SMALLINT NOT NULL,
			creator    BIGINT NOT NULL,
			created_ms BIGINT NOT NULL
		)`,
		"CREATE UNIQUE INDEX rooms_name_key ON rooms (name_key)",
		"CREATE INDEX rooms_creator ON rooms (creator, id)",
		"CREATE INDEX rooms_private ON rooms (private, id)",

		// The end of a room's log: the row that whoever appends locks, and a narrow one, for
		// it is written with every commit. flags: bit 0 is "ephemeral", bit 1 "ruled",
		// bit 2 "private".
		`CREATE TABLE heads (
			room_id  BIGINT NOT NULL PRIMARY KEY,
			last_seq BIGINT NOT NULL,
			last_ms  BIGINT NOT NULL,
			flags    BIGINT NOT NULL
		)`,

		// prev_seq is the seq of the same user's authored event before this one in the room,
		// 0 if there is none or this one is not authored: a list, newest first, whose head is
		// authors.last_seq. digest is chat.Event.Digest of authored events.
		`CREATE TABLE messages (
			room_id  BIGINT NOT NULL,
			seq      BIGINT NOT NULL,
			user_id  BIGINT NOT NULL,
			kind     SMALLINT NOT NULL,
			nonce    BIGINT NOT NULL,
			time_ms  BIGINT NOT NULL,
			prev_seq BIGINT NOT NULL,
			target   BIGINT NOT NULL,
			subject  BIGINT NOT NULL,
			role     SMALLINT NOT NULL,
			until_ms BIGINT NOT NULL,
			digest   BIGINT NOT NULL,
			text     {text} NOT NULL,
			PRIMARY KEY (room_id, seq)
		)`,

		// What a user has said in a room: a row that a commit touches once, and only with
		// the room's head locked. A user's sent count is the sum over his rooms.
		`CREATE TABLE authors (
			user_id    BIGINT NOT NULL,
			room_id    BIGINT NOT NULL,
			last_seq   BIGINT NOT NULL,
			sent_count BIGINT NOT NULL,
			PRIMARY KEY (user_id, room_id)
		)`,

		// The role that the newest role event about a user gave him, until when, and that
		// event's seq.
		`CREATE TABLE members (
			room_id  BIGINT NOT NULL,
			user_id  BIGINT NOT NULL,
			role     SMALLINT NOT NULL,
			until_ms BIGINT NOT NULL,
			seq      BIGINT NOT NULL,
			PRIMARY KEY (room_id, user_id)
		)`,
		"CREATE INDEX members_user ON members (user_id, room_id)",

		// The newest batch of each writer that has stored something, with the rooms in which
		// it had lost then: by this a batch that comes again is recognized.
		`CREATE TABLE writers (
			writer BIGINT NOT NULL PRIMARY KEY,
			number BIGINT NOT NULL,
			lost   {text} NOT NULL
		)`,
	}, {
		// said: how many messages (events of kind 1) the log has had up to this event, or the
		// head; said_seq: the newest of them. Those of the rows that are there are counted here.
		"ALTER TABLE messages ADD COLUMN said BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE messages ADD COLUMN said_seq BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE heads ADD COLUMN said BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE heads ADD COLUMN said_seq BIGINT NOT NULL DEFAULT 0",
		`UPDATE messages SET said = c.said, said_seq = c.said_seq FROM (SELECT room_id, seq,
				sum(CASE WHEN kind = 1 THEN 1 ELSE 0 END) OVER w AS said,
				max(CASE WHEN kind = 1 THEN seq ELSE 0 END) OVER w AS said_seq
			FROM messages WINDOW w AS (PARTITION BY room_id ORDER BY seq)) c
			WHERE messages.room_id = c.room_id AND messages.seq = c.seq`,
		`UPDATE heads SET said = m.said, said_seq = m.said_seq FROM messages m
			WHERE m.room_id = heads.room_id AND m.seq = heads.last_seq`,

		// Who belongs to which room since which event, and how far he has read; chat.Membership.
		// Of the data that is there, those who have said something, and have read all of it.
		`CREATE TABLE memberships (
			user_id   BIGINT NOT NULL,
			room_id   BIGINT NOT NULL,
			since_seq BIGINT NOT NULL,
			mark_seq  BIGINT NOT NULL,
			muted     SMALLINT NOT NULL,
			PRIMARY KEY (user_id, room_id)
		)`,
		`INSERT INTO memberships (user_id, room_id, since_seq, mark_seq, muted)
			SELECT a.user_id, a.room_id, h.last_seq, h.last_seq, 0 FROM authors a JOIN heads h ON h.room_id = a.room_id`,
	}, {
		// password: the hash of a user's password, in PHC form; NULL: he has none, and is a
		// guest.
		"ALTER TABLE users ADD COLUMN password {text}",

		// Where users have logged in. token_hash is what a login has to show; next_hash takes
		// its place with its first use, '' if there is none. Both are in hexadecimal. The token
		// that a user had before there were devices is his device 1; users.token_hash is empty
		// since.
		`CREATE TABLE devices (
			user_id    BIGINT NOT NULL,
			id         BIGINT NOT NULL,
			name       {text} NOT NULL,
			address    {text} NOT NULL,
			token_hash {key} NOT NULL,
			renewed_ms BIGINT NOT NULL,
			next_hash  {key} NOT NULL,
			next_ms    BIGINT NOT NULL,
			created_ms BIGINT NOT NULL,
			seen_ms    BIGINT NOT NULL,
			PRIMARY KEY (user_id, id)
		)`,
		"INSERT INTO devices SELECT id, 1, '', '', token_hash, created_ms, '', 0, created_ms, seen_ms FROM users WHERE name_key IS NOT NULL AND token_hash <> '" + strings.Repeat("0", 64) + "'",
		"UPDATE users SET token_hash = ''",

		// Codes by which people register: code_hash is the SHA-256 of one, in hexadecimal.
		// expires_ms 0: for good.
		`CREATE TABLE invitations (
			code_hash  {key} NOT NULL PRIMARY KEY,
			note       {text} NOT NULL,
			uses_left  BIGINT NOT NULL,
			expires_ms BIGINT NOT NULL,
			created_ms BIGINT NOT NULL
		)`,

		// Whom other programs know, by what they call them.
		`CREATE TABLE externals (
			external {key} NOT NULL PRIMARY KEY,
			user_id  BIGINT NOT NULL
		)`,
		"CREATE INDEX externals_user ON externals (user_id)",
	}, moderationSchema(), changeTables(), topicSchema(), fileTables(), settingsSchema(), profileSchema(), roomLifeSchema(), linkTables(), searchSchema(), roomLinkSchema(), followTables(), filterSchema(), expireSchema()}
}

// migrateTimeMax bounds a migration, and the wait for one that another server makes.
const migrateTimeMax = time.Hour

const createVersions = "CREATE TABLE sarang_schema (version BIGINT NOT NULL PRIMARY KEY)"

// migrate brings the schema up to date in one transaction. Servers that start together
// wait for each other.
func (s *Store) migrate(ctx context.Context) error {
	return s.writeWithin(ctx, migrateTimeMax, func(ctx context.Context, c Conn) error {
		return inTx(ctx, c, s.dialect.LockSchema, func() error { return s.migrateTx(ctx, c) })
	})
}

func (s *Store) migrateTx(ctx context.Context, c Conn) error {
	have, err := s.version(ctx, c)
	if err != nil {
		return err
	}
	if have > Version {
		return chat.Errorf(chat.CodeInternal,
			"%s has schema version %d, this program knows versions up to %d: use the newer program that made it",
			s.driver.Name(), have, Version)
	}
	for version, steps := range migrations() {
		if version+1 <= int(have) {
			continue
		}
		if version < len(s.dialect.Own) {
			steps = append(steps, s.dialect.Own[version]...)
		}
		for _, query := range steps {
			if _, err := c.Exec(ctx, s.dialect.compile(query)); err != nil {
				return fmt.Errorf("schema version %d: %w", version+1, err)
			}
		}
		if _, err := c.Exec(ctx, s.dialect.compile("INSERT INTO sarang_schema (version) VALUES (?)"), int64(version+1)); err != nil {
			return err
		}
	}
	return nil
}

// version returns the schema's version, 0 if there is none yet. It makes the table of
// versions if that is not there.
func (s *Store) version(ctx context.Context, c Conn) (int64, error) {
	there := false
	err := c.Query(ctx, s.dialect.SchemaThere, nil, func(Scan) error { there = true; return nil })
	if err != nil {
		return 0, err
	}
	if !there {
		_, err := c.Exec(ctx, createVersions)
		return 0, err
	}
	var have int64
	err = c.Query(ctx, "SELECT coalesce(max(version), 0) FROM sarang_schema", nil,
		func(scan Scan) error { return scan(&have) })
	return have, err
}
