package proc

import (
	"bytes"
	"io"
	"sync"
)

// readyWriter is a server's standard output. The first whole line, which names an
// address, says that it is ready; a Config has one address.
type readyWriter struct {
	ready chan struct{}
	line  []byte
	done  bool
}

// Write takes what the server prints. The process has one writer, so there is no lock.
func (w *readyWriter) Write(b []byte) (int, error) {
	if w.done {
		return len(b), nil
	}
	w.line = append(w.line, b...)
	for {
		line, rest, whole := bytes.Cut(w.line, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		w.line = rest
		if bytes.HasPrefix(line, []byte("listening ")) {
			w.done = true
			close(w.ready)
			return len(b), nil
		}
	}
}

// tailBytesMax is how much of a log is kept.
const tailBytesMax = 64 << 10

// tail keeps the end of a log.
type tail struct {
	mu   sync.Mutex
	text []byte
	also io.Writer // gets all of it; nil: nobody
}

// Write keeps b, and forgets what came long before.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytesMax; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	if t.also != nil {
		// That a log can not be written is no reason to end the server.
		_, _ = t.also.Write(b)
	}
	return len(b), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
