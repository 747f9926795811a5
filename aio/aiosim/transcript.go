package aiosim

import "sarang/aio"

// noteEvent writes an event into the transcript.
func (d *Driver) noteEvent(i uint32, e *aio.Event) {
	w := d.world
	switch {
	case e.Err != nil && e.More:
		w.note("d%d s%d -> %v, more: %v", d.number, i, e.Kind, e.Err)
	case e.Err != nil:
		w.note("d%d s%d -> %v: %v", d.number, i, e.Kind, e.Err)
	case e.Kind == aio.KindAccept:
		w.note("d%d s%d -> accept %v", d.number, i, e.Conn.Peer)
	case e.Kind == aio.KindRecv:
		w.note("d%d s%d -> recv %d bytes", d.number, i, len(e.Data))
	case e.Kind == aio.KindSend:
		w.note("d%d s%d -> send %d bytes", d.number, i, e.N)
	default:
		w.note("d%d s%d -> %v", d.number, i, e.Kind)
	}
}
