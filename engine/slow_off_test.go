//go:build !race && !sarang_debug

package engine_test

// slow says that the race detector or the lock profiler watches: the largest cases
// are made smaller, and allocations are not counted.
const slow = false
