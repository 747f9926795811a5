package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the operators' side bounds. All together it is some dozens of descriptors, and
// none of them for longer than a few of these times.
const (
	operatorsMax         = 64 // connections; more wait in the system's queue
	operatorsHeaderBytes = 16 << 10
	operatorsReadTimeout = 2 * time.Second  // for a request
	operatorsTimeout     = 10 * time.Second // for an answer; a profile adds the time that it covers
	operatorsIdleTimeout = 30 * time.Second // between requests
)

// hostGuard answers only those who ask for the server by a name that it has. A page in an
// operator's browser can have a name of its own point to this machine (DNS rebinding),
// and would read what is here otherwise.
type hostGuard struct {
	next     http.Handler
	loopback bool     // it listens on a loopback address, and is asked by no other
	names    []string // more names, in lower case
	anyName  bool     // all names are right, but of who asks from this machine: a browser on it is led by any page
	flag     string   // by which names are added

	bodies func(*http.Request) bool // requests that may have a body; nil: none
}

func (g *hostGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && (g.bodies == nil || !g.bodies(r)) {
		w.Header().Set("Connection", "close")
		// net/http reads what is left of a body before it closes: nobody waits for that.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
		http.Error(w, "a request here has no body", http.StatusBadRequest)
		return
	}
	if !(g.anyName && !fromLoopback(r)) && !g.knows(r.Host) {
		http.Error(w, fmt.Sprintf("%q is no name of this server; %s adds names", r.Host, g.flag), http.StatusForbidden)
		return
	}
	g.next.ServeHTTP(w, r)
}

func fromLoopback(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// knows reports whether host, with or without a port, is the server's. Browsers always
// give one; a probe that speaks HTTP/1.0 may give none.
func (g *hostGuard) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && (ip.Unmap().IsLoopback() || !g.loopback) {
		return true // nobody can have an address point elsewhere
	}
	return host == "" || host == "localhost" || slices.Contains(g.names, host)
}

// boundedListener has at most so many connections open at a time.
type boundedListener struct {
	net.Listener
	places chan struct{}
	end    func() // once
	ended  chan struct{}
}

func newBoundedListener(l net.Listener, most int) *boundedListener {
	b := &boundedListener{Listener: l, places: make(chan struct{}, most), ended: make(chan struct{})}
	b.end = sync.OnceFunc(func() { close(b.ended) })
	return b
}

// Accept waits for a place, then for a connection.
func (b *boundedListener) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	case <-b.ended:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	return &boundedConn{c, sync.OnceFunc(func() { <-b.places })}, nil
}

// Close ends Accept, also one that waits for a place.
func (b *boundedListener) Close() error {
	b.end()
	return b.Listener.Close()
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
