package postgrestest

import (
	"bytes"
	"net"
	"net/url"
	"sync"
)

// Proxy stands between a store and a server, and lets the connection go wrong.
type Proxy struct {
	URL string // the server's, by this way

	listener net.Listener
	target   string
	mu       sync.Mutex
	conns    map[net.Conn]bool // both ends of each
	mode     Mode
	wg       sync.WaitGroup
}

// Mode is what a proxy does with bytes.
type Mode uint8

// The modes.
const (
	Pass       Mode = iota
	CutReplies      // passes what is asked on, and cuts the connection instead of the reply
	CutAsked        // cuts the connection instead of passing on what is asked
	Silent          // passes nothing on, and nobody is told: a connection that is half open
	Refuse          // cuts new connections, too
	CutCommit       // passes the next COMMIT on, cuts the connection instead of its reply, and is Pass again
	cutOnce         // the second half of that
)

// NewProxy returns a proxy to the server at address, a URL. The caller closes it.
func NewProxy(address string) (*Proxy, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, target: u.Host, conns: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	p.URL = u.String()
	p.wg.Go(p.accept)
	return p, nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || p.now() == Refuse {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.pump(client, server, CutAsked) })
		p.wg.Go(func() { p.pump(server, client, CutReplies) })
	}
}

// pump passes bytes on until one end is closed; cut is the mode that ends this direction.
func (p *Proxy) pump(from, to net.Conn, cut Mode) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
		p.mu.Lock()
		delete(p.conns, from)
		p.mu.Unlock()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		mode := p.now()
		if mode == cut || mode == Refuse {
			return
		}
		if mode == Silent {
			if err != nil {
				return
			}
			continue
		}
		switch {
		case cut == CutAsked && mode == CutCommit && bytes.Contains(buffer[:n], []byte("COMMIT\x00")):
			p.Set(cutOnce)
		case cut == CutReplies && mode == cutOnce:
			p.Set(Pass)
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) now() Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

// Set sets the mode.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
}

// Cut ends all connections that there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Close ends everything.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}
