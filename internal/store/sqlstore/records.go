package sqlstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"sarang/chat"
)

// columns are the names of a kind's fields, each with what stands between the two and behind
// the second.
func columns(fields []chat.RecordField, between, behind string) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name + behind
	}
	return strings.Join(all, between)
}

func params(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// sqlValues are what the database has for fields of a record: bytes are in hexadecimal.
func sqlValues(fields []chat.RecordField, r chat.Record) []any {
	values := make([]any, len(r))
	for i, v := range r {
		if s, is := v.(string); is && fields[i].Type == chat.Bytes {
			v = hex.EncodeToString([]byte(s))
		}
		values[i] = v
	}
	return values
}

// Records is documented at chat.RecordStore.
func (s *Store) Records(ctx context.Context, k chat.RecordKind, after chat.Record, itemsMax int) (page []chat.Record, err error) {
	keys := columns(k.Fields[:k.Keys], ", ", "")
	query, args := "SELECT "+columns(k.Fields, ", ", "")+" FROM "+k.Name, []any(nil)
	if after != nil {
		query, args = query+" WHERE ("+keys+") > ("+params(k.Keys)+")", sqlValues(k.Fields, k.Key(after))
	}
	args = append(args, int64(max(itemsMax, 1)))
	err = s.each(ctx, query+" ORDER BY "+keys+"{limit}", args, func() { page = nil }, func(scan Scan) error {
		r, err := scanRecord(scan, k.Fields)
		page = append(page, r)
		return err
	})
	return page, err
}

func scanRecord(scan Scan, fields []chat.RecordField) (chat.Record, error) {
	numbers, texts, to := make([]int64, len(fields)), make([]string, len(fields)), make([]any, len(fields))
	for i, f := range fields {
		if to[i] = &numbers[i]; f.Type != chat.Number {
			to[i] = &texts[i]
		}
	}
	if err := scan(to...); err != nil {
		return nil, err
	}
	r := make(chat.Record, len(fields))
	for i, f := range fields {
		switch f.Type {
		case chat.Number:
			r[i] = numbers[i]
		case chat.Text:
			r[i] = texts[i]
		case chat.Bytes:
			b, err := hex.DecodeString(texts[i])
			if err != nil {
				return nil, damagedError(fmt.Errorf("%s: %w", f.Name, err))
			}
			r[i] = string(b)
		}
	}
	return r, nil
}

// AddRecords is documented at chat.RecordStore.
func (s *Store) AddRecords(ctx context.Context, k chat.RecordKind, records []chat.Record) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	drop := "DELETE FROM " + k.Name + " WHERE " + columns(k.Fields[:k.Keys], " AND ", " = ?")
	insert := "INSERT INTO " + k.Name + " (" + columns(k.Fields, ", ", "") + ") VALUES (" + params(len(k.Fields)) + ")"
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		for _, r := range records {
			values := sqlValues(k.Fields, r)
			if _, err := s.exec(ctx, t.conn, drop, values[:k.Keys]...); err != nil {
				return err
			}
			if _, err := s.exec(ctx, t.conn, insert, values...); err != nil {
				return err
			}
		}
		return nil
	}})
}
