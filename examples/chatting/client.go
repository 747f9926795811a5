package main

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/engine"
)

type crowdConfig struct {
	addr     netip.AddrPort // of the server
	driver   string         // "auto", or a kind that aio.Open knows
	name     string         // the dummies are called name0, name1, …
	clients  int
	messages int           // that each one says; 0: as many as the duration allows
	duration time.Duration // of the talk; 0: until all messages are said
	interval time.Duration // between two remarks of one dummy
	patience time.Duration // for logging in, and for the last lines to come
	logger   *slog.Logger
}

// closeTimeout is for an orderly goodbye; what has not gone by then is cut.
const closeTimeout = 3 * time.Second

// runCrowd connects the dummies, lets them talk, and reports. When ctx is done they
// stop talking and wait for what was said. An error means that there is no report.
func runCrowd(ctx context.Context, c crowdConfig) (report, error) {
	kind, _, err := aio.Choose(c.driver)
	if err != nil {
		return report{}, err
	}
	var o *crowd
	done := make(chan struct{})
	service, err := engine.New(engine.Config{
		Name:          "chatting-client",
		OpenDriver:    func(int) (aio.Driver, error) { return aio.Open(kind, aio.Config{}) },
		OnStart:       func(w *engine.Worker) { o = newCrowd(c, w, done) },
		LoginDeadline: -1, // that is the server's business
		Logger:        c.logger,
	})
	if err != nil {
		return report{}, err
	}
	if err := service.Start(); err != nil {
		return report{}, err
	}
	o.worker.Post(engine.MessageFunc(func(*engine.Worker) { o.begin() }))
	select {
	case <-done:
	case <-ctx.Done():
		o.worker.Post(engine.MessageFunc(func(*engine.Worker) { o.listen() }))
		<-done
	}
	goodbye, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	service.Drain(goodbye)
	err = service.Close() // the worker has ended: the report is ours now
	return o.result, err
}
