//go:build odbc

package odbc

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"sarang/internal/store/sqlstore"
)

// handle is a connection, with the thread that all of the driver's calls are made on.
type handle struct {
	driver *odbcDriver
	calls  chan func()
	conn   driver.Conn // the thread's alone, as all below
	tx     driver.Tx
	stmts  map[string]driver.Stmt

	broken bool // a call has not returned in time: the caller's
}

// stmtsMax bounds the statements that are kept prepared: there are fewer.
const stmtsMax = 64

func newHandle(d *odbcDriver) *handle {
	h := &handle{driver: d, calls: make(chan func()), stmts: make(map[string]driver.Stmt)}
	go h.loop()
	return h
}

// loop is the thread. It ends, and the handle with it, when calls is closed.
func (h *handle) loop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for call := range h.calls {
		call()
	}
	for _, s := range h.stmts {
		_ = s.Close()
	}
	if h.conn != nil {
		_ = h.conn.Close()
	}
}

// run has the thread do something. If ctx ends first, the call is left alone, and the
// handle is broken: nothing that do touches is to be used by the caller then.
func (h *handle) run(ctx context.Context, do func() error) error {
	if h.broken {
		return errAbandoned{errors.New("the handle is broken")}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	h.calls <- func() { done <- do() } // it waits for the next call: there is no other
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		h.broken = true
		h.driver.abandoned.Add(1)
		go func() {
			<-done
			h.driver.abandoned.Add(-1)
		}()
		return errAbandoned{ctx.Err()}
	}
}

// Close is documented at sqlstore.Conn: the thread closes what is open.
func (h *handle) Close() { close(h.calls) }

// Begin is documented at sqlstore.Conn.
func (h *handle) Begin(ctx context.Context) error {
	return h.run(ctx, func() (err error) {
		//lint:ignore SA1019 it is all that the driver has
		h.tx, err = h.conn.Begin()
		return err
	})
}

// Commit is documented at sqlstore.Conn.
func (h *handle) Commit(ctx context.Context) error {
	return h.run(ctx, func() error { return h.tx.Commit() })
}

// Rollback is documented at sqlstore.Conn.
func (h *handle) Rollback(ctx context.Context) error {
	return h.run(ctx, func() error { return h.tx.Rollback() })
}

// stmt returns a prepared statement. The thread calls it.
func (h *handle) stmt(query string) (driver.Stmt, error) {
	if s := h.stmts[query]; s != nil {
		return s, nil
	}
	s, err := h.conn.Prepare(query)
	if err == nil && len(h.stmts) < stmtsMax {
		h.stmts[query] = s
	}
	return s, err
}

// Exec is documented at sqlstore.Conn.
func (h *handle) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	values := valuesOf(args)
	result := make(chan int64, 1)
	err = h.run(ctx, func() error {
		s, err := h.stmt(query)
		if err != nil {
			return err
		}
		//lint:ignore SA1019 it is all that the driver has
		r, err := s.Exec(values)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		result <- n
		return err
	})
	if err == nil {
		rows = <-result
	}
	return rows, err
}

// Query is documented at sqlstore.Conn. The rows are read before the first is shown:
// what is asked for is a page.
func (h *handle) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	values := valuesOf(args)
	pages := make(chan [][]any, 1)
	err := h.run(ctx, func() error {
		s, err := h.stmt(query)
		if err != nil {
			return err
		}
		page, err := readAll(s, values)
		pages <- page
		return err
	})
	if err != nil {
		return err
	}
	for _, row := range <-pages {
		err := each(func(dest ...any) error { return scan(row, dest) })
		if err != nil {
			return err
		}
	}
	return nil
}

func readAll(s driver.Stmt, args []driver.Value) (page [][]any, err error) {
	//lint:ignore SA1019 it is all that the driver has
	rows, err := s.Query(args)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(dest); {
		case errors.Is(err, io.EOF):
			return page, nil
		case err != nil:
			return nil, err
		}
		row := make([]any, len(dest))
		for i, v := range dest {
			row[i] = v
			if b, is := v.([]byte); is { // it is the driver's
				row[i] = string(b)
			}
		}
		page = append(page, row)
	}
}

func valuesOf(args []any) []driver.Value {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		values[i] = a
	}
	return values
}

// scan takes a row over. A driver may show a number as any other kind of number, or as
// text.
func scan(row, dest []any) error {
	if len(row) != len(dest) {
		return fmt.Errorf("a row has %d columns, %d are expected", len(row), len(dest))
	}
	for i, v := range row {
		if err := scanOne(v, dest[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func scanOne(v, dest any) error {
	switch to := dest.(type) {
	case *string:
		switch v := v.(type) {
		case string:
			*to = v
			return nil
		case int32, int64:
			*to = fmt.Sprint(v)
			return nil
		case nil: // see sqlstore.Dialect.TextOf; other columns are not NULL
			*to = ""
			return nil
		}
	case *int64:
		switch v := v.(type) {
		case int64:
			*to = v
			return nil
		case int32:
			*to = int64(v)
			return nil
		case string:
			n, err := strconv.ParseInt(v, 10, 64)
			*to = n
			return err
		}
	}
	return fmt.Errorf("a %T does not go into a %T", v, dest)
}
