package lock

import (
	"fmt"
	"strings"
	"time"
)

// Kind says what a Report is about.
type Kind uint8

// The kinds of report.
const (
	KindCycle     Kind = iota + 1 // locks are taken in an order that can deadlock
	KindRecursion                 // a goroutine asked for a lock that it holds
	KindUnlock                    // a lock was given back by a goroutine that does not hold it
)

// String returns the kind in words.
func (k Kind) String() string {
	switch k {
	case KindCycle:
		return "lock order cycle"
	case KindRecursion:
		return "recursive locking"
	case KindUnlock:
		return "unlock by a stranger"
	}
	return "unknown"
}

// Edge is one step of a Report: To was asked for while From was held.
type Edge struct {
	From, To  string // names of classes, with "#number" where one lock is meant
	FromStack string // where From was taken
	ToStack   string // where To was asked for
}

// Report is one fault that the profiler found.
type Report struct {
	Kind Kind

	// Path names the locks in the order of the cycle, the first one again at the
	// end. For the other kinds it has the one lock.
	Path []string

	// Edges has the steps of Path with their stacks. The first is the new one that
	// closed the cycle. For KindRecursion it is one edge from the lock to itself;
	// for KindUnlock too, with ToStack the place of the unlock and FromStack empty
	// if nobody holds the lock.
	Edges []Edge
}

// String is the full text of the report, several lines.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "lock: %v: %s\n", r.Kind, strings.Join(r.Path, " -> "))
	for _, e := range r.Edges {
		if r.Kind == KindUnlock {
			fmt.Fprintf(&b, "%s unlocked at\n%s", e.To, e.ToStack)
			if e.FromStack == "" {
				b.WriteString("and nobody holds it\n")
			} else {
				fmt.Fprintf(&b, "but another goroutine took it at\n%s", e.FromStack)
			}
			continue
		}
		fmt.Fprintf(&b, "%s held, taken at\n%swhen %s was asked for at\n%s", e.From, e.FromStack, e.To, e.ToStack)
	}
	return b.String()
}

// ClassStats are the figures of one class since its profiler was made.
type ClassStats struct {
	Class        string        // the class's name
	Acquisitions uint64        // locks taken, for reading and for writing
	Contended    uint64        // how many of them had to wait
	WaitTotal    time.Duration // time waited, by all
	WaitMax      time.Duration // the longest wait of one
}

// Option is a property of a class.
type Option uint8

const allowHandover Option = 1

// AllowHandover lets a lock of the class be taken by one goroutine and given back
// by another, as when a lock protects something that travels with its owner. The
// lock counts as held by the first until it is given back.
func AllowHandover() Option { return allowHandover }
