package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// mainVariable has the test binary be the program itself.
const mainVariable = "TEST_SARANG_MAIN"

// panicVariable has the test binary be a screen on which something panics: what it says.
const panicVariable = "TEST_SARANG_PANIC"

func TestMain(m *testing.M) {
	if os.Getenv(panicVariable) != "" && os.Getenv(shellVariable) == "" {
		panicOnScreen(os.Getenv(panicVariable))
		return
	}
	if os.Getenv(mainVariable) != "" {
		main()
		return
	}
	if os.Getenv(shellVariable) != "" {
		shell()
		return
	}
	goleak.VerifyTestMain(m)
}
