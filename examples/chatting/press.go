package main

import (
	"sarang/engine"
	"sarang/mem"
)

// press turns remarks into numbered lines.
type press struct {
	next    uint64
	chunker *mem.Chunker // packs the lines of many ticks into one buffer
	scratch []byte
}

// sheet is a run of printed lines: packets, one after the other.
type sheet struct {
	first uint64 // number of the first line
	buf   *mem.Buf
	off   int      // where the run starts in buf
	ends  []uint32 // where each line ends, counted from off
}

// firstLine is the number of the first line that is said after a start.
const firstLine = 1

// print returns the lines; the buffer is the caller's to Release.
func (p *press) print(said []remark) sheet {
	first, b, ends := p.next, p.scratch[:0], make([]uint32, 0, len(said))
	for i := range said {
		r := &said[i]
		l := line{Number: p.next, Player: r.by, Name: r.name, Text: r.text}
		var err error
		b, err = l.append(b)
		engine.Invariant(err == nil, "a line does not fit its own limits")
		ends = append(ends, uint32(len(b)))
		p.next++
	}
	p.scratch = b
	buf, off, err := p.chunker.Append(b)
	engine.Invariant(err == nil, "there is memory for what was said")
	return sheet{first: first, buf: buf, off: off, ends: ends}
}

func (p *press) close() {
	if p.chunker != nil {
		p.chunker.Drop()
	}
}
