package aio

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"sarang/aio/iouring"
)

// TestRefusals: whoever is refused io_uring must learn why and what to do.
func TestRefusals(t *testing.T) {
	for errno, word := range map[error]string{
		iouring.ErrTooOld: "6.1",
		syscall.ENOSYS:    "no io_uring",
		syscall.ENOMEM:    "ulimit -l",
		syscall.EMFILE:    "ulimit -n",
		syscall.EPERM:     "--io epoll",
		syscall.EIO:       "--io epoll",
	} {
		err := refusal(errno)
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errno) {
			t.Errorf("%v: %v wraps not both ErrUnavailable and the cause", errno, err)
		}
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: %q does not say %q", errno, err, word)
		}
		if line := fallback(err); strings.Contains(line, "\n") || !strings.HasPrefix(line, "io_uring") {
			t.Errorf("%v: the line for the log is %q", errno, line)
		}
	}
	for value, word := range map[string]string{"1": "io_uring_group", "2": "is 2", "0": "container", "": "container"} {
		if got := refusedBy(value); !strings.Contains(got, word) {
			t.Errorf("io_uring_disabled is %q: %q does not say %q", value, got, word)
		}
	}
}
