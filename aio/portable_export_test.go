package aio

// OpenPlainPortable opens a portable driver that uses every connection as it uses
// those that can not tell when they are ready.
func OpenPlainPortable(c Config) (*Portable, error) {
	d, err := NewPortable(c)
	if err != nil {
		return nil, err
	}
	d.plain = true
	return d, nil
}

// Limits that tests look at.
const (
	WriteCopyBytes = writeCopyBytes
	CopyGrace      = copyGrace
)
