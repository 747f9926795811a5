package main

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"sarang/lock"
)

// Bounds of a logQueue.
const (
	logQueueBytesMax = 1 << 20         // lines that wait to be written
	logSpareBytesMax = 16 << 10        // a larger buffer is not kept
	logFlushTimeout  = 2 * time.Second // how long the end of the program waits for them
)

// logQueue takes log lines and has one goroutine write them, so that a worker that logs
// never waits for whoever reads the log: standard error may be a pipe that nobody empties.
// A line that has no room, or that can not be written, is counted and gone.
type logQueue struct {
	mu      lock.Mutex
	pending []byte         // whole lines
	next    io.WriteCloser // where to write to from now on; nil: as before
	closed  bool
	flushes []chan struct{} // closed when what was pending before has been written

	out   io.WriteCloser // the goroutine's
	again func(uint64)   // told, on the goroutine, how many lines were lost when writing works again
	wake  chan struct{}  // has a token if there may be something to do
	done  chan struct{}  // closed when the goroutine has ended
	lost  atomic.Uint64
}

// newLogQueue begins to write to out, and closes it when it is replaced or at the end.
// again must not wait for the queue; it may log.
func newLogQueue(out io.WriteCloser, again func(lost uint64)) *logQueue {
	q := &logQueue{out: out, again: again, wake: make(chan struct{}, 1), done: make(chan struct{})}
	q.mu.Init(lock.NewClass("sarang.log"))
	go q.run()
	return q
}

// Write takes one line, or drops it. It does not wait and has no error.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	if q.closed || len(q.pending)+len(line) > logQueueBytesMax {
		q.lost.Add(1)
	} else {
		q.pending = append(q.pending, line...)
	}
	q.mu.Unlock()
	q.poke()
	return len(line), nil
}

func (q *logQueue) poke() {
	select {
	case q.wake <- struct{}{}:
	default: // it has a token
	}
}

// replace has the queue go on with another place to write to, which it then closes.
func (q *logQueue) replace(out io.WriteCloser) {
	q.mu.Lock()
	out, q.next = q.next, out
	q.mu.Unlock()
	if out != nil {
		_ = out.Close() // replaced before its turn came
	}
	q.poke()
}

// linesLost returns how many lines were dropped.
func (q *logQueue) linesLost() uint64 { return q.lost.Load() }

// flush waits until what is there has been written, but not longer than timeout.
func (q *logQueue) flush(timeout time.Duration) {
	written := make(chan struct{})
	q.mu.Lock()
	q.flushes = append(q.flushes, written)
	q.mu.Unlock()
	q.poke()
	select {
	case <-written:
	case <-q.done:
	case <-time.After(timeout):
	}
}

// close takes no more lines and waits until those that it has are written, but not longer
// than timeout. The goroutine stays behind if its write does not return.
func (q *logQueue) close(timeout time.Duration) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.poke()
	select {
	case <-q.done:
	case <-time.After(timeout):
	}
}

// run writes until the queue is closed and empty.
func (q *logQueue) run() {
	defer close(q.done)
	defer func() { _ = q.out.Close() }()
	var spare []byte
	var told uint64
	for range q.wake {
		w := q.take(spare)
		if w.next != nil {
			_ = q.out.Close() // it was written to without a buffer
			q.out = w.next
		}
		if len(w.lines) > 0 && q.write(w.lines) {
			if lost := q.lost.Load(); lost > told {
				q.again(lost - told)
				told = lost
			}
		}
		for _, written := range w.flushes {
			close(written)
		}
		if w.closed {
			return
		}
		spare = nil
		if cap(w.lines) <= logSpareBytesMax {
			spare = w.lines[:0]
		}
	}
}

// logWork is what the goroutine has to do.
type logWork struct {
	lines   []byte
	next    io.WriteCloser
	flushes []chan struct{}
	closed  bool
}

// take exchanges what waits for an empty buffer.
func (q *logQueue) take(spare []byte) logWork {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := logWork{q.pending, q.next, q.flushes, q.closed}
	q.pending, q.next, q.flushes = spare, nil, nil
	return w
}

// write reports whether all lines were written.
func (q *logQueue) write(lines []byte) bool {
	n, err := q.out.Write(lines)
	if err == nil {
		return true
	}
	q.lost.Add(uint64(bytes.Count(lines[n:], []byte("\n"))))
	return false
}
