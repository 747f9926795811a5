// Command echo is the echo servers of the benchmarks that are written in Go: on
// Sarang's engine, and on package net with a goroutine per connection.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"sarang/aio"
	"sarang/engine"
	"sarang/packet"
)

func main() {
	how := flag.String("how", "uring", "net, or a driver for the engine: uring, epoll or portable")
	listen := flag.String("listen", "127.0.0.1:7007", "address to listen on")
	flag.Parse()
	at, err := netip.ParseAddrPort(*listen)
	if err == nil {
		if *how == "net" {
			err = plain(at)
		} else {
			err = onEngine(*how, at)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// untilStopped waits for SIGTERM or Ctrl-C.
func untilStopped() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

// parrot answers every packet with the same packet.
type parrot struct{ engine.NopHandler }

// Connected admits everybody: an echo has no login.
func (parrot) Connected(s *engine.Session) { s.Admit() }

// Received sends the packet back.
func (parrot) Received(s *engine.Session, frame []byte) { _ = s.Send(frame) } // an error ends the session

func onEngine(kind string, at netip.AddrPort) error {
	service, err := engine.New(engine.Config{
		Name:       "echo",
		OpenDriver: func(int) (aio.Driver, error) { return aio.Open(kind, aio.Config{}) },
	})
	if err != nil {
		return err
	}
	if err := service.Start(); err != nil {
		return err
	}
	_, err = service.Listen(at, &engine.Protocol{
		Name:       "echo",
		Framer:     packet.Framer{},
		NewHandler: func(*engine.Worker) engine.Handler { return parrot{} },
	})
	if err != nil {
		return err
	}
	untilStopped()
	return service.Close()
}

// plain is what one writes without an engine: a goroutine per connection.
func plain(at netip.AddrPort) error {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go serve(c)
		}
	}()
	untilStopped()
	return l.Close()
}

func serve(c net.Conn) {
	defer c.Close()
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}
