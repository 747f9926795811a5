// Package lock has the mutexes that the whole project locks with. In an ordinary
// build they are sync's own, at sync's price. Built with the tag sarang_debug
// they also watch the order in which locks are taken and report a deadlock that
// could happen, whether or not it happens in this run.
//
// # Basics
//
// Locks that play the same role share a class, named once:
//
//	class := lock.NewClass("room.registry")
//	var mu lock.RWMutex
//	mu.Init(class)
//
// The zero lock works too. It belongs to the class "unnamed" in the statistics,
// and its order is watched for that one lock alone.
//
// The profiler keeps a graph: an edge A→B means that some goroutine asked for B
// while it held A. A new edge that closes a cycle is reported with the path and,
// for each edge of it, the stack where the first lock was taken and the stack
// where the second was asked for. Two locks of one class may be nested, as long as
// every goroutine nests the same two (or three, or more) in the same order: the
// graph has edges between the instances then.
//
// # Recursion
//
// A goroutine that holds a lock must not ask for the same lock again, in any mode:
//
//	held   asked   what Go's locks would do
//	write  write   wait for itself for ever
//	write  read    wait for itself for ever
//	read   write   wait for itself for ever
//	read   read    wait for ever if a writer came between the two
//
// All four are reported. TryLock and TryRLock never wait, so they are not
// reported and add no edge; what they took counts as held.
//
// # Unlocking
//
// The goroutine that took a lock gives it back. Unlocking a lock that another
// goroutine took is reported, unless its class was made with [AllowHandover].
//
// # Caveats
//
// A report is raised before the lock is asked for. The default report function
// panics with the text. One that returns lets the program go on, which for a real
// recursion means that it stops for ever.
//
// The order between locks of two different profilers is not watched.
//
// Read locks count like write locks: with Go's RWMutex a waiting writer holds up
// new readers, so two readers in opposite order can deadlock.
//
// A debug build costs a few microseconds and some garbage per operation. It is
// for tests and for hunting, not for serving.
package lock
