package swarm

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// proxy stands between the swarm and a server, and gives one of its connections other
// packets than the server has sent.
type proxy struct {
	net.Listener
	server string
	change func(out [][]byte, p packet.Packet, raw []byte) [][]byte // for the first connection
	ended  sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
}

func startProxy(t *testing.T, server string, change func(out [][]byte, p packet.Packet, raw []byte) [][]byte) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, server: server, change: change}
	p.ended.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.ended.Wait()
	})
	return p
}

func (p *proxy) accept() {
	change := p.change
	for {
		down, err := p.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = down.Close()
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, down, up)
		p.mu.Unlock()
		own := change
		change = nil
		p.ended.Go(func() {
			_, _ = io.Copy(up, down)
			_ = up.Close()
		})
		p.ended.Go(func() {
			copyPackets(down, up, own)
			_ = down.Close()
		})
	}
}

// copyPackets copies what the server sends, packet by packet.
func copyPackets(to io.Writer, from io.Reader, change func(out [][]byte, p packet.Packet, raw []byte) [][]byte) {
	var have []byte
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		have = append(have, b[:n]...)
		for {
			p, size, e := packet.Split(have)
			if e != nil || size == 0 {
				break
			}
			out := [][]byte{have[:size]}
			if change != nil {
				out = change(nil, p, have[:size])
			}
			for _, o := range out {
				if _, e := to.Write(o); e != nil {
					return
				}
			}
			have = have[size:]
		}
		if err != nil {
			return
		}
	}
}

// onMessage changes what becomes of the n-th chat message (from 0) of a connection.
func onMessage(n int, change func(out [][]byte, e *pb.Event, raw []byte) [][]byte) func([][]byte, packet.Packet, []byte) [][]byte {
	at := 0
	return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
		var e pb.Event
		if p.ID != pb.SChat || e.UnmarshalVT(p.Payload) != nil || e.Kind != pb.EventKind_EVENT_KIND_MESSAGE {
			return append(out, raw)
		}
		if at++; at != n+1 {
			return append(out, raw)
		}
		return change(out, &e, raw)
	}
}

func encode(id packet.ID, m packet.Marshaler) []byte {
	b, err := packet.AppendVT(nil, id, m)
	if err != nil {
		panic(err) // of what was decoded before
	}
	return b
}

// TestCheckerAgainstLiars runs the whole swarm against a real server with a liar in
// between.
func TestCheckerAgainstLiars(t *testing.T) {
	server := startServer(t)
	for name, test := range map[string]struct {
		change func([][]byte, packet.Packet, []byte) [][]byte
		wrong  func(r *Report) bool
	}{
		"honest": {
			change: func(out [][]byte, _ packet.Packet, raw []byte) [][]byte { return append(out, raw) },
			wrong:  func(r *Report) bool { return r.OK() },
		},
		"drops": {
			change: onMessage(20, func(out [][]byte, _ *pb.Event, _ []byte) [][]byte { return out }),
			wrong:  func(r *Report) bool { return r.Lost == 1 && r.Delivered == r.Expected-1 },
		},
		"repeats": {
			change: onMessage(20, func(out [][]byte, _ *pb.Event, raw []byte) [][]byte { return append(out, raw, raw) }),
			wrong:  func(r *Report) bool { return r.Duplicated == 1 && r.Lost == 0 },
		},
		"repeats the last": {
			change: onMessage(99, func(out [][]byte, _ *pb.Event, raw []byte) [][]byte { return append(out, raw, raw) }),
			wrong:  func(r *Report) bool { return r.Duplicated == 1 && r.Lost == 0 },
		},
		"corrupts": {
			change: onMessage(20, func(out [][]byte, e *pb.Event, _ []byte) [][]byte {
				e.Text = strings.Replace(e.Text, " ", "_", 7)
				return append(out, encode(pb.SChat, e))
			}),
			wrong: func(r *Report) bool { return r.Corrupted == 1 && r.Lost == 0 },
		},
		"breaks UTF-8": {
			change: onMessage(20, func(out [][]byte, e *pb.Event, _ []byte) [][]byte {
				e.Text = e.Text[:99] + "\xff"
				return append(out, encode(pb.SChat, e))
			}),
			wrong: func(r *Report) bool { return r.Corrupted == 1 && r.Faults == 1 && r.Lost == 0 },
		},
		"reorders": {
			change: func() func([][]byte, packet.Packet, []byte) [][]byte {
				var held []byte
				hold := onMessage(20, func(out [][]byte, _ *pb.Event, raw []byte) [][]byte {
					held = append([]byte(nil), raw...)
					return out
				})
				return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
					had := held
					out = hold(out, p, raw)
					if p.ID == pb.SChat && had != nil {
						out, held = append(out, had), nil
					}
					return out
				}
			}(),
			wrong: func(r *Report) bool { return r.Reordered == 1 && r.Lost == 0 },
		},
		"misacks": {
			change: func() func([][]byte, packet.Packet, []byte) [][]byte {
				done := false
				return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
					var a pb.Ack
					if done || p.ID != pb.SAck || a.UnmarshalVT(p.Payload) != nil {
						return append(out, raw)
					}
					done = true
					a.Seq++
					return append(out, encode(pb.SAck, &a))
				}
			}(),
			wrong: func(r *Report) bool { return r.Misacked == 1 && r.Lost == 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, server, test.change)
			r := runSwarm(t, Config{Addr: p.Addr().String(), Clients: 5, Messages: 100, SizeBytes: 100})
			if !test.wrong(r) || r.OK() != (name == "honest") {
				t.Errorf("not found as it should be:\n%s", textOf(t, r))
			}
		})
	}
}
