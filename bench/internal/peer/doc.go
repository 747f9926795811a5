// Package peer starts the servers that are compared, each alone, in a folder of its
// own, on one core, and reads what they use. Linux only.
package peer
