//go:build !linux

package main

// shellVariable is for tests with a pseudo-terminal, which are Linux's.
const shellVariable = "TEST_SARANG_SHELL"

func shell() {}
