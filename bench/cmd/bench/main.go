// Command bench measures Sarang beside other chat servers and beside the floor: bare
// loops that do only the system calls that nobody can do without. Linux only.
//
//	go -C bench run ./cmd/bench --help
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	// Servers die with the thread that started them (see peer.Start), and cores are a
	// thread's: everything is done on this one, which lives as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := command()
	c.SetArgs(os.Args[1:])
	err := c.ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	stop()
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is a command line that makes no sense.
type usageError struct{ error }
