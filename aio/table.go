package aio

// table keeps what a driver knows of its sockets. A slot is found by index, and a
// name carries the slot's generation besides, so the name of a socket that is gone
// finds nothing, even when its slot serves another socket by now.
//
// Slots lie in chunks that never move: a *S stays good until its slot is released.
// A table is for one goroutine.
type table[S any] struct {
	chunks []*[chunkSlots]slot[S]
	free   []uint32 // released slots; the last one goes first, being the warmest
	made   int      // slots that were in use at least once
	inUse  int
	max    int
}

type slot[S any] struct {
	generation uint32 // of the name in use, or of the last one; 0 before the first
	used       bool
	value      S
}

const (
	chunkShift = 8
	chunkSlots = 1 << chunkShift

	// slotsMax leaves four bits beside index and generation for a driver that
	// must put a name and an operation into 64 bits.
	slotsMax = 1 << indexBits

	indexBits = 28
	indexMask = slotsMax - 1
)

// add takes a slot, with a zero value in it; ErrTooMany if there is none.
func (t *table[S]) add() (Socket, *S, error) {
	if t.inUse == t.max {
		return 0, nil, ErrTooMany
	}
	index := uint32(t.made)
	if n := len(t.free); n > 0 {
		index = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		if t.made>>chunkShift == len(t.chunks) {
			t.chunks = append(t.chunks, new([chunkSlots]slot[S]))
		}
		t.made++
	}
	t.inUse++
	e := t.at(index)
	e.used = true
	e.generation++
	if e.generation == 0 { // wrapped: zero would make the name "no socket"
		e.generation = 1
	}
	return nameOf(index, e.generation), &e.value, nil
}

// get returns the slot that name stands for, or nil.
func (t *table[S]) get(name Socket) *S {
	index := uint32(name) & indexMask
	if int(index) >= t.made {
		return nil
	}
	e := t.at(index)
	if !e.used || nameOf(index, e.generation) != name {
		return nil
	}
	return &e.value
}

// release frees the slot of a name that get finds.
func (t *table[S]) release(name Socket) {
	index := uint32(name) & indexMask
	e := t.at(index)
	if !e.used || nameOf(index, e.generation) != name {
		panic("aio: release of a socket that is not in the table")
	}
	var zero S
	e.value = zero
	e.used = false
	t.inUse--
	t.free = append(t.free, index)
}

// each calls f for every slot in use.
func (t *table[S]) each(f func(Socket, *S)) {
	for i := range t.made {
		if e := t.at(uint32(i)); e.used {
			f(nameOf(uint32(i), e.generation), &e.value)
		}
	}
}

func (t *table[S]) at(index uint32) *slot[S] {
	return &t.chunks[index>>chunkShift][index&(chunkSlots-1)]
}

// nameOf packs a name: the generation in the upper half, four zero bits, the index.
func nameOf(index, generation uint32) Socket {
	return Socket(generation)<<32 | Socket(index)
}
