package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
)

// detacher speaks lines, and gives a connection away when it is told to.
type detacher struct {
	echo
	t     *testing.T
	conns chan net.Conn
}

func (d detacher) Received(s *engine.Session, frame []byte) {
	if string(frame) != "detach\n" {
		_ = s.Send(frame)
		return
	}
	c, err := s.Detach()
	if err != nil {
		d.t.Error(err)
		return
	}
	if s.Protocol() != nil {
		d.t.Errorf("a detached session speaks %v", s.Protocol())
	}
	d.conns <- c
}

func (d detacher) Disconnected(_ *engine.Session, why engine.Reason) {
	if d.ended != nil {
		d.ended <- why
	}
}

// detachable starts a service that gives connections away, and returns what dials it: both
// ends of a detached connection, behind rest, which was said right after the word.
func detachable(t *testing.T, c engine.Config) (svc *engine.Service, p *engine.Protocol, pair func(rest string) (mine, theirs net.Conn)) {
	d := detacher{t: t, conns: make(chan net.Conn, 1)}
	p = lines(func(*engine.Worker) engine.Handler { return d })
	svc = serve(t, c)
	at := listen(t, svc, "127.0.0.1:0", p)
	return svc, p, func(rest string) (net.Conn, net.Conn) {
		peer := dial(t, at)
		if _, err := io.WriteString(peer, "detach\n"+rest); err != nil {
			t.Fatal(err)
		}
		mine := <-d.conns
		t.Cleanup(func() { _ = mine.Close() })
		return mine, peer
	}
}

func readText(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %d bytes, %.100q (%v), want %d, %.100q", n, got[:n], err, len(want), want)
	}
}

// Both directions carry what they are given, in order, beyond all buffers.
func TestDetachedCarriesEverything(t *testing.T) {
	const total = 4 << 20
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		_, _, pair := detachable(t, engine.Config{OpenDriver: open, Workers: 2, LoginDeadline: 50 * time.Millisecond, IdleTimeout: 50 * time.Millisecond})
		mine, theirs := pair("first, ")
		readText(t, mine, "first, ")
		if mine.RemoteAddr().String() != theirs.LocalAddr().String() || mine.LocalAddr().String() != theirs.RemoteAddr().String() {
			t.Errorf("ends %v and %v of a connection between %v and %v",
				mine.RemoteAddr(), mine.LocalAddr(), theirs.LocalAddr(), theirs.RemoteAddr())
		}
		data := make([]byte, total)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		var wg sync.WaitGroup
		for _, way := range [][2]net.Conn{{mine, theirs}, {theirs, mine}} {
			wg.Go(func() {
				if n, err := way[0].Write(data); n != total || err != nil {
					t.Errorf("%d bytes were written, %v", n, err)
				}
			})
			wg.Go(func() {
				got := make([]byte, total)
				if n, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes were read, %v; or others than were written", n, err)
				}
			})
		}
		wg.Wait()
		if err := mine.Close(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(theirs); len(b) > 0 || err != nil {
			t.Errorf("%q and %v behind Close", b, err)
		}
	})
}

// The peer's end is io.EOF, and what is written then still arrives.
func TestDetachedHalfClose(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc, _, pair := detachable(t, engine.Config{OpenDriver: open})
		mine, theirs := pair("question")
		if err := theirs.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(mine); string(b) != "question" || err != nil {
			t.Errorf("read %q, %v", b, err)
		}
		if _, err := io.WriteString(mine, "answer"); err != nil {
			t.Error(err)
		}
		if err := mine.Close(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(theirs); string(b) != "answer" || err != nil {
			t.Errorf("the peer read %q, %v", b, err)
		}
		until(t, svc, func() bool { return svc.Sessions() == 0 })
	})
}

func TestDetachedDeadlinesAndClose(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		_, _, pair := detachable(t, engine.Config{OpenDriver: open, Socket: smallSocket(), DirectQueueBytesMax: 16 << 10})
		mine, theirs := pair("")
		var b [10]byte
		past := time.Unix(1, 0)
		timesOut := func(what string, _ int, err error) {
			t.Helper()
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%s gave %v", what, err)
			}
		}
		set := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		read := func(what string) { t.Helper(); n, err := mine.Read(b[:]); timesOut(what, n, err) }
		set(mine.SetReadDeadline(past))
		read("a Read after its deadline")
		set(mine.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
		read("a Read until its deadline")
		set(mine.SetReadDeadline(time.Time{}))
		waits := make(chan struct{})
		go func() { read("a Read that waited"); close(waits) }()
		set(mine.SetDeadline(past))
		<-waits
		set(mine.SetDeadline(time.Time{}))
		if _, err := io.WriteString(theirs, "still here"); err != nil {
			t.Fatal(err)
		}
		readText(t, mine, "still here")

		// A peer that does not read holds a Write up, and is not ended for it.
		huge := make([]byte, 32<<20)
		set(mine.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)))
		n, err := mine.Write(huge)
		timesOut("a Write to a peer that does not read", n, err)
		set(mine.SetWriteDeadline(time.Time{}))
		if _, err := io.ReadFull(theirs, huge[:n]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(mine, "and here"); err != nil {
			t.Fatal(err)
		}
		readText(t, theirs, "and here")

		// Close ends who waits.
		var wg sync.WaitGroup
		closed := func(what string, err error) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s gave %v", what, err)
			}
		}
		wg.Go(func() { _, err := mine.Read(b[:]); closed("Read", err) })
		wg.Go(func() { _, err := mine.Write(huge); closed("Write", err) })
		wg.Go(func() { _, err := mine.Write(huge); closed("another Write", err) })
		set(mine.Close())
		wg.Wait()
		closed("Close", mine.Close())
		closed("SetDeadline", mine.SetDeadline(past))
	})
}

// A session that ends under its connection ends that, too.
func TestDetachedEnds(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc, p, pair := detachable(t, engine.Config{OpenDriver: open})
		mine, theirs := pair("lost")
		if err := theirs.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		theirs.Close()
		if _, err := io.ReadAll(mine); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("a Read of a connection that was reset gave %v", err)
		}
		until(t, svc, func() bool { return svc.Sessions() == 0 })
		if _, err := mine.Write([]byte("x")); err == nil {
			t.Error("something was written to a connection that was reset")
		}
		if err := svc.Adopt(mine, nil, p, nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Adopt of a connection that was reset gave %v", err)
		}
		mine, theirs = pair("")
		if _, err := io.WriteString(mine, "bye"); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, theirs); theirs.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		svc.Drain(ctx)
		if _, err := mine.Read(make([]byte, 1)); err == nil || ctx.Err() != nil {
			t.Errorf("a Read after Drain gave %v; %v", err, ctx.Err())
		}
		if _, err := mine.Write([]byte("x")); err == nil {
			t.Error("something was written after Drain")
		}
		if err := svc.Adopt(mine, nil, p, nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Adopt after Drain gave %v", err)
		}
	})
}

// To and fro between the engine and goroutines, while the peer talks without waiting:
// every line is answered, once, in order.
func TestDetachAndAdoptOften(t *testing.T) {
	const count = 3000
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		var owners sync.WaitGroup
		t.Cleanup(owners.Wait)
		var svc *engine.Service
		var p *engine.Protocol
		var detached, adopted atomic.Int64
		lend := func(c net.Conn, seed uint64) {
			rng := rand.New(rand.NewPCG(seed, 1))
			r := bufio.NewReaderSize(c, 16+rng.IntN(4000))
			for range rng.IntN(20) {
				line, err := r.ReadString('\n')
				if err == nil {
					_, err = io.WriteString(c, line)
				}
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Error(err)
					}
					c.Close()
					return
				}
			}
			rest, _ := r.Peek(r.Buffered())
			if err := svc.Adopt(c, rest, p, "adopted"); err != nil {
				t.Error(err)
				c.Close()
			}
			adopted.Add(1)
		}
		p = lines(func(*engine.Worker) engine.Handler {
			return &lender{lend: func(c net.Conn) {
				seed := uint64(detached.Add(1))
				owners.Go(func() { lend(c, seed) })
			}}
		})
		svc = serve(t, engine.Config{OpenDriver: open, Workers: 2, DirectQueueBytesMax: 1 << 20})
		at := listen(t, svc, "127.0.0.1:0", p)
		var peers sync.WaitGroup
		for range 5 {
			c := dial(t, at)
			peers.Go(func() {
				for i := range count {
					if _, err := fmt.Fprintf(c, "line %d %s\n", i, strings.Repeat("x", i%300)); err != nil {
						t.Error(err)
						return
					}
				}
			})
			peers.Go(func() {
				r := bufio.NewReader(c)
				for i := range count {
					want := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i%300))
					if got, err := r.ReadString('\n'); got != want || err != nil {
						t.Errorf("%q came instead of %q, %v", got, want, err)
						c.Close()
						return
					}
				}
				c.(*net.TCPConn).CloseWrite()
				if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
					t.Errorf("%q and %v at the end", rest, err)
				}
			})
		}
		peers.Wait()
		owners.Wait()
		if detached.Load() < 50 || adopted.Load() < 50 {
			t.Errorf("%d connections were detached, %d adopted", detached.Load(), adopted.Load())
		}
	})
}

// lender answers a few lines, then lends the connection.
type lender struct {
	echo
	lend func(c net.Conn)
	left int
}

func (l *lender) Received(s *engine.Session, frame []byte) {
	_ = s.Send(frame)
	if l.left--; l.left < 0 {
		l.left = 20
		if c, err := s.Detach(); err == nil {
			l.lend(c)
		}
	}
}
