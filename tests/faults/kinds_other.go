//go:build !unix

package main

import "context"

// kindsOfFault needs signals.
func kindsOfFault() map[string]func(context.Context, *run) error { return nil }
