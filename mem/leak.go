package mem

import (
	"fmt"
	"runtime"
	"strings"
)

// leaksShownMax bounds the text of a LeakError; the list itself is whole.
const leaksShownMax = 8

// Leak is a buffer or object that was not given back.
type Leak struct {
	SizeBytes int    // as asked for
	Refs      int    // owners left
	Stack     string // where it was taken, in debug mode
}

// LeakError is the error of a Close that found things still in use.
type LeakError struct {
	Leaks []Leak
}

// Error tells how much has leaked and lists the first leaks.
func (e *LeakError) Error() string {
	var b strings.Builder
	bytes := 0
	for _, l := range e.Leaks {
		bytes += l.SizeBytes
	}
	fmt.Fprintf(&b, "mem: %d still in use at close, %d bytes", len(e.Leaks), bytes)
	for i, l := range e.Leaks {
		if i == leaksShownMax {
			fmt.Fprintf(&b, "\n… and %d more", len(e.Leaks)-i)
			break
		}
		fmt.Fprintf(&b, "\n%d bytes, owners left: %d", l.SizeBytes, l.Refs)
		if l.Stack != "" {
			b.WriteString(", taken at\n" + l.Stack)
		}
	}
	return b.String()
}

// stack is a call stack that costs little until somebody wants to read it.
type stack []uintptr

// callStack returns the callers of the function that is skip levels up from the
// caller; 0 is the caller itself.
func callStack(skip int) stack {
	pcs := make(stack, 32)
	return pcs[:runtime.Callers(skip+2, pcs)]
}

// String lists the frames as the runtime does.
func (s stack) String() string {
	if len(s) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(s)
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}
