//go:build !race && !sarang_debug

package native_test

// slow says that checks make everything many times slower: fewer and shorter runs.
const slow = false
