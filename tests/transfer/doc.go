// Package transfer runs the real program: what is said on one server comes to another one that
// runs, and an import that is killed goes on.
package transfer
