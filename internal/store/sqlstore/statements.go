package sqlstore

import "strings"

// statements are all that a store asks, in the words of its dialect.
type statements struct {
	change  changeStatements
	profile profileStatements
	link    linkStatements
	index   indexStatements
	follow  followStatements

	durable, retains, oldest, lastSeq, editsBehind, erase            string
	lockHead, updateHead, insertHead                                 string
	selectWriter, updateWriter                                       string
	insertWriter, touchWriter                                        string
	insertMessage, insertMessages                                    string
	selectAuthor, updateAuthor                                       string
	insertAuthor                                                     string
	updateMember, insertMember                                       string
	after, between, before                                           string
	room, roomByKey, rooms, privateRooms, allRooms                   string
	role, nonces, user, userByKey, usersAfter                        string
	lockCounters, updateCounter, counter                             string
	holder, sent                                                     string
	insertUser, updateSeen, clearKey, updateLater, looks, updateLook string
	roomKey, insertRoom, countCreated                                string
	membership, countMemberships, enter, leave, mark, mute           string
	updateTopic, myRooms, memberships                                string
	updateDescription, updateArchived, updateSlow, updateRetain      string
	password, passwordOf, setPassword                                string
	devices, allDevices, insertDevice, updateDevice                  string
	endDevice, endDevices                                            string
	external, insertExternal, endExternal, endExternals              string
	invitation, invitations, useInvitation                           string
	insertInvitation, endInvitation, eraseUser                       string
}

// bulkRows is how many rows one statement inserts while there are as many.
const bulkRows = 16

const (
	columnsOfEvent = `m.seq, m.kind, m.user_id, coalesce(u.name, ''), m.nonce, m.time_ms, m.text,
	m.target, m.subject, m.role, m.until_ms`

	// A page, with the bytes of text before each event of it. Whoever reads it stops where
	// they are too many, and so does the database: it sends one event beyond, the second one
	// always.
	pageHead = `SELECT ` + columnsOfEvent + ` FROM (
	SELECT m.*, row_number() OVER w AS place, sum(m.bytes) OVER w - m.bytes AS bytes_before FROM (
	SELECT m.*, {bytes} AS bytes FROM messages m WHERE m.room_id = ? AND `
	pageMiddle = `) m WINDOW w AS (ORDER BY m.seq`
	pageTail   = `)) m LEFT JOIN users u ON u.id = m.user_id WHERE m.bytes_before <= ? OR m.place = 2 ORDER BY m.seq`

	selectOfRoom = `SELECT r.id, r.name, r.name_key, r.epoch, r.creator, r.created_ms, h.last_seq, h.last_ms, h.flags, r.topic,
	r.description, r.archived, r.slow_s, r.retain_s
	FROM `
	joinHead   = " JOIN heads h ON h.room_id = r.id"
	selectRoom = selectOfRoom + "rooms r" + joinHead + " WHERE "

	isAccount  = "CASE WHEN password IS NULL THEN 0 ELSE 1 END"
	selectUser = "SELECT id, name, coalesce(name_key, ''), created_ms, seen_ms, " + isAccount + " FROM users WHERE "

	insertMessages = `INSERT INTO messages
	(room_id, seq, user_id, kind, nonce, time_ms, prev_seq, target, subject, role, until_ms, digest, said, said_seq, text) VALUES `
	messageRow = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

func compile(d *Dialect) statements {
	s := statements{
		change:  compileChanges(d),
		profile: compileProfiles(d),
		link:    compileLinks(d),
		index:   compileIndex(d),
		follow:  compileFollows(d),

		lockHead:     "SELECT last_seq, flags, said, said_seq FROM heads WHERE room_id = ?{for update}",
		updateHead:   "UPDATE heads SET last_seq = ?, last_ms = ?, flags = ?, said = ?, said_seq = ? WHERE room_id = ?",
		insertHead:   "INSERT INTO heads (room_id, last_seq, last_ms, flags) VALUES (?, 0, 0, ?)",
		selectWriter: "SELECT number, lost FROM writers WHERE writer = ?",
		updateWriter: "UPDATE writers SET number = ?, lost = ? WHERE writer = ?",
		touchWriter:  "UPDATE writers SET number = number WHERE writer = ?",
		insertWriter: "INSERT INTO writers (writer, number, lost) VALUES (?, ?, ?)",

		insertMessage:  insertMessages + messageRow,
		insertMessages: insertMessages + messageRow + strings.Repeat(", "+messageRow, bulkRows-1),
		selectAuthor:   "SELECT last_seq FROM authors WHERE user_id = ? AND room_id = ?",
		updateAuthor:   "UPDATE authors SET last_seq = ?, sent_count = sent_count + ? WHERE user_id = ? AND room_id = ?",
		insertAuthor:   "INSERT INTO authors (last_seq, sent_count, user_id, room_id) VALUES (?, ?, ?, ?)",
		updateMember:   "UPDATE members SET role = ?, until_ms = ?, seq = ? WHERE room_id = ? AND user_id = ?",
		insertMember:   "INSERT INTO members (role, until_ms, seq, room_id, user_id) VALUES (?, ?, ?, ?, ?)",

		after:   pageHead + "m.seq > ? ORDER BY m.seq{limit}" + pageMiddle + pageTail,
		between: pageHead + "m.seq > ? AND m.seq <= ? ORDER BY m.seq{limit}" + pageMiddle + pageTail,
		before:  pageHead + "m.seq < ? ORDER BY m.seq DESC{limit}" + pageMiddle + " DESC" + pageTail + " DESC",

		room:      selectRoom + "r.id = ?",
		roomByKey: selectRoom + "r.name_key = ?",
		rooms:     selectOfRoom + "(SELECT * FROM rooms WHERE private = 0 AND id > ? ORDER BY private, id{limit}) r" + joinHead + " ORDER BY r.id",
		allRooms:  selectOfRoom + "(SELECT * FROM rooms WHERE id > ? ORDER BY id{limit}) r" + joinHead + " ORDER BY r.id",
		// Those of his roles, and those that he made and has no role in.
		privateRooms: selectOfRoom + `(SELECT r1.* FROM members m1 JOIN rooms r1 ON r1.id = m1.room_id
			WHERE m1.user_id = ? AND m1.room_id > ? AND m1.role > 1 AND r1.private = 1
			UNION ALL
			SELECT r2.* FROM rooms r2 WHERE r2.creator = ? AND r2.creator <> 0 AND r2.id > ? AND r2.private = 1
			AND NOT EXISTS (SELECT 1 FROM members m2 WHERE m2.room_id = r2.id AND m2.user_id = r2.creator AND m2.role <> 0)
			) r` + joinHead + " ORDER BY r.id{limit}",

		role: "SELECT role, until_ms FROM members WHERE room_id = ? AND user_id = ?",
		// The list of what a user has authored is walked from its head.
		nonces: `{with recursive} said (seq, nonce, digest, prev_seq, place, kind, time_ms) AS (
			SELECT m.seq, m.nonce, m.digest, m.prev_seq, 1, m.kind, m.time_ms FROM authors a
				JOIN messages m ON m.room_id = a.room_id AND m.seq = a.last_seq
				WHERE a.user_id = ? AND a.room_id = ?
			UNION ALL
			SELECT m.seq, m.nonce, m.digest, m.prev_seq, said.place + 1, m.kind, m.time_ms FROM said
				JOIN messages m ON m.room_id = ? AND m.seq = said.prev_seq
				WHERE said.place < ?)
			SELECT nonce, seq, digest, kind, time_ms FROM said ORDER BY place`,
		user:       selectUser + "id = ?",
		userByKey:  selectUser + "name_key = ?",
		usersAfter: "SELECT id, name, coalesce(name_key, ''), coalesce(password, ''), created_ms, seen_ms, coalesce(look, '') FROM users WHERE id > ? ORDER BY id{limit}",
		durable:    "SELECT h.room_id, r.retain_s FROM heads h JOIN rooms r ON r.id = h.room_id WHERE h.room_id >= ? AND h.flags IN (0, 2, 4, 6) ORDER BY h.room_id{limit}",
		retains:    "SELECT id, retain_s FROM rooms WHERE id >= ? AND retain_s > 0 ORDER BY id{limit}",
		oldest:     "SELECT seq, time_ms, kind FROM messages WHERE room_id = ? ORDER BY seq{limit}",
		erase:      "DELETE FROM messages WHERE room_id = ? AND seq <= ?",
		sent:       "SELECT cast(coalesce(sum(sent_count), 0) AS BIGINT) FROM authors WHERE user_id = ?",

		counter:       "SELECT value FROM counters WHERE name = ?",
		lockCounters:  "SELECT name, value FROM counters ORDER BY name{for update}",
		updateCounter: "UPDATE counters SET value = ? WHERE name = ?",

		holder:      "SELECT id, name, " + isAccount + ", created_ms, seen_ms FROM users WHERE name_key = ?",
		insertUser:  "INSERT INTO users (id, name, name_key, password, created_ms, seen_ms, look, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?, '')",
		updateSeen:  "UPDATE users SET seen_ms = ? WHERE id = ?",
		updateLater: "UPDATE users SET seen_ms = ? WHERE id = ? AND seen_ms < ?",
		looks:       "SELECT id, name, seen_ms, " + isAccount + " FROM users WHERE look = ? AND name_key <> ? ORDER BY id DESC{limit}",
		updateLook:  "UPDATE users SET look = ? WHERE id = ? AND look IS NULL",
		clearKey:    "UPDATE users SET name_key = NULL, look = NULL WHERE id = ?",

		password: `SELECT h.id, h.password FROM (
			SELECT u.id AS id, coalesce(u.password, '') AS password, 0 AS place FROM users u WHERE u.name_key = ?
			UNION ALL
			SELECT u.id, coalesce(u.password, ''), 1 FROM old_names o JOIN users u ON u.id = o.user_id WHERE o.name_key = ?
			) h ORDER BY h.place`,
		passwordOf:   "SELECT coalesce(password, '') FROM users WHERE id = ?",
		setPassword:  "UPDATE users SET password = ? WHERE id = ?",
		devices:      "SELECT " + columnsOfDevice + " FROM devices WHERE user_id = ? ORDER BY id",
		allDevices:   "SELECT " + columnsOfDevice + " FROM devices WHERE user_id >= ? AND (user_id > ? OR id > ?) ORDER BY user_id, id{limit}",
		insertDevice: "INSERT INTO devices (" + columnsOfDevice + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		updateDevice: `UPDATE devices SET name = ?, address = ?, token_hash = ?, renewed_ms = ?, next_hash = ?, next_ms = ?, seen_ms = ?
			WHERE user_id = ? AND id = ?`,
		endDevice:        "DELETE FROM devices WHERE user_id = ? AND id = ?",
		external:         "SELECT user_id FROM externals WHERE external = ?",
		insertExternal:   "INSERT INTO externals (external, user_id) VALUES (?, ?)",
		endExternal:      "DELETE FROM externals WHERE external = ?",
		endExternals:     "DELETE FROM externals WHERE user_id = ?",
		invitation:       "SELECT code_hash, note, uses_left, expires_ms, created_ms FROM invitations WHERE code_hash = ?",
		invitations:      "SELECT code_hash, note, uses_left, expires_ms, created_ms FROM invitations WHERE code_hash > ? ORDER BY code_hash{limit}",
		useInvitation:    "UPDATE invitations SET uses_left = uses_left - 1 WHERE code_hash = ? AND uses_left > 0 AND (expires_ms = 0 OR expires_ms > ?)",
		insertInvitation: "INSERT INTO invitations (code_hash, note, uses_left, expires_ms, created_ms) VALUES (?, ?, ?, ?, ?)",
		endInvitation:    "DELETE FROM invitations WHERE code_hash = ?",
		eraseUser:        "UPDATE users SET name = ?, password = NULL, seen_ms = CASE WHEN seen_ms < ? THEN ? ELSE seen_ms END WHERE id = ?",
		endDevices:       "DELETE FROM devices WHERE user_id = ? AND id <> ?",

		roomKey:      "SELECT id, name, epoch, created_ms FROM rooms WHERE name_key = ?",
		countCreated: "SELECT count(*) FROM (SELECT id FROM rooms WHERE creator = ? ORDER BY id{limit}) made",
		insertRoom:   "INSERT INTO rooms (id, name, name_key, epoch, private, creator, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",

		membership:       "SELECT since_seq, mark_seq, muted FROM memberships WHERE user_id = ? AND room_id = ?{for update}",
		countMemberships: "SELECT count(*) FROM (SELECT room_id FROM memberships WHERE user_id = ? ORDER BY room_id{limit}) his",
		enter:            "INSERT INTO memberships (user_id, room_id, since_seq, mark_seq, muted) VALUES (?, ?, ?, ?, ?)",
		leave:            "DELETE FROM memberships WHERE user_id = ? AND room_id = ?",
		mark:             "UPDATE memberships SET mark_seq = ? WHERE user_id = ? AND room_id = ?",
		mute:             "UPDATE memberships SET muted = ? WHERE user_id = ? AND room_id = ?",
		myRooms:          selectMyRooms,
		updateTopic:      "UPDATE rooms SET topic = ? WHERE id = ?",

		updateDescription: "UPDATE rooms SET description = ? WHERE id = ?",
		updateArchived:    "UPDATE rooms SET archived = ? WHERE id = ?",
		updateSlow:        "UPDATE rooms SET slow_s = ? WHERE id = ?",
		updateRetain:      "UPDATE rooms SET retain_s = ? WHERE id = ?",
		lastSeq:           "SELECT last_seq FROM heads WHERE room_id = ?",
		editsBehind:       "SELECT seq FROM edits WHERE room_id = ? AND target <= ? AND seq > ?",
		memberships: `SELECT user_id, room_id, since_seq, mark_seq, muted FROM memberships
			WHERE user_id > ? OR user_id = ? AND room_id > ? ORDER BY user_id, room_id{limit}`,
	}
	for _, query := range []*string{
		&s.lockHead, &s.updateHead, &s.insertHead, &s.selectWriter, &s.updateWriter, &s.touchWriter, &s.insertWriter,
		&s.insertMessage, &s.insertMessages, &s.selectAuthor, &s.updateAuthor, &s.insertAuthor, &s.updateMember,
		&s.insertMember, &s.after, &s.between, &s.before, &s.room, &s.roomByKey, &s.rooms, &s.privateRooms, &s.allRooms, &s.role, &s.nonces, &s.user, &s.userByKey,
		&s.usersAfter, &s.sent, &s.durable, &s.retains, &s.oldest, &s.lastSeq, &s.editsBehind, &s.erase, &s.counter, &s.lockCounters, &s.updateCounter, &s.holder, &s.insertUser, &s.updateSeen, &s.updateLater, &s.looks, &s.updateLook,
		&s.clearKey, &s.roomKey, &s.insertRoom, &s.countCreated,
		&s.membership, &s.countMemberships, &s.enter, &s.leave, &s.mark, &s.mute, &s.myRooms, &s.memberships, &s.updateTopic, &s.updateDescription, &s.updateArchived, &s.updateSlow, &s.updateRetain,
		&s.password, &s.passwordOf, &s.setPassword, &s.devices, &s.allDevices, &s.insertDevice, &s.updateDevice, &s.endDevice, &s.endDevices,
		&s.external, &s.insertExternal, &s.endExternal, &s.endExternals, &s.invitation, &s.invitations, &s.useInvitation, &s.insertInvitation, &s.endInvitation, &s.eraseUser,
	} {
		*query = d.compile(*query)
	}
	return s
}
