//go:build !windows

package aio

// systemError returns err: package net wraps the system's own error.
func systemError(err error) error { return err }
