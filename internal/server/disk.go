package server

import (
	"sync/atomic"
	"time"

	"sarang/internal/store"
)

// diskLookEvery is how often the disk is looked at: a flood writes some ten MiB in that
// time, of a reserve of many more.
const diskLookEvery = 2 * time.Second

// diskWatch looks at the room on the store's disk, and has the hub keep a reserve.
type diskWatch struct {
	free  atomic.Uint64
	known atomic.Bool
	stop  chan struct{}
	done  chan struct{}
}

// watchDisk looks once and goes on until it is closed. Nil if there is nothing to look at.
func (s *Server) watchDisk() *diskWatch {
	disk, ok := s.store.(store.Disk)
	if !ok {
		return nil
	}
	w := &diskWatch{stop: make(chan struct{}), done: make(chan struct{})}
	full := s.lookAtDisk(w, disk, false)
	go func() {
		defer close(w.done)
		tick := time.NewTicker(diskLookEvery)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				full = s.lookAtDisk(w, disk, full)
			}
		}
	}()
	return w
}

func (s *Server) lookAtDisk(w *diskWatch, disk store.Disk, was bool) (full bool) {
	free, err := disk.FreeBytes()
	w.known.Store(err == nil)
	if err != nil {
		return was // nobody knows; what was, is
	}
	w.free.Store(free)
	least := uint64(s.config.Hub.DiskFreeBytesMin)
	if was {
		least += least / 8 // not to and fro
	}
	full = free < least
	s.node.Hub.SetDiskFull(full)
	switch {
	case full && !was:
		s.config.Logger.Error("the disk is nearly full: messages, rooms and new guests are refused",
			"free_bytes", free, "disk_free_bytes_min", s.config.Hub.DiskFreeBytesMin)
	case was && !full:
		s.config.Logger.Info("the disk has room again", "free_bytes", free)
	}
	return full
}

// close ends the watching.
func (w *diskWatch) close() {
	if w != nil {
		close(w.stop)
		<-w.done
	}
}
