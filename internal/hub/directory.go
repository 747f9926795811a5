package hub

import (
	"slices"
	"sync/atomic"

	"sarang/chat"
	"sarang/lock"
)

// directory knows all rooms by name and id. It is the one thing that all workers
// read; it changes only when a room is made.
type directory struct {
	mu     lock.RWMutex
	byKey  map[string]*entry
	byName map[string]*entry // the name as created
	byID   map[chat.RoomID]*entry
	ids    []chat.RoomID // in order
}

// entry is a room in the directory. The room's home keeps the figures up to date.
type entry struct {
	room    chat.Room // LastSeq is that of the start
	lastMs  int64     // time of the last event at the start
	lastSeq atomic.Uint64
	members atomic.Int64
}

// info is the room as it is about now.
func (e *entry) info() RoomInfo {
	i := RoomInfo{Room: e.room, Members: int(e.members.Load())}
	i.LastSeq = chat.Seq(e.lastSeq.Load())
	return i
}

func newDirectory() *directory {
	d := &directory{byKey: map[string]*entry{}, byName: map[string]*entry{}, byID: map[chat.RoomID]*entry{}}
	d.mu.Init(lock.NewClass("hub.directory"))
	return d
}

// add makes a room known, whose last event so far was at lastMs.
func (d *directory) add(r chat.Room, lastMs int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.byID[r.ID]; known {
		return
	}
	e := &entry{room: r, lastMs: lastMs}
	e.lastSeq.Store(uint64(r.LastSeq))
	d.byKey[r.Key], d.byName[r.Name], d.byID[r.ID] = e, e, e
	i, _ := slices.BinarySearch(d.ids, r.ID)
	d.ids = slices.Insert(d.ids, i, r.ID)
}

// find looks a room up by its key; nil if there is none.
func (d *directory) find(key string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byKey[key]
}

// named looks a room up by its name as it was created, which is how most ask for it:
// a name that was accepted needs not be parsed again. nil says nothing: the room may
// be there by another spelling.
func (d *directory) named(name string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[name]
}

// get looks a room up by its id; nil if there is none.
func (d *directory) get(id chat.RoomID) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[id]
}

// page returns up to itemsMax rooms with ids above after, and whether there are more.
func (d *directory) page(after chat.RoomID, itemsMax int) (page []RoomInfo, more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	i, found := slices.BinarySearch(d.ids, after)
	if found {
		i++
	}
	for _, id := range d.ids[i:] {
		if len(page) == itemsMax {
			return page, true
		}
		page = append(page, d.byID[id].info())
	}
	return page, false
}

func (d *directory) len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.ids)
}
