package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// mainVariable has the test binary be the program itself.
const mainVariable = "TEST_SARANG_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}
