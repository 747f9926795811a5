//go:build !race && !sarang_debug

package sqlite_test

// slow says that checks make everything many times slower: fewer rows.
const slow = false
