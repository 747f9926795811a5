//go:build !linux

package engine_test

import "testing"

// openFiles counts nothing where the system does not tell.
func openFiles(*testing.T) int { return 0 }
