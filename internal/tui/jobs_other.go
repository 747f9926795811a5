//go:build !unix

package tui

import "context"

// There is no job control here.
func (s *screen) jobControl(context.Context) func() { return func() {} }
func (s *screen) terminalMessage(any)               {}

func hasJobControl() bool { return false }
func suspend()            {}
