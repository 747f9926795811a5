package lock_test

import (
	"fmt"

	"sarang/lock"
)

// A registry names the role of its lock, not the lock: all registries share the
// class, and a debug build watches the order between classes.
func Example() {
	type registry struct {
		mu    lock.RWMutex
		names map[int]string
	}
	r := &registry{names: map[int]string{1: "sarang"}}
	r.mu.Init(lock.NewClass("example.registry"))

	r.mu.RLock()
	defer r.mu.RUnlock()
	fmt.Println(r.names[1])
	// Output: sarang
}
