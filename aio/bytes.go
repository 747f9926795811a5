//go:build linux || windows

package aio

// firstFilled finds the first slice with bytes in it and says whether there is
// another one after it. Its index is -1 if there are no bytes at all.
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

// poison overwrites bytes whose loan is over, so that who still looks at them
// finds out.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}
