package engine

import "sarang/mem"

// Window is a copy of a feed's window, to begin another worker's feed with. It has
// references to the buffers.
type Window struct {
	first  uint64
	start  uint64
	ends   []uint64
	marks  []uint64 // nil: the feed has none
	chunks []feedChunk
}

// Window copies the window; the caller must Release it.
func (f *Feed) Window() *Window {
	w := &Window{first: f.first, start: f.start, ends: make([]uint64, f.ends.Len()), chunks: make([]feedChunk, f.chunks.Len())}
	for i := range w.ends {
		w.ends[i] = *f.ends.At(i)
	}
	if f.marked {
		w.marks = make([]uint64, f.marks.Len())
	}
	for i := range w.marks {
		w.marks[i] = *f.marks.At(i)
	}
	for i := range w.chunks {
		w.chunks[i] = *f.chunks.At(i)
		w.chunks[i].buf.Retain()
	}
	return w
}

// Release lets go of the buffers.
func (w *Window) Release() {
	for i := range w.chunks {
		w.chunks[i].buf.Release()
	}
	w.chunks = nil
}

// Load gives a feed without entries the window of another.
func (f *Feed) Load(w *Window) {
	invariant(f.ends.Len() == 0 && len(f.cursors) == 0, "a window is loaded into a feed that is in use")
	f.first, f.start = w.first, w.start
	for _, e := range w.ends {
		f.ends.PushBack(e)
	}
	f.marked, f.marks = w.marks != nil, mem.Ring[uint64]{}
	for _, m := range w.marks {
		f.marks.PushBack(m)
	}
	for _, c := range w.chunks {
		c.buf.Retain()
		f.chunks.PushBack(c)
	}
}
