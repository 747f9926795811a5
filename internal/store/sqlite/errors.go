package sqlite

import (
	"context"
	"errors"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"sarang/chat"
)

// retryAfter is what a caller is told to wait when the store can not commit now.
const retryAfter = time.Second

// goneRetryAfter is what he is told when somebody has to put the database back.
const goneRetryAfter = 30 * time.Second

// primaryCode returns the primary result code that SQLite gave, 0 if err is not
// SQLite's. https://www.sqlite.org/rescode.html
func primaryCode(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func ctxEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// endedError is for a call whose ctx ended while nothing was stored.
func endedError(err error) error {
	return &chat.Error{
		Code:       chat.CodeUnavailable,
		Message:    "the store did not come to it in time",
		RetryAfter: retryAfter,
		Err:        err,
	}
}

// readError is for a read that failed, writeError for a write that certainly
// stored nothing.
func writeError(err error) error { return storeError("the store can not write now", err) }

func readError(err error) error {
	if primaryCode(err) == lib.SQLITE_ERROR {
		return damagedError(err) // the question is always right: what it was asked of is not
	}
	return storeError("the store can not be read now", err)
}

func storeError(sentence string, err error) error {
	var typed *chat.Error
	if errors.As(err, &typed) {
		return err
	}
	if ctxEnded(err) {
		return endedError(err)
	}
	var odd *columnError
	if errors.As(err, &odd) {
		return damagedError(err)
	}
	switch primaryCode(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		sentence += ": another program has locked the database file"
	case lib.SQLITE_FULL:
		sentence += ": the disk is full"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		sentence += ": the database file is read-only"
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return damagedError(err)
	}
	return &chat.Error{Code: chat.CodeUnavailable, Message: sentence, RetryAfter: retryAfter, Err: err}
}

// damagedError is for bytes that nobody has written so.
func damagedError(err error) error {
	return &chat.Error{Code: chat.CodeInternal, Message: "the database file is damaged", Err: err}
}

// uncertainError is for a write whose outcome could not be found out.
func uncertainError(err error) error {
	return &chat.Error{
		Code:       chat.CodeUncertain,
		Message:    "the store failed and does not know yet what was stored",
		RetryAfter: retryAfter,
		Err:        err,
	}
}

// openError puts what Open met into a sentence for the person at the terminal.
func openError(file string, err error) error {
	var typed *chat.Error
	if errors.As(err, &typed) {
		return err
	}
	sentence := "the database " + file + " can not be opened"
	damaged := "the database " + file + " is damaged: restore it from a backup"
	var odd *columnError
	if errors.As(err, &odd) {
		sentence = damaged
	}
	switch primaryCode(err) {
	case lib.SQLITE_CORRUPT, lib.SQLITE_ERROR, lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH:
		// What is asked and written at the start is always the same: if it is refused,
		// tables are not as they were made.
		sentence = damaged
	case lib.SQLITE_NOTADB:
		sentence = "the file " + file + " is not a database, or is damaged: restore it from a backup or move it away"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		sentence = "the database " + file + " can not be written: check the owner and permissions of it and its folder"
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		sentence = "the database " + file + " is locked by another program"
	case lib.SQLITE_FULL:
		sentence = "the database " + file + " can not be written: the disk is full"
	}
	return &chat.Error{Code: chat.CodeInternal, Message: sentence, Err: err}
}
