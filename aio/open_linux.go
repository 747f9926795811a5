package aio

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Kinds lists the drivers that Open knows on this system, the best one first.
func Kinds() []string { return []string{kindUring, kindEpoll, kindPortable} }

// Open opens a driver: kind "uring", "epoll" or "portable". The calling goroutine
// must be locked to its thread (runtime.LockOSThread), and the driver belongs to it
// from then on.
//
// The error of a kind that does not exist is an *UnknownKindError; of one that can
// not be had on this machine an *UnavailableError, which wraps ErrUnavailable and
// says why and what to do; of bounds that make no sense a *ConfigError.
func Open(kind string, c Config) (Driver, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindUring:
		return openUring(c)
	case kindEpoll:
		return openEpoll(c)
	case kindPortable:
		return openPortable(c)
	}
	return nil, &UnknownKindError{Kind: kind, Known: Kinds()}
}

// Choose returns the kind of driver to open for want: "auto", or the name of a kind.
// It tries the kind out. "auto" takes io_uring if it works and epoll otherwise, and
// reason says in one line why; a kind asked for by name that does not work is an
// error. "auto" never takes the portable driver. Any goroutine may call it.
func Choose(want string) (kind, reason string, err error) {
	switch want {
	case kindEpoll, kindPortable:
		return want, "asked for", nil
	case kindUring:
		if err := try(kindUring); err != nil {
			return "", "", err
		}
		return kindUring, "asked for", nil
	case "auto":
		err := try(kindUring)
		if err == nil {
			return kindUring, "io_uring works on this kernel (" + kernelRelease() + ")", nil
		}
		return kindEpoll, fallback(err), nil
	}
	return "", "", &UnknownKindError{Kind: want, Known: append([]string{"auto"}, Kinds()...)}
}

func fallback(err error) string {
	var u *UnavailableError
	if errors.As(err, &u) {
		return "io_uring is not available: " + u.Reason
	}
	return "io_uring can not be tried: " + err.Error()
}

// try opens a small driver and receives through it, twice without asking twice:
// some kernels and containers have the calls and not the behaviour.
func try(kind string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d, err := Open(kind, Config{SocketsMax: 1, RecvBufferBytes: 64, RecvBuffers: 2, EventsMax: 4})
	if err != nil {
		return err
	}
	err = tryReceive(d)
	if e := d.Release(); err == nil {
		err = e
	}
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return &UnavailableError{
		Kind:   kind,
		Reason: "a trial of it failed",
		Advice: adviceEpoll,
		Cause:  err,
	}
}

func tryReceive(d Driver) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	s, err := d.Attach(Conn{Handle: uintptr(pair[0])}, 1)
	if err != nil {
		return err
	}
	if err := d.Recv(s); err != nil {
		return err
	}
	for _, text := range []string{"one", "other"} {
		if _, err := unix.Write(pair[1], []byte(text)); err != nil {
			return os.NewSyscallError("write", err)
		}
		if err := tryEvent(d, text); err != nil {
			return err
		}
	}
	return nil
}

// tryEvent waits for one event and checks that it brings text.
func tryEvent(d Driver, text string) error {
	const patience = 2 * time.Second
	events := make([]Event, 4)
	n, err := d.Wait(events, patience)
	switch {
	case err != nil:
		return err
	case n == 0:
		return errors.New("nothing was received")
	case events[0].Err != nil:
		return events[0].Err
	case n != 1 || string(events[0].Data) != text || !events[0].More:
		return fmt.Errorf("received %q and %d more events instead of %q", events[0].Data, n-1, text)
	}
	return nil
}
