package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// attackers are the process that attacks.
type attackers struct {
	cmd  *exec.Cmd
	in   io.WriteCloser // they begin when it is closed, if they had to prepare themselves
	out  *bufio.Reader
	log  bytes.Buffer
	over bool
}

// preparation is how long attackers may take to come.
const preparation = 3 * time.Minute

// launch has attackers come that have to prepare themselves. Others are not there yet.
func (t *trial) launch(ctx context.Context) (*attackers, error) {
	if t.attack.prepare == nil {
		return new(attackers), nil
	}
	t.tell("the attackers come")
	p, err := t.spawn(ctx)
	if err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go func() {
		line, err := p.out.ReadString('\n')
		if err == nil && line != readyLine+"\n" {
			err = fmt.Errorf("they say %q", line)
		}
		ready <- err
	}()
	select {
	case err = <-ready:
	case <-time.After(preparation):
		err = errTime
	}
	if err != nil {
		p.end()
		return nil, fmt.Errorf("the attackers come: %w: %s", err, p.log.String())
	}
	return p, nil
}

// spawn starts the process.
func (t *trial) spawn(ctx context.Context) (*attackers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{
		self, "attacker", "--attack", t.attack.name, "--to", t.server.Addr(), "--seconds", t.seconds.String(),
		"--stall-seconds", t.stall.String(), "--addresses", strconv.Itoa(t.addresses),
		"--scale", strconv.FormatFloat(t.scale, 'g', -1, 64), "--seed", strconv.FormatUint(t.seed, 10),
	}
	if _, err := exec.LookPath("nice"); err == nil {
		args = append([]string{"nice", "-n", "10"}, args...) // the crowd's clock comes first
	}
	p := &attackers{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// end ends attackers that are there and have not been waited for.
func (p *attackers) end() {
	if p.cmd != nil && !p.over {
		p.over = true
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// attackNow has the attackers attack, and looks at the server's buffers meanwhile.
func (t *trial) attackNow(ctx context.Context, p *attackers) (*tally, error) {
	if p.cmd == nil {
		fresh, err := t.spawn(ctx)
		if err != nil {
			return nil, err
		}
		p = fresh
	}
	_ = p.in.Close()
	watched, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		t.watchPool(ctx, stop)
	}()
	told := new(tally)
	err := json.NewDecoder(p.out).Decode(told)
	p.over = true
	err = errors.Join(err, p.cmd.Wait())
	close(stop)
	<-watched
	if err != nil {
		return nil, fmt.Errorf("the attackers: %w: %s", err, p.log.String())
	}
	return told, nil
}

// poolEvery is how often the server's buffers are looked at.
const poolEvery = 250 * time.Millisecond

// watchPool notes the most that the server's buffers hold.
func (t *trial) watchPool(ctx context.Context, stop <-chan struct{}) {
	tick := time.NewTicker(poolEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if m, err := t.server.Metrics(ctx); err == nil {
				t.poolMost = max(t.poolMost, m[metricPool])
			}
		}
	}
}
