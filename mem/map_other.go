//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package mem

// mapBytes returns n zeroed bytes of Go's heap: this platform has no mapping that
// the package knows of.
func mapBytes(n int) ([]byte, error) { return make([]byte, n), nil }

func unmapBytes(_ []byte) error { return nil }

// protectNone can only make the bytes useless, so that whoever still reads them
// notices soon.
func protectNone(b []byte) error {
	for i := range b {
		b[i] = freedByte
	}
	return nil
}
