package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"sarang/chat"
)

// columns are the names of a kind's fields, and as many parameters.
func columns(fields []chat.RecordField) (names, params string) {
	all := make([]string, len(fields))
	for i, f := range fields {
		if all[i] = f.Name; f.Name == "tally" {
			all[i] = "count" // it is called so here
		}
	}
	return strings.Join(all, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(fields)), ", ")
}

// sqlValues are what the database has for fields of a record.
func sqlValues(fields []chat.RecordField, r chat.Record) []any {
	values := make([]any, len(r))
	for i, v := range r {
		if s, is := v.(string); is && fields[i].Type == chat.Bytes {
			v = []byte(s)
		}
		values[i] = v
	}
	return values
}

// anyBytes reads a column of bytes as a string.
type anyBytes struct{ to *string }

// Scan is for package sql.
func (c anyBytes) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok {
		return &columnError{v, "bytes"}
	}
	*c.to = string(b)
	return nil
}

// Records is documented at chat.RecordStore.
func (s *Store) Records(ctx context.Context, k chat.RecordKind, after chat.Record, itemsMax int) (page []chat.Record, err error) {
	names, _ := columns(k.Fields)
	keys, params := columns(k.Fields[:k.Keys])
	query, args := "SELECT "+names+" FROM "+k.Name, []any(nil)
	if after != nil {
		query, args = query+" WHERE ("+keys+") > ("+params+")", sqlValues(k.Fields, k.Key(after))
	}
	args = append(args, max(itemsMax, 1))
	err = s.each(ctx, query+" ORDER BY "+keys+" LIMIT ?", args, func(rows *sql.Rows) error {
		numbers, texts, to := make([]int64, len(k.Fields)), make([]string, len(k.Fields)), make([]any, len(k.Fields))
		for i, f := range k.Fields {
			switch f.Type {
			case chat.Number:
				to[i] = bits[int64]{&numbers[i]}
			case chat.Text:
				to[i] = text{&texts[i]}
			case chat.Bytes:
				to[i] = anyBytes{&texts[i]}
			}
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		r := make(chat.Record, len(k.Fields))
		for i, f := range k.Fields {
			if r[i] = numbers[i]; f.Type != chat.Number {
				r[i] = texts[i]
			}
		}
		page = append(page, r)
		return nil
	})
	return page, err
}

// AddRecords is documented at chat.RecordStore.
func (s *Store) AddRecords(ctx context.Context, k chat.RecordKind, records []chat.Record) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	names, params := columns(k.Fields)
	keys, keyParams := columns(k.Fields[:k.Keys])
	return s.gather(ctx, &pending{do: func(w *writer) error {
		for _, r := range records {
			values := sqlValues(k.Fields, r)
			if err := w.run("DELETE FROM "+k.Name+" WHERE ("+keys+") = ("+keyParams+")", values[:k.Keys]...); err != nil {
				return err
			}
			if err := w.run("INSERT INTO "+k.Name+" ("+names+") VALUES ("+params+")", values...); err != nil {
				return err
			}
		}
		return nil
	}})
}
