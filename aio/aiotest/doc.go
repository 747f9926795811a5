// Package aiotest is the conformance suite of package aio: what the contract of
// aio.Driver promises, as cases that every driver must pass.
//
// # Basics
//
// A driver's own test calls Run with a Factory that opens fresh drivers:
//
//	func TestConformance(t *testing.T) {
//		aiotest.Run(t, aiotest.Factory{
//			Name:     "epoll",
//			Open:     openEpoll,
//			Loopback: netip.MustParseAddrPort("127.0.0.1:0"),
//		})
//	}
//
// Each case is a subtest named for what it shows, so one of them runs alone with
// go test -run 'TestConformance/would-block'. All of a case happens in the one
// goroutine of its subtest, locked to its thread, with both ends of every
// connection in the drivers under test. So the same cases run on a real system
// and on a simulation.
//
// # What is always checked
//
// Whatever a case does, the loop that it runs on checks every event against what
// was asked for: the socket and its token belong together; a request that was
// started ends by exactly one event without More, and no event comes for one that
// was not started; lent bytes do not change before the next Wait; a socket that
// was closed ends what it has in flight, then answers KindDisconnect, and has no
// further event. When the case is over its sockets are closed, the drivers
// released, and (on Linux) the process must have as many open files as before.
package aiotest
