package client_test

import (
	"context"
	"testing"
	"time"

	"sarang/client"
	"sarang/client/internal/clienttest"
)

// dial connects a Client while script plays the server's part.
func dial(t *testing.T, s *clienttest.Server, config client.Config, script func()) *client.Client {
	t.Helper()
	type dialed struct {
		c   *client.Client
		err error
	}
	out := make(chan dialed, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), clienttest.Patience)
		defer cancel()
		c, err := client.Dial(ctx, config)
		out <- dialed{c, err}
	}()
	script()
	d := <-out
	if d.err != nil {
		t.Fatalf("Dial: %v", d.err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := d.c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d.c
}

func clientConfig(s *clienttest.Server) client.Config {
	return client.Config{
		Addr: s.Addr(), Name: "mina", Program: "test/1", Logger: clienttest.Quiet(), Debug: true,
		ReconnectMin: time.Millisecond, ReconnectMax: 5 * time.Millisecond, Seed: 1,
	}
}

// within is a context that ends when clienttest.Patience does.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), clienttest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// do runs f beside the test, which plays the server meanwhile; the result is to be
// received.
func do[T any](f func() (T, error)) <-chan result[T] {
	out := make(chan result[T], 1)
	go func() {
		v, err := f()
		out <- result[T]{v, err}
	}()
	return out
}

type result[T any] struct {
	value T
	err   error
}

// next receives the next event of a Client, which must be of type E.
func next[E client.Event](t *testing.T, c *client.Client) E {
	t.Helper()
	e := clienttest.Get(t, c.Events())
	v, ok := e.(E)
	if !ok {
		t.Fatalf("event %T %+v came, want %T", e, e, v)
	}
	return v
}
