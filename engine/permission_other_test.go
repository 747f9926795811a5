//go:build !windows

package engine_test

import "os"

// othersMayRead reports whether a file is open to more than its owner.
func othersMayRead(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return info.Mode().Perm()&0o077 != 0, nil
}
