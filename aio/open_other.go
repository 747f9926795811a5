//go:build !linux && !windows

package aio

// Kinds lists the drivers that Open knows on this system.
func Kinds() []string { return []string{kindPortable} }

// Open opens a driver: kind "portable". It belongs to the calling goroutine.
//
// The error of a kind that does not exist is an *UnknownKindError; of bounds that
// make no sense a *ConfigError.
func Open(kind string, c Config) (Driver, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	if kind == kindPortable {
		return openPortable(c)
	}
	return nil, &UnknownKindError{Kind: kind, Known: Kinds()}
}

// Choose returns the kind of driver to open for want: "auto", or the name of a kind.
// reason says in one line why. Any goroutine may call it.
func Choose(want string) (kind, reason string, err error) {
	switch want {
	case kindPortable:
		return kindPortable, "asked for", nil
	case "auto":
		return kindPortable, "it is the only driver for this system", nil
	}
	return "", "", &UnknownKindError{Kind: want, Known: append([]string{"auto"}, Kinds()...)}
}
