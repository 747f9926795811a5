package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"sarang/aio"
)

// InvariantError is the panic value of a broken invariant: a fault of the program,
// after which nothing that it holds can be trusted.
type InvariantError struct{ What string }

// Error says what was broken.
func (e *InvariantError) Error() string { return "invariant broken: " + e.What }

func invariant(holds bool, what string) {
	if !holds {
		panic(&InvariantError{What: what})
	}
}

// Invariant stops the program with a crash report when holds is false. It is for
// handlers: what must be true, and what nobody can go on without.
func Invariant(holds bool, what string) { invariant(holds, what) }

// traceEvents is how many of the last completions a crash report shows.
const traceEvents = 64

// trace remembers the last completions of a worker.
type trace struct {
	last [traceEvents]tracePoint
	n    uint64
}

type tracePoint struct {
	kind   aio.Kind
	more   bool
	failed bool
	n      int
	token  aio.Token
}

func (t *trace) add(e *aio.Event) {
	t.last[t.n%traceEvents] = tracePoint{e.Kind, e.More, e.Err != nil, max(e.N, len(e.Data)), e.Token}
	t.n++
}

func (t *trace) String() string {
	var b strings.Builder
	for i := t.n - min(t.n, traceEvents); i < t.n; i++ {
		p := t.last[i%traceEvents]
		fmt.Fprintf(&b, "%8d  %-10s token=%x bytes=%d more=%t failed=%t\n", i, p.kind, uint64(p.token), p.n, p.more, p.failed)
	}
	return b.String()
}

// crashed is deferred on a worker: a panic becomes a report file, and goes on.
func (s *Service) crashed(w *Worker) {
	cause := recover()
	if cause == nil {
		return
	}
	path, err := s.writeCrashReport(w, cause, debug.Stack())
	if err != nil {
		s.config.Logger.Error("could not write the crash report", "error", err)
	} else {
		s.config.Logger.Error("the program is broken and stops", "cause", cause, "report", path)
	}
	panic(cause)
}

// writeCrashReport writes what somebody needs who was not there.
func (s *Service) writeCrashReport(w *Worker, cause any, stack []byte) (string, error) {
	var b strings.Builder
	now := time.Now()
	fmt.Fprintf(&b, "%s crash report, %s\n\ncause: %v\nworker: %d of %d (%s)\nsessions: %d\ngo: %s %s/%s\n",
		s.config.Name, now.Format(time.RFC3339), cause, w.index, len(s.workers), w.driver.Name(), w.sessions.live,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(&b, "build: %s %s\n", info.Main.Path, info.Main.Version)
		for _, kv := range info.Settings {
			if strings.HasPrefix(kv.Key, "vcs") || strings.HasPrefix(kv.Key, "-") {
				fmt.Fprintf(&b, "  %s=%s\n", kv.Key, kv.Value)
			}
		}
	}
	fmt.Fprintf(&b, "\nstack of the worker:\n%s\nlast completions, the newest last:\n%s\nall goroutines:\n", stack, w.trace.String())
	all := make([]byte, 1<<20)
	b.Write(all[:runtime.Stack(all, true)])
	path := filepath.Join(s.config.CrashDir, fmt.Sprintf("%s-crash-%s-%d.txt", s.config.Name, now.Format("20060102-150405"), os.Getpid()))
	return path, writeNew(path, b.String())
}

// writeNew writes a file that is not there yet, for its owner only. The folder may be the
// system's temporary one, where somebody else may have put a link of that name.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
