package aiotest

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"sarang/aio"
)

// Factory opens the driver under test and describes it.
type Factory struct {
	// Name is what the driver's Name method must return.
	Name string

	// Open opens one fresh driver per config, all on one network, on the calling
	// thread. It ends the test if it can not. The suite calls Release.
	Open func(t *testing.T, configs ...aio.Config) []aio.Driver

	// Loopback is the address to listen on, with port 0.
	Loopback netip.AddrPort

	// Loopback6 is the same for IPv6. Not valid: the IPv6 cases are skipped.
	Loopback6 netip.AddrPort

	// Simulated: there is no system behind the driver: cases that need
	// a plain net.Conn at the far end are skipped, and open files not counted.
	Simulated bool

	// NoExternalWake: a Wait without end can not be woken from another
	// goroutine (a simulation that reports a deadlock instead): such cases are
	// skipped.
	NoExternalWake bool

	// ReadsOnce: a Wait yields one buffer of each socket, also where more
	// has come together.
	ReadsOnce bool

	// ReadsInTurns: no socket is read twice in a Wait before all that can be
	// read have been read once.
	ReadsInTurns bool

	// IdleConnections is the size of the case with very many sockets: so many
	// connections, both ends in one driver. Zero means 5,000, and fewer with
	// -short or under the race detector.
	IdleConnections int
}

// Where a case can run.
type needs uint8

const (
	needsSystem       needs = 1 << iota // a plain net.Conn at the far end
	needsV6                             // an IPv6 loopback
	needsExternalWake                   // a Wait without end that another goroutine wakes
)

// testCase is one case of the suite.
type testCase struct {
	name    string
	needs   needs
	configs []aio.Config // one driver each; none means one driver with defaults
	batch   int          // len(events) of each Wait; 0 means batchDefault
	run     func(b *bench)
}

// Cases returns the names of all cases, in the order in which Run runs them.
func Cases() []string {
	var names []string
	for _, c := range allCases() {
		names = append(names, c.name)
	}
	return names
}

// Run runs every case as a subtest of t.
func Run(t *testing.T, f Factory) {
	// The first count opens the runtime's own files, and so does the first timer.
	countOpenFiles()
	time.AfterFunc(time.Hour, func() {}).Stop()
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) { runCase(t, f, c) })
	}
}

func allCases() []testCase {
	var all []testCase
	all = append(all, openCases()...)
	all = append(all, byteCases()...)
	all = append(all, fairCases()...)
	all = append(all, endCases()...)
	all = append(all, stormCases()...)
	all = append(all, limitCases()...)
	all = append(all, wakeCases()...)
	return all
}

func runCase(t *testing.T, f Factory, c testCase) {
	switch {
	case c.needs&needsSystem != 0 && f.Simulated:
		t.Skip("needs a real system behind the driver")
	case c.needs&needsV6 != 0 && !f.Loopback6.IsValid():
		t.Skip("no IPv6 loopback here")
	case c.needs&needsExternalWake != 0 && f.NoExternalWake:
		t.Skip("this driver can not be woken from another goroutine")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	configs := c.configs
	if len(configs) == 0 {
		configs = []aio.Config{{}}
	}
	filesBefore := countOpenFiles()
	b := newBench(t, f, c, configs)
	defer b.release() // a failed case must not leak into the next
	c.run(b)
	b.finish()
	b.release()
	if filesAfter := countOpenFiles(); !f.Simulated && filesAfter != filesBefore {
		t.Errorf("open files: %d before the case, %d after Release", filesBefore, filesAfter)
	}
}
