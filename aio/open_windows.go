package aio

import "errors"

// Kinds lists the drivers that Open knows on this system, the best one first.
func Kinds() []string { return []string{kindIocp, kindPortable} }

// Open opens a driver: kind "iocp" or "portable". The calling goroutine must be
// locked to its thread (runtime.LockOSThread), and the driver belongs to it from
// then on.
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
	case kindIocp:
		return openIocp(c)
	case kindPortable:
		return openPortable(c)
	}
	return nil, &UnknownKindError{Kind: kind, Known: Kinds()}
}

// Choose returns the kind of driver to open for want: "auto", or the name of a kind.
// It opens the kind once, to see that it can. "auto" takes the completion port,
// which every Windows has, and the portable driver only where something stands
// between programs and the system's sockets; reason says in one line why. A kind
// asked for by name that does not work is an error. Any goroutine may call it.
func Choose(want string) (kind, reason string, err error) {
	switch want {
	case kindPortable:
		return kindPortable, "asked for", nil
	case kindIocp:
		if err := tryIocp(); err != nil {
			return "", "", err
		}
		return kindIocp, "asked for", nil
	case "auto":
		err := tryIocp()
		if err == nil {
			return kindIocp, "completion ports are part of Windows", nil
		}
		return kindPortable, "the completion port can not be had: " + reasonOf(err), nil
	}
	return "", "", &UnknownKindError{Kind: want, Known: append([]string{"auto"}, Kinds()...)}
}

func tryIocp() error {
	d, err := Open(kindIocp, Config{SocketsMax: 1, RecvBufferBytes: 64, RecvBuffers: 2, EventsMax: 4})
	if err != nil {
		return err
	}
	return d.Release()
}

func reasonOf(err error) string {
	var u *UnavailableError
	if errors.As(err, &u) {
		return u.Reason
	}
	return err.Error()
}
