// Package view folds what a server tells of a room into its messages as they are now: with the
// text that was said last, what was deleted, and who has put what on them.
//
// # Basics
//
// A View is given the events of a room as they come (Event) and pages of its history (Page), in
// whatever order, and more than once: the picture is the same for who has lived through all of
// it, who has paged, and who was away in between. That is so because a page says of each
// message which event is the newest that is in it, and what stands behind that comes on top.
//
// The package does no I/O and has no clock. The files in testdata say what a client in another
// language has to make of what; they are in the protocol's JSON (docs/PROTOCOL.md).
package view
