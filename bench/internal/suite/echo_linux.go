package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strconv"

	"sarang/aio"
	"sarang/bench/internal/load"
	"sarang/bench/internal/peer"
)

// echoRunner measures an echo server.
type echoRunner struct {
	server  string
	program string // its tool
	how     string // for the report
	args    func(addr netip.AddrPort) []string
}

// Names of echo servers that goals speak of.
const (
	EchoBareUring   = "echo-c-uring"
	EchoEngineUring = "echo-engine-uring"
)

func echoRunners() []runner {
	bare := func(how string) runner {
		return echoRunner{"echo-c-" + how, peer.ToolEchoC, "bench/echo.c, a bare loop", func(a netip.AddrPort) []string {
			return []string{how, strconv.Itoa(int(a.Port()))}
		}}
	}
	inGo := func(name, how, about string) runner {
		return echoRunner{name, peer.ToolEcho, about, func(a netip.AddrPort) []string {
			return []string{"--how", how, "--listen", a.String()}
		}}
	}
	all := []runner{bare("uring"), bare("epoll")}
	for _, kind := range aio.Kinds() {
		all = append(all, inGo("echo-engine-"+kind, kind, "Sarang's engine: packets are cut, and answered through the session's queue"))
	}
	return append(all, inGo("echo-go-net", "net", "package net, a goroutine per connection"))
}

func (r echoRunner) setup() Setup {
	return Setup{Name: r.server, Setup: r.how, Optional: r.server == "echo-engine-portable"}
}

func (r echoRunner) tool() string { return r.program }

func (r echoRunner) refuses(Workload) string { return "" }

func (r echoRunner) run(ctx context.Context, b *Bench, group []Workload, note noteFunc) (err error) {
	tool, ok := b.Tools.Path[r.program]
	if !ok {
		return &missingError{b.Tools.Missing[r.program]}
	}
	p, err := peer.Start(ctx, b.Dir, r.server, b.Pins, func(_ string, addr netip.AddrPort) (peer.Command, error) {
		return peer.Command{Args: append([]string{tool}, r.args(addr)...)}, nil
	})
	if err != nil {
		return err
	}
	defer func() {
		said := p.Said()
		if stop := p.Stop(); err != nil || stop != nil {
			err = fmt.Errorf("%w\nthe server's last words: %s", errors.Join(err, stop), said)
		}
	}()
	for _, w := range group {
		if err := r.one(ctx, b, p, w, note); err != nil {
			return err
		}
	}
	return nil
}

func (r echoRunner) one(ctx context.Context, b *Bench, p *peer.Process, w Workload, note noteFunc) error {
	m := meter{pid: p.PID()}
	empty, err := peer.MemoryOf(p.PID())
	if err != nil {
		return err
	}
	conns := w.Who.Conns()
	memory := map[string]float64{}
	for range tries {
		result, err := load.Echo(ctx, load.EchoConfig{
			Addr: p.Addr, Conns: conns, SizeBytes: w.Sizes[0], Warm: b.Plan.Warm, Measure: b.Plan.Measure, Mark: m.mark,
			Connected: func() error { return addMemory(ctx, memory, p.PID(), empty, conns, 0) },
		})
		if err != nil {
			return err
		}
		if result.Deliveries > 0 {
			v := fanoutValues(result, &m)
			maps.Copy(v, memory)
			note(w, v)
			return nil
		}
	}
	return errNothing
}
