//go:build !sarang_debug

package lock

import "sync"

// Enabled reports whether this build watches its locks (build tag sarang_debug).
const Enabled = false

// Mutex is sync.Mutex with a class. The zero value is an unlocked mutex of the
// class "unnamed". It must not be copied after its first use.
type Mutex struct{ sync.Mutex }

// NewMutex returns an unlocked mutex of class c.
func NewMutex(_ *Class) *Mutex { return new(Mutex) }

// Init gives m its class. Call it before m is first locked.
func (m *Mutex) Init(_ *Class) {}

// RWMutex is sync.RWMutex with a class. The zero value is an unlocked lock of the
// class "unnamed". It must not be copied after its first use.
type RWMutex struct{ sync.RWMutex }

// NewRWMutex returns an unlocked reader-writer lock of class c.
func NewRWMutex(_ *Class) *RWMutex { return new(RWMutex) }

// Init gives m its class. Call it before m is first locked.
func (m *RWMutex) Init(_ *Class) {}

// Class is the role that a set of locks plays. It has no size in this build.
type Class struct{}

// NewClass names a class of the default profiler. The same name gives the same
// class; the options of the first call stay. Any goroutine may call it.
func NewClass(_ string, _ ...Option) *Class { return &Class{} }

// Profiler watches the locks of its classes. In this build it does nothing.
type Profiler struct{}

// NewProfiler returns a profiler with a graph and classes of its own.
func NewProfiler() *Profiler { return &Profiler{} }

// Default returns the profiler of NewClass and of locks without a class.
func Default() *Profiler { return &Profiler{} }

// NewClass names a class of this profiler, like the function NewClass.
func (p *Profiler) NewClass(_ string, _ ...Option) *Class { return &Class{} }

// SetReport sets what a fault is told to; nil brings back the default, which
// panics with the report's text. In this build nothing is ever reported.
func (p *Profiler) SetReport(_ func(Report)) {}

// Stats returns the figures of every class, sorted by name; none in this build.
func (p *Profiler) Stats() []ClassStats { return nil }
