package server

import (
	"net"
	"testing"
)

func TestBoundedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBoundedListener(l, 2)
	accepted, ended := make(chan net.Conn), make(chan error)
	go func() {
		for {
			c, err := b.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	var clients, all []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	all = append(all, <-accepted, <-accepted)
	select {
	case <-accepted:
		t.Error("a third was accepted")
	default:
	}
	if len(b.places) != 2 {
		t.Errorf("%d places are taken; want 2", len(b.places))
	}
	_, _ = all[0].Close(), all[0].Close() // which gives one place back
	all = append(all, <-accepted)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	for _, c := range append(all, clients...) {
		_ = c.Close()
	}
	if len(b.places) != 0 {
		t.Errorf("%d places are taken at the end", len(b.places))
	}
}
