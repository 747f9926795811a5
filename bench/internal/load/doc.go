// Package load is the client of the benchmarks: many connections on one thread with
// epoll, the same for every server. A Crowd connects, joins rooms, and then runs
// phases: publishers keep a window of messages in flight, or keep to a timetable, and
// every delivery is counted and its number checked.
//
// A message is in flight from its publish until it was delivered to every receiver of
// its room. That is the rule for all servers, those that acknowledge included.
//
// Everything is for one goroutine. Linux only.
package load
