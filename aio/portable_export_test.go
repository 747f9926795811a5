package aio

// OpenPlainPortable opens a portable driver that uses every connection as it uses
// those without readiness.
func OpenPlainPortable(c Config) (*Portable, error) {
	d, err := NewPortable(c)
	if err != nil {
		return nil, err
	}
	d.plain = true
	return d, nil
}

// Limits that tests check.
const (
	WriteCopyBytes = writeCopyBytes
	CopyGrace      = copyGrace
)
