package aio

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// socketError is an error of Winsock. It is found under its own number and under
// the name that other systems have for it, so errors.Is(err, syscall.ECONNRESET)
// works here too.
type socketError struct {
	number syscall.Errno
	name   syscall.Errno
}

// Error is the system's sentence.
func (e *socketError) Error() string { return e.number.Error() }

// Unwrap gives both numbers.
func (e *socketError) Unwrap() []error { return []error{e.number, e.name} }

// Is compares numbers, sparing errors.Is the walk.
func (e *socketError) Is(target error) bool { return target == e.number || target == e.name }

// nameOfError returns the portable name of a Winsock error, or 0.
func nameOfError(number syscall.Errno) syscall.Errno {
	switch number {
	case windows.WSAECONNRESET, windows.ERROR_NETNAME_DELETED, windows.WSAENETRESET:
		return syscall.ECONNRESET
	case windows.WSAECONNABORTED, windows.ERROR_CONNECTION_ABORTED:
		return syscall.ECONNABORTED
	case windows.WSAECONNREFUSED, windows.ERROR_CONNECTION_REFUSED:
		return syscall.ECONNREFUSED
	case windows.WSAESHUTDOWN, windows.ERROR_BROKEN_PIPE:
		return syscall.EPIPE
	case windows.WSAENOTCONN:
		return syscall.ENOTCONN
	case windows.WSAETIMEDOUT, windows.ERROR_SEM_TIMEOUT:
		return syscall.ETIMEDOUT
	case windows.WSAENETUNREACH, windows.ERROR_NETWORK_UNREACHABLE:
		return syscall.ENETUNREACH
	case windows.WSAEHOSTUNREACH, windows.ERROR_HOST_UNREACHABLE:
		return syscall.EHOSTUNREACH
	case windows.WSAEADDRINUSE:
		return syscall.EADDRINUSE
	case windows.WSAEADDRNOTAVAIL:
		return syscall.EADDRNOTAVAIL
	case windows.WSAEAFNOSUPPORT:
		return syscall.EAFNOSUPPORT
	case windows.WSAEACCES:
		return syscall.EACCES
	case windows.WSAEINVAL:
		return syscall.EINVAL
	case windows.WSAEMFILE:
		return syscall.EMFILE
	case windows.WSAENOBUFS:
		return syscall.ENOBUFS
	case windows.WSAEOPNOTSUPP:
		return syscall.EOPNOTSUPP
	}
	return 0
}

// fault turns an error of the system into what the owner gets: the error under
// both its names, or ErrCanceled.
func fault(err error) error {
	number := numberOf(err)
	switch number {
	case 0:
		return err
	case windows.ERROR_OPERATION_ABORTED, windows.WSAEINTR:
		return ErrCanceled
	}
	if name := nameOfError(number); name != 0 {
		return &socketError{number: number, name: name}
	}
	return number
}

// numberOf is the system's number in err, or 0 if it has none.
func numberOf(err error) syscall.Errno {
	var number syscall.Errno
	_ = errors.As(err, &number)
	return number
}
