package load

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Kind is something that is counted and can be waited for.
type Kind int

// The kinds.
const (
	Message  Kind = iota // made by a publisher
	Acked                // a message got its place
	Joined               // a client is in its room
	Delivery             // an event was seen
	Refused              // a message was refused for a time
	resent
	reread
	connected
	unreached
	lost
	goodbye
	kinds
)

// faultsMax bounds the list; a server that breaks one promise may break thousands.
const faultsMax = 100

// counters are shared by all clients.
type counters struct {
	mu      sync.Mutex
	n       [kinds]uint64
	longest time.Duration // from a message to its answer
	faults  []string
	changed chan struct{} // closed at the next change; nil: nobody waits
}

func (c *counters) add(k Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[k]++
	c.tell()
}

// waited notes how long somebody waited for an answer.
func (c *counters) waited(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.longest = max(c.longest, d)
}

// tell wakes those who wait.
func (c *counters) tell() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// next returns a channel that is closed when something has changed.
func (c *counters) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

func (c *counters) get(k Kind) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[k]
}

func (c *counters) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < faultsMax {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
	c.tell()
}

func (c *counters) faultList() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.faults)
}
