package sqlite

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// SQLite has no checksums, and stores any type in any column. What a bad disk, or a
// hand that wanted to mend something, has made of a value is found here, and not by a
// client that can not read the packet.

// columnError is a value that this package has not written.
type columnError struct {
	value any
	want  string
}

// Error names the type and what is allowed; the value may be long.
func (e *columnError) Error() string {
	if n, ok := e.value.(int64); ok {
		return fmt.Sprintf("%d is not %s", n, e.want)
	}
	return fmt.Sprintf("a value of type %T is not %s", e.value, e.want)
}

// number reads a column that holds a whole number from 0 to what T takes, less 1: what
// comes after it is a number as well. The top bit is never set, SQLite's are signed.
type number[T ~uint64 | ~uint32 | ~uint8] struct{ to *T }

// Scan is for package sql.
func (c number[T]) Scan(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n == math.MaxInt64 || uint64(T(n)) != uint64(n) {
		return &columnError{v, "a whole number that may stand here"}
	}
	*c.to = T(n)
	return nil
}

// bits reads a column that holds all 64 bits of a number.
type bits[T ~uint64 | ~int64] struct{ to *T }

// Scan is for package sql.
func (c bits[T]) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return &columnError{v, "a whole number"}
	}
	*c.to = T(n)
	return nil
}

// text reads a column of UTF-8.
type text struct{ to *string }

// Scan is for package sql.
func (c text) Scan(v any) error {
	s, ok := v.(string)
	if !ok || !utf8.ValidString(s) {
		return &columnError{v, "text in UTF-8"}
	}
	*c.to = s
	return nil
}

// flag reads the answer to a question: 0 or 1.
type flag struct{ to *bool }

// Scan is for package sql.
func (c flag) Scan(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n > 1 {
		return &columnError{v, "yes or no"}
	}
	*c.to = n == 1
	return nil
}
