package simulate

import "sarang/internal/store/storesim"

import "sarang/aio/aiosim"

// Strike is one blow at one exact moment in a world where nothing else goes wrong: to
// try every moment there is, one run after the other.
type Strike struct {
	Kind StrikeKind
	At   int // byte, step or call, from 0
}

// StrikeKind is what a Strike does.
type StrikeKind uint8

// The strikes.
const (
	StrikeToClient   StrikeKind = iota // the first connection is reset when so many bytes have reached the client
	StrikeToServer                     // or the server
	StrikeKill                         // the server is killed after so many steps
	StrikePower                        // its machine dies
	StrikeRefuse                       // the disk refuses that call
	StrikeUncertain                    // the outcome of that call is not known
	StrikeDieBefore                    // the server dies before that call
	StrikeDieBetween                   // in the middle of it
	StrikeDieAfter                     // after it
)

// StrikeKinds is how many kinds there are: they are 0 to StrikeKinds - 1.
const StrikeKinds = 9

// String names a strike.
func (k StrikeKind) String() string {
	return [StrikeKinds]string{
		"reset within what comes to the client", "reset within what comes to the server",
		"kill", "power loss", "call refused", "commit with an unknown outcome",
		"death before a call", "death within a call", "death after a call",
	}[k]
}

// tame makes a plan in which nothing goes wrong: two clients in one room for a while.
func (p *plan) tame() {
	p.clients, p.steps, p.weather = 2, 700, 0
	p.rooms = []roomPlan{{"room0", false}}
	p.rates = rates{act: 0.35, pass: 0.3}
	p.debug = false
	p.limits = limitPlan{homes: p.limits.homes, foreign: p.limits.foreign}
}

// opened is told of each connection that an end has, and arms the first.
func (r *run) opened(c connection, ofServer bool) {
	s := r.options.Strike
	if s == nil || r.armed || s.Kind > StrikeToServer || ofServer != (s.Kind == StrikeToServer) {
		return
	}
	r.armed = true
	if err := c.driver.ResetAfter(c.name, s.At); err != nil {
		r.fail("a connection can not be harmed: %v", err)
	}
}

// strike kills the server if its moment has come.
func (r *run) strike() {
	s := r.options.Strike
	if s == nil || r.struck || r.server == nil || r.steps != s.At {
		return
	}
	switch s.Kind {
	case StrikeKill, StrikePower:
		r.struck = true
		r.crash(s.Kind == StrikePower)
	}
}

// fault is what becomes of the next call of the disk.
func (s *Strike) fault(r *run) storesim.Fault {
	r.calls++
	if r.calls-1 != s.At || s.Kind < StrikeRefuse {
		return storesim.FaultNone
	}
	r.struck = true
	return storesim.FaultUnavailable + storesim.Fault(s.Kind-StrikeRefuse)
}

// wasStruck reports whether the moment was reached.
func (r *run) wasStruck() bool {
	return r.struck || r.options.Strike != nil && r.world.Stats().NetworkResets > 0
}

// goodWeather is that of a run with a Strike.
func goodWeather() aiosim.Faults {
	return aiosim.Faults{DelayMin: 2e6, DelayMax: 8e6, SegmentBytesMin: 1, SegmentBytesMax: 60}
}
