//go:build !linux

package aio_test

import (
	"testing"

	"sarang/aio"
)

// TestPortableConformance: on Linux the suite runs on every kind by itself.
func TestPortableConformance(t *testing.T) {
	conformPortable(t, aio.NewPortable)
}
