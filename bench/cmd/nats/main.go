// Command nats is a NATS server for the benchmarks: the library with its defaults, in
// a process of its own.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// maxPendingBytes is above what any workload leaves unsent: a subscriber that is slow
// for a moment is not to be disconnected.
const maxPendingBytes = 1 << 30

func main() {
	listen := flag.String("listen", "127.0.0.1:4222", "address to listen on")
	connections := flag.Int("connections", server.DEFAULT_MAX_CONNECTIONS, "connections at once")
	flag.Parse()
	if err := run(*listen, *connections); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

func run(listen string, connections int) error {
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		Host: at.Addr().String(), Port: int(at.Port()), MaxConn: connections, MaxPending: maxPendingBytes, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	s.Start()
	<-stop
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
