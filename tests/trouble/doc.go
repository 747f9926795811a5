// Package trouble has tests of the real binary in a world that misbehaves: full disks,
// damaged files, folders that can not be written, too few files, signals.
//
// The clock is not among them: no process can have a wall clock of its own (a time
// namespace shifts the monotonic clocks alone), and to set that of the machine is not a
// test's business. That a room's times do not go back when the clock does is tested in
// internal/server (clock_test.go), where a clock can be given, and in the simulation.
package trouble
