package engine_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when a goroutine is left. Started as the child of the
// crash tests it runs the broken program that they look at instead.
func TestMain(m *testing.M) {
	if what := os.Getenv(crashEnv); what != "" {
		crashChild(what)
		return
	}
	goleak.VerifyTestMain(m)
}
