//go:build sarang_debug

package lock

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The profiler's own state: which goroutine holds what, the last node number given
// out, and the profiler of locks that nobody gave another.
var (
	holders         holderTable
	nodes           atomic.Uint64
	defaultProfiler = NewProfiler()
)

// Class is the role that a set of locks plays.
type Class struct {
	profiler *Profiler
	name     string
	number   uint64 // its node in the graph; 0 for the class "unnamed"
	handover bool
	stats    counters
}

// NewClass names a class of the default profiler. The same name gives the same
// class; the options of the first call stay. Any goroutine may call it.
func NewClass(name string, options ...Option) *Class {
	return defaultProfiler.NewClass(name, options...)
}

// lockName names one lock of the class.
func (c *Class) lockName(number uint64) string { return fmt.Sprintf("%s#%d", c.name, number) }

// Profiler watches the locks of its classes. All methods may be called by any
// goroutine.
type Profiler struct {
	unnamed *Class
	report  atomic.Pointer[func(Report)]

	// sync's own: the profiler does not watch itself.
	mu      sync.RWMutex
	classes map[string]*Class
	graph   *graph
}

// NewProfiler returns a profiler with a graph and classes of its own.
func NewProfiler() *Profiler {
	p := &Profiler{classes: make(map[string]*Class), graph: newGraph()}
	p.unnamed = &Class{profiler: p, name: "unnamed"}
	p.classes[p.unnamed.name] = p.unnamed
	return p
}

// Default returns the profiler of NewClass and of locks without a class.
func Default() *Profiler { return defaultProfiler }

// NewClass names a class of this profiler, like the function NewClass.
func (p *Profiler) NewClass(name string, options ...Option) *Class {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.classes[name]
	if c == nil {
		c = &Class{profiler: p, name: name, number: nodes.Add(1)}
		c.handover = slices.Contains(options, allowHandover)
		p.classes[name] = c
	}
	return c
}

// SetReport sets what a fault is told to; nil brings back the default, which
// panics with the report's text. f runs on the goroutine at fault, before that
// takes or gives back the lock, and holding no lock of the profiler.
func (p *Profiler) SetReport(f func(Report)) {
	if f == nil {
		p.report.Store(nil)
		return
	}
	p.report.Store(&f)
}

func (p *Profiler) tell(r Report) {
	if f := p.report.Load(); f != nil {
		(*f)(r)
		return
	}
	panic(r.String())
}

// ask books that goroutine g is about to wait for h, and reports what is wrong with
// that.
func (p *Profiler) ask(g uint64, h hold) {
	for _, has := range holders.of(g) {
		if has.number == h.number {
			name := h.class.lockName(h.number)
			p.tell(Report{Kind: KindRecursion, Path: []string{name}, Edges: []Edge{{
				From: name, To: name, FromStack: has.stack.String(), ToStack: h.stack.String(),
			}}})
			continue
		}
		if has.class.profiler != p {
			continue
		}
		if r, bad := p.order(has, h); bad {
			p.tell(r)
		}
	}
}

// order books that h is asked for by who has the other lock.
func (p *Profiler) order(has, h hold) (r Report, bad bool) {
	l := &link{step: step{has.node(), h.node()}}
	if l.from == l.to { // one class: it is the two locks that have an order
		l.step = step{has.number, h.number}
	}
	p.mu.RLock()
	_, known := p.graph.known[l.step]
	p.mu.RUnlock()
	if known {
		return r, false
	}
	fromSingle, toSingle := l.from == has.number, l.to == h.number
	l.fromName, l.toName = has.class.name, h.class.name
	if fromSingle {
		l.fromName = has.class.lockName(has.number)
	}
	if toSingle {
		l.toName = h.class.lockName(h.number)
	}
	l.fromStack, l.toStack = has.stack, h.stack
	back, fresh := p.add(l, fromSingle || toSingle)
	if !fresh || back == nil {
		return r, false
	}
	return cycle(append([]*link{l}, back...)), true
}

// add puts l into the graph; fresh is false if another goroutine was quicker.
func (p *Profiler) add(l *link, single bool) (back []*link, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.graph.known[l.step]; known {
		return nil, false
	}
	return p.graph.add(l, single), true
}

// cycle makes a report of the edges of a cycle.
func cycle(links []*link) Report {
	r := Report{Kind: KindCycle, Path: []string{links[0].fromName}}
	for _, l := range links {
		r.Path = append(r.Path, l.toName)
		r.Edges = append(r.Edges, l.edge())
	}
	return r
}

// Stats returns the figures of every class, sorted by name.
func (p *Profiler) Stats() []ClassStats {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]ClassStats, 0, len(p.classes))
	for _, c := range p.classes {
		all = append(all, ClassStats{
			Class:        c.name,
			Acquisitions: c.stats.acquisitions.Load(),
			Contended:    c.stats.contended.Load(),
			WaitTotal:    time.Duration(c.stats.waitTotal.Load()),
			WaitMax:      time.Duration(c.stats.waitMax.Load()),
		})
	}
	slices.SortFunc(all, func(a, b ClassStats) int { return strings.Compare(a.Class, b.Class) })
	return all
}

// counters are a class's figures; waits are in nanoseconds.
type counters struct {
	acquisitions, contended atomic.Uint64
	waitTotal, waitMax      atomic.Int64
}

// took books an acquisition.
func (c *counters) took(wait time.Duration, contended bool) {
	c.acquisitions.Add(1)
	if !contended {
		return
	}
	c.contended.Add(1)
	c.waitTotal.Add(int64(wait))
	for {
		longest := c.waitMax.Load()
		if int64(wait) <= longest || c.waitMax.CompareAndSwap(longest, int64(wait)) {
			return
		}
	}
}
