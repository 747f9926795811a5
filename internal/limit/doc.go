// Package limit has the arithmetic of the server's limits: how fast somebody may be,
// which addresses are how busy, and how loaded the server is. It does no I/O and has
// no clock: whoever asks says what time it is, counted from any fixed start.
package limit
