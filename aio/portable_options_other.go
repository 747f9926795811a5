//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package aio

// systemOptions are none: the system's own behaviour must do.
func systemOptions() sockopts { return sockopts{} }

// setsockopt is never called: there is no option to set.
func setsockopt(uintptr, int, int, int) error { return nil }

// setBacklog sets nothing: package net has asked for as much as the system allows.
func setBacklog(uintptr, int) error { return nil }
