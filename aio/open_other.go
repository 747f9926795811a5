//go:build !linux

package aio

// Kinds lists the drivers that Open knows on this system.
func Kinds() []string { return nil }

// Open opens a driver of the given kind. This system has none yet: the error wraps
// ErrUnavailable.
func Open(kind string, c Config) (Driver, error) {
	if _, err := c.check(); err != nil {
		return nil, err
	}
	return nil, unavailableHere(kind)
}

// Choose says which kind of driver to open for want. This system has none yet: the
// error wraps ErrUnavailable.
func Choose(want string) (kind, reason string, err error) {
	return "", "", unavailableHere(want)
}

func unavailableHere(kind string) error {
	return &UnavailableError{
		Kind:   kind,
		Reason: "no driver is built for this system",
		Advice: "run on Linux",
	}
}
