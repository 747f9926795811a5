// Package suite is what the benchmarks measure: workloads, the order in which servers
// take turns, what is noted of each run, and the goals that the medians are held
// against.
package suite
