package aiosim

// slabPage is how many slots are allocated at once.
const slabPage = 256

// slab keeps values in slots that never move, so a pointer to one stays good
// while others come and go. Slot 0 is never given out: it stands for none.
type slab[T any] struct {
	pages []*[slabPage]T
	used  uint32   // slots given out at least once, slot 0 included
	free  []uint32 // slots to give out again, last freed first
}

// at returns slot i, which must have been taken.
func (s *slab[T]) at(i uint32) *T { return &s.pages[i/slabPage][i%slabPage] }

// take gives out a slot. Its content is what it was when it was given back.
func (s *slab[T]) take() (uint32, *T) {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i, s.at(i)
	}
	if s.used == 0 {
		s.used = 1
	}
	i := s.used
	s.used++
	if int(i/slabPage) == len(s.pages) {
		s.pages = append(s.pages, new([slabPage]T))
	}
	return i, s.at(i)
}

// give takes slot i back.
func (s *slab[T]) give(i uint32) { s.free = append(s.free, i) }

// has reports whether slot i has ever been given out.
func (s *slab[T]) has(i uint32) bool { return i != 0 && i < s.used }
