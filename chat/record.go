package chat

import "context"

// Records are what a store keeps beside users, devices, rooms, memberships and logs: rows of
// numbers and texts, which are copied from one store to another as they are, whatever they mean.
// A kind has a row in RecordKinds, and then it is copied, compared and counted.

// RecordKind is a kind of records. Stores that speak SQL call a table and its columns so.
type RecordKind struct {
	Name   string
	Keys   int // so many of the Fields, the first ones, are the key
	Fields []RecordField

	// Log says that records of the kind follow from logs: they are there when those are, but
	// for what came from events that were erased since.
	Log bool

	// Seeded says that Commit makes records of the kind, too, and that they change afterwards: a copy
	// puts them in the place of those that came with the logs.
	Seeded bool
}

// RecordField is a field of a record.
type RecordField struct {
	Name string
	Type FieldType
}

// FieldType is what a field holds.
type FieldType uint8

// The types. A record has an int64 for a Number, and a string for the others.
const (
	Number FieldType = iota
	Text             // UTF-8; a key is compared byte for byte
	Bytes            // of a hash
)

// Record is one of a kind: an int64 or a string for each of its Fields.
type Record []any

// Key is what a record is known by.
func (k *RecordKind) Key(r Record) Record { return r[:k.Keys] }

// fields are those with such names; a name that ends with $ is of a Text, one with # of Bytes.
func fields(names ...string) []RecordField {
	all := make([]RecordField, len(names))
	for i, name := range names {
		f := RecordField{Name: name}
		switch name[len(name)-1] {
		case '$':
			f = RecordField{name[:len(name)-1], Text}
		case '#':
			f = RecordField{name[:len(name)-1], Bytes}
		}
		all[i] = f
	}
	return all
}

// RecordKinds are all that there are, in the order in which they are copied: users, rooms and
// logs are there by then.
func RecordKinds() []RecordKind {
	return []RecordKind{
		{Name: "authors", Keys: 2, Fields: fields("user_id", "room_id", "last_seq", "sent_count"), Log: true},
		{Name: "members", Keys: 2, Fields: fields("room_id", "user_id", "role", "until_ms", "seq"), Log: true},
		{Name: "externals", Keys: 1, Fields: fields("external$", "user_id")},
		{Name: "profiles", Keys: 1, Fields: fields("user_id", "display_name$", "about$", "status$", "hidden")},
		{Name: "blocks", Keys: 2, Fields: fields("user_id", "blocked_id")},
		{Name: "old_names", Keys: 1, Fields: fields("name_key$", "user_id", "look$", "left_ms")},
		{Name: "operators", Keys: 1, Fields: fields("user_id")},
		{Name: "audit", Keys: 1, Fields: fields("id", "nonce", "time_ms", "act", "by_id", "subject", "room_id", "seq", "until_ms", "what$", "reason$")},
		{Name: "bans", Keys: 1, Fields: fields("id", "target$", "user_id", "network$", "until_ms", "reason$", "created_ms")},
		{Name: "reports", Keys: 1, Fields: fields("id", "room_id", "seq", "author", "reporter", "time_ms", "reason$",
			"outcome", "resolved_by", "resolved_ms", "note$")},
		{Name: "files", Keys: 1, Fields: fields("id", "user_id", "hash#", "size_bytes", "type$", "name$", "width", "height", "thumbnail", "created_ms", "state")},
		{Name: "file_links", Keys: 3, Fields: fields("room_id", "seq", "file_id"), Log: true},
		{Name: "mentions", Keys: 3, Fields: fields("user_id", "room_id", "seq", "time_ms"), Log: true},
		{Name: "replies", Keys: 3, Fields: fields("room_id", "root", "seq"), Log: true},
		{Name: "threads", Keys: 2, Fields: fields("room_id", "root", "replies", "last_seq"), Log: true},
		{Name: "follows", Keys: 3, Fields: fields("user_id", "room_id", "root", "followed", "mark_seq"), Seeded: true},
		{Name: "room_names", Keys: 1, Fields: fields("name_key$", "room_id", "until_ms")},
		{Name: "room_links", Keys: 1, Fields: fields("id", "room_id", "code_hash#", "by_id", "uses", "uses_max", "expires_ms", "created_ms", "last_use")},
		{Name: "room_filters", Keys: 1, Fields: fields("room_id", "version", "words$", "links")},
		{Name: "changes", Keys: 2, Fields: fields("room_id", "target", "changed", "edited", "deleted", "pinned"), Log: true},
		{Name: "edits", Keys: 3, Fields: fields("room_id", "target", "seq"), Log: true},
		{Name: "tallies", Keys: 3, Fields: fields("room_id", "target", "emoji$", "since", "tally"), Log: true},
		{Name: "reactions", Keys: 4, Fields: fields("room_id", "target", "user_id", "emoji$", "seq"), Log: true},
	}
}

// RecordStore is what an Archive has for records.
type RecordStore interface {
	// Records returns up to itemsMax records of a kind (at least 1), in the order of their
	// keys, behind a key; nil: from the first one on. CodeBadRequest if the store knows
	// nothing of that kind.
	Records(ctx context.Context, k RecordKind, after Record, itemsMax int) ([]Record, error)

	// AddRecords adds records, or puts them in the place of those with the same keys. It may
	// be done again: on an error it may have been done or not.
	AddRecords(ctx context.Context, k RecordKind, records []Record) error
}
