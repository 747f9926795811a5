package hub

import (
	"sync/atomic"

	"sarang/chat"
	"sarang/lock"
)

// directory knows the rooms that are loaded, by name and id. It is the one thing that
// all workers read; it changes only when a room is loaded or let go. A room that is not
// in it may be in the store.
type directory struct {
	mu     lock.RWMutex
	byKey  map[string]*entry
	byName map[string]*entry // the name as created
	byID   map[chat.RoomID]*entry
}

// entry is a room in the directory. The room's home keeps the figures up to date.
type entry struct {
	room    chat.Room // LastSeq is that of the load
	lastSeq atomic.Uint64
	members atomic.Int64
}

func newDirectory() *directory {
	d := &directory{byKey: map[string]*entry{}, byName: map[string]*entry{}, byID: map[chat.RoomID]*entry{}}
	d.mu.Init(lock.NewClass("hub.directory"))
	return d
}

// add makes a room known that its home has loaded.
func (d *directory) add(r chat.Room) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &entry{room: r}
	e.lastSeq.Store(uint64(r.LastSeq))
	d.byKey[r.Key], d.byName[r.Name], d.byID[r.ID] = e, e, e
	return e
}

// remove forgets a room that its home lets go.
func (d *directory) remove(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(e)
}

// drop takes e out. mu is held; another room may have its name by now.
func (d *directory) drop(e *entry) {
	if d.byKey[e.room.Key] == e {
		delete(d.byKey, e.room.Key)
	}
	if d.byName[e.room.Name] == e {
		delete(d.byName, e.room.Name)
	}
	if d.byID[e.room.ID] == e {
		delete(d.byID, e.room.ID)
	}
}

// rename returns what stands for e from now on: the same room with another name. Others may
// still read e, which is not changed.
func (d *directory) rename(e *entry, name, key string) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := &entry{room: e.room}
	now.room.Name, now.room.Key = name, key
	now.lastSeq.Store(e.lastSeq.Load())
	now.members.Store(e.members.Load())
	if d.byID[e.room.ID] == e {
		d.drop(e)
		d.byKey[key], d.byName[name], d.byID[e.room.ID] = now, now, now
	}
	return now
}

// find looks a room up by its key; nil if it is not loaded.
func (d *directory) find(key string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byKey[key]
}

// named looks a room up by its name as it was created, which is how most ask for it:
// a name that was accepted needs not be parsed again. nil means nothing: the room may
// be there by another spelling.
func (d *directory) named(name string) *entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[name]
}

func (d *directory) isEphemeral(id chat.RoomID) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e := d.byID[id]
	return e != nil && e.room.Ephemeral
}

// infos returns rooms of the store as they are about now: nobody is present in those
// that are not loaded.
func (d *directory) infos(stored []chat.Room) []RoomInfo {
	d.mu.RLock()
	defer d.mu.RUnlock()
	infos := make([]RoomInfo, len(stored))
	for i, r := range stored {
		infos[i].Room = r
		if e := d.byID[r.ID]; e != nil {
			infos[i].Epoch = e.room.Epoch // of an ephemeral room: the store has an earlier one
			infos[i].LastSeq, infos[i].Members = max(r.LastSeq, chat.Seq(e.lastSeq.Load())), int(e.members.Load())
		}
	}
	return infos
}

// members is how many are present in a room.
func (d *directory) members(id chat.RoomID) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if e := d.byID[id]; e != nil {
		return int(e.members.Load())
	}
	return 0
}

func (d *directory) len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.byID)
}
