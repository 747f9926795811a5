// Package aiosim is a driver of package aio without a system behind it: a
// network, its faults and its clock are simulated, and one seed decides them.
//
// # Basics
//
// A World is a network with a clock. Its drivers listen and connect to each other
// at any address; nothing reaches the machine. The same seed and the same calls in
// the same order give the same events, so a failure is a seed that anyone can
// replay. No goroutine runs inside, and no time passes but the world's.
//
// A Wait with a timeout moves the clock to the next thing that is due, until the
// driver has an event. One driver with both ends of its connections needs no more
// than that. Several drivers in one goroutine take turns with Wait(0), and the
// world is moved when all of them are idle:
//
//	for {
//		n := 0
//		for _, worker := range workers {
//			n += worker.Tick() // its Wait has timeout 0
//		}
//		if n == 0 && !advance(world, nextTimer(workers)) {
//			break
//		}
//	}
//
// where advance moves the world to whichever comes first, the next thing due on
// the network (World.Next) or the workers' next timer, by World.Advance. World.Step
// does it where there are no timers.
//
// # Faults
//
// Faults, set at the start or at run time, delay, cut and stall what is sent, fill
// sockets, hold up aborts, reset connections at any byte, refuse them, or let them
// go silent. Driver.Stall, Driver.Reset, Driver.ResetAfter and Driver.Vanish harm one
// connection, and Driver.Sip makes a slow reader. World.Stats counts what was done, and
// Config.Transcript records everything.
//
// The driver is as hard to its owner as the contract allows. Events of different
// sockets come in random order. Bytes to send are read as late as can be, and
// lent bytes are scribbled over when the loan is over, so an owner that breaks
// either promise sends or reads rubbish in the first test.
//
// # Caveats
//
// Modelled are listeners with backlogs, byte streams with bounded buffers at both
// ends, latency, bandwidth, the end of a stream and resets. Of the socket options
// the buffer sizes, the backlog, SO_REUSEPORT and SO_LINGER matter; keep-alive and
// TCP_USER_TIMEOUT are accepted without effect, so a connection that has vanished
// stays until its owner gives it up, by a heartbeat for instance.
//
// Drivers may be used from different goroutines, one each; the world is locked by
// one mutex. Such a run is not repeatable, as the order of calls is not. A Wait
// without end then needs Config.AllowExternalWake. A Wait with a timeout never
// blocks: the timeout passes in simulated time.
package aiosim
