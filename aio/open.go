package aio

import (
	"fmt"
	"math/bits"
	"strings"
)

// UnavailableError says why a kind of driver that exists can not be had here. It
// wraps ErrUnavailable.
type UnavailableError struct {
	Kind   string // the driver that was asked for
	Reason string // what stands in the way, for a person to read
	Advice string // what to do about it
	Cause  error  // the system's error; may be nil
}

// Error is a sentence with the reason and what to do.
func (e *UnavailableError) Error() string {
	s := "aio: driver " + e.Kind + " is not available: " + e.Reason
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap gives ErrUnavailable and, if there is one, the system's error.
func (e *UnavailableError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrUnavailable}
	}
	return []error{ErrUnavailable, e.Cause}
}

// UnknownKindError is the answer to a kind of driver that does not exist on this
// system.
type UnknownKindError struct {
	Kind  string   // what was asked for
	Known []string // what could have been
}

// Error names the kinds that exist.
func (e *UnknownKindError) Error() string {
	known := strings.Join(e.Known, ", ")
	if known == "" {
		known = "none on this system"
	}
	return fmt.Sprintf("aio: no driver is called %q; there are: %s", e.Kind, known)
}

// ConfigError says which field of a Config can not be used.
type ConfigError struct {
	Field string
	Value int
	Want  string
}

// Error names the field, its value and what is wanted.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("aio: Config.%s is %d: it must be %s", e.Field, e.Value, e.Want)
}

const (
	recvBufferBytesMax = 1 << 20
	recvBuffersMax     = 1 << 15 // what a ring of provided buffers may hold
	eventsLimit        = 1 << 16
)

// check returns c with defaults, or says what is wrong with it.
func (c Config) check() (Config, error) {
	c = c.WithDefaults()
	for _, f := range []struct {
		field      string
		value, max int
	}{
		{"SocketsMax", c.SocketsMax, slotsMax},
		{"RecvBufferBytes", c.RecvBufferBytes, recvBufferBytesMax},
		{"RecvBuffers", c.RecvBuffers, recvBuffersMax},
		{"EventsMax", c.EventsMax, eventsLimit},
	} {
		if f.value < 1 || f.value > f.max {
			return c, &ConfigError{f.field, f.value, fmt.Sprintf("from 1 to %d", f.max)}
		}
	}
	if bits.OnesCount(uint(c.RecvBuffers)) != 1 {
		return c, &ConfigError{"RecvBuffers", c.RecvBuffers, "a power of two"}
	}
	return c, nil
}
