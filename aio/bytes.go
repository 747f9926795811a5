//go:build linux || windows

package aio

// firstFilled returns the index of the first slice with bytes in it and reports whether
// there is another one after it. The index is -1 if there are no bytes at all.
func firstFilled(v [][]byte) (index int, another bool) {
	index = -1
	for i, b := range v {
		if len(b) == 0 {
			continue
		}
		if index >= 0 {
			return index, true
		}
		index = i
	}
	return index, false
}

// poison overwrites bytes whose loan is over, so that who still reads them
// finds out.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}
