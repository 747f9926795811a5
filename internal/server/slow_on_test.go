//go:build race || sarang_debug

package server_test

// slow says that checks make everything many times slower: fewer rows.
const slow = true
