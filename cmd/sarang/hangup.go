package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onHangup has SIGHUP do what an operator means by it: with a log file, open it anew; with
// again, call that; with neither, end in order, because the terminal is gone, unless the
// program was started to outlive it (nohup). The context it returns is done when the server is
// to end. Windows has no such signal.
func onHangup(ctx context.Context, log *serverLog, again func()) (context.Context, func()) {
	ctx, end := context.WithCancel(ctx)
	if log.path == "" && again == nil && signal.Ignored(syscall.SIGHUP) {
		return ctx, end
	}
	hangups, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		defer close(done)
		for range hangups {
			if log.path == "" && again == nil {
				end()
			}
			if log.path != "" {
				log.reopen()
			}
			if again != nil {
				again()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
		end()
	}
}

// untilHangup returns a context that is done, too, when the terminal is gone, unless the
// program was started to outlive it (nohup).
func untilHangup(ctx context.Context) (context.Context, func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}
