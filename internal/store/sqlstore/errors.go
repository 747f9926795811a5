package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sarang/chat"
)

// retryAfter is what a caller is told to wait when the store can not do it now.
const retryAfter = time.Second

func ctxEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// endedError is for a call whose ctx ended while nothing was stored.
func endedError(err error) error {
	return &chat.Error{
		Code: chat.CodeUnavailable, Message: "the store did not come to it in time", RetryAfter: retryAfter, Err: err,
	}
}

// damagedError is for rows that nobody has written so.
func damagedError(err error) error {
	return &chat.Error{Code: chat.CodeInternal, Message: "the database is damaged", Err: err}
}

// uncertainError is for a commit whose outcome is not known.
func uncertainError(err error) error {
	return &chat.Error{
		Code: chat.CodeUncertain, Message: "the store failed and does not know yet what was stored",
		RetryAfter: retryAfter, Err: err,
	}
}

// typed returns err if it is a *chat.Error already, nil if not.
func typed(err error) error {
	var t *chat.Error
	if errors.As(err, &t) {
		return err
	}
	return nil
}

// unavailable is for a call that has certainly stored nothing. what is "written" or "read".
func (s *Store) unavailable(what string, err error) error {
	if t := typed(err); t != nil {
		return t
	}
	if ctxEnded(err) {
		return endedError(err)
	}
	sentence := fmt.Sprintf("%s can not be %s now", s.driver.Name(), what)
	if says := s.driver.Fault(err).Says; says != "" {
		sentence += ": " + says
	}
	return &chat.Error{Code: chat.CodeUnavailable, Message: sentence, RetryAfter: retryAfter, Err: err}
}

// openError puts what Open met into a sentence for the person at the terminal.
func (s *Store) openError(err error) error {
	if t := typed(err); t != nil {
		return t
	}
	sentence := s.driver.Name() + " can not be opened"
	if says := s.driver.Fault(err).Says; says != "" {
		sentence += ": " + says
	}
	return &chat.Error{Code: chat.CodeInternal, Message: sentence, Err: err}
}
