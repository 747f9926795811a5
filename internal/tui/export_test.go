package tui

import (
	"context"
	"time"

	"sarang/client"
)

// Wrap and Cells are for tests: what they promise is easier to hunt for there than on
// a screen.
func Wrap(s string, first, others int) []string { return wrap(s, first, others) }

// Cells is the width of a clean s.
func Cells(s string) int { return cellsOf(s) }

// Palette is the colours of names.
func Palette() []string { return palette() }

// Message is what an event of a client is to a Model.
func Message(e client.Event, now time.Time) any { return message(e, now) }

// Plainly is an error as an answer to an effect has it.
func Plainly(err error) error { return plainly(err) }

// Perform does what an effect asks for.
func Perform(ctx context.Context, c Conn, effect Effect) any { return perform(ctx, c, effect) }
