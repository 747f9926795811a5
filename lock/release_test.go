//go:build !sarang_debug

package lock_test

import (
	"sync"
	"testing"
	"unsafe"

	"sarang/lock"
)

func TestReleaseCostsNothing(t *testing.T) {
	if lock.Enabled {
		t.Error("Enabled in an ordinary build")
	}
	if got, want := unsafe.Sizeof(lock.Mutex{}), unsafe.Sizeof(sync.Mutex{}); got != want {
		t.Errorf("Mutex takes %d bytes, sync's %d", got, want)
	}
	if got, want := unsafe.Sizeof(lock.RWMutex{}), unsafe.Sizeof(sync.RWMutex{}); got != want {
		t.Errorf("RWMutex takes %d bytes, sync's %d", got, want)
	}
	var m lock.RWMutex
	n := 0
	allocs := testing.AllocsPerRun(100, func() {
		m.Init(lock.Default().NewClass("a", lock.AllowHandover()))
		m.Init(lock.NewClass("b"))
		m.Lock()
		n++
		m.Unlock()
	})
	if allocs != 0 {
		t.Errorf("naming a class allocates %v times", allocs)
	}
	if s := lock.Default().Stats(); s != nil {
		t.Errorf("Stats of an ordinary build: %v", s)
	}
}
