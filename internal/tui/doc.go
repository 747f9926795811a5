// Package tui is the terminal client: `sarang chat`.
//
// # Basics
//
// Model is what a person sees and does, without any I/O: Update takes one thing that
// happened (a key, a packet from the server, a second that passed) and returns the
// Effects that follow from it; View draws the state for the size of the terminal.
// Run joins a Model to a terminal and to a connection. Plain is the same client
// without a screen: lines in, lines out.
//
// # Text of others
//
// Names and texts come from people that one does not know, by way of a server that
// one may not know either. What a terminal would act on (escape sequences, control
// characters, marks that turn the writing direction) is made visible before it is
// measured, wrapped or printed: see CleanText and CleanLine. Nothing that was not
// cleaned reaches the screen.
//
// # Caveats
//
// The width of a character is the terminal's decision. Where the usual two ways of
// counting differ (emoji made of several characters), the larger one is taken, so a
// line is never wider than the screen; it may end a little early.
package tui
