// Package outside builds a game in a module of its own on the public packages, by the
// commands that README.md gives.
package outside
