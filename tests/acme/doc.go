// Package acme has the real server get its certificates from a real authority, Pebble, which is
// the small one that Let's Encrypt tests clients with.
package acme
