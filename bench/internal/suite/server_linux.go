package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sarang/bench/internal/load"
	"sarang/bench/internal/peer"
	"sarang/bench/internal/wire"
)

// serverRunner measures a chat server.
type serverRunner struct{ server peer.Server }

func (r serverRunner) setup() Setup {
	return Setup{Name: r.server.Name, Setup: r.server.Setup, Optional: r.server.Optional}
}

// ircTextBytesMax is what fits into an IRC line of 512 bytes with what stands around.
const ircTextBytesMax = 400

// ircRoomMax is where joining a channel takes too long: every join is told to every
// member.
const ircRoomMax = 4000

func (r serverRunner) tool() string { return r.server.Tool }

func (r serverRunner) refuses(w Workload) string {
	switch r.server.Protocol.(type) {
	case wire.IRC:
		for _, s := range w.Sizes {
			if s > ircTextBytesMax {
				return "an IRC line has at most 512 bytes"
			}
		}
		if w.Who.PerRoom > ircRoomMax {
			return "every join is told to every member: tens of millions of lines before it begins"
		}
	case wire.Relay:
		if w.Who.Rooms > 1 || w.Kind != KindFanout {
			return "has one room, and nothing to join"
		}
	}
	return ""
}

func (r serverRunner) run(ctx context.Context, b *Bench, group []Workload, note noteFunc) (err error) {
	if why, missing := b.Tools.Missing[r.server.Tool]; missing {
		return &missingError{why}
	}
	who := group[0].Who
	p, err := peer.Start(ctx, b.Dir, r.server.Name, b.Pins, r.server.Command(b.Tools, who.Conns()))
	if err != nil {
		return err
	}
	defer func() {
		said := p.Said()
		if stop := p.Stop(); err != nil || stop != nil {
			err = fmt.Errorf("%w\nthe server's last words: %s", errors.Join(err, stop), said)
		}
	}()
	crowd, err := load.Open(ctx, load.Config{
		Addr: p.Addr, Protocol: r.server.Protocol,
		Rooms: who.Rooms, PerRoom: who.PerRoom, Publishers: who.Publishers, SampleEvery: sampleEvery(who),
		ConnectsMax: r.server.ConnectsMax,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.Close()) }()
	return r.measure(ctx, b, p, crowd, group, note)
}

// sampleEvery keeps the reading of clocks off the client's way: of 1,000 receivers
// every 16th is a sample; small crowds and single receivers are looked at whole.
func sampleEvery(who Topology) int {
	if who.Receivers() >= 1000 {
		return 16
	}
	return 1
}

// measure connects, joins, and runs the workloads.
func (r serverRunner) measure(ctx context.Context, b *Bench, p *peer.Process, crowd *load.Crowd, group []Workload, note noteFunc) error {
	m := meter{pid: p.PID()}
	empty, err := peer.MemoryOf(p.PID())
	if err != nil {
		return err
	}
	if err := m.mark(); err != nil {
		return err
	}
	connect, err := crowd.Connect()
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	if err := m.mark(); err != nil {
		return err
	}
	connectCPU := m.used()
	join, err := crowd.Join()
	if err != nil {
		return fmt.Errorf("joining: %w", err)
	}
	if err := m.mark(); err != nil {
		return err
	}
	for _, w := range group {
		if w.Kind == KindSessions {
			v := stormValues(w.Who, connect, join, connectCPU, m.used())
			if err := addMemory(ctx, v, p.PID(), empty, w.Who.Conns(), b.Plan.Settle); err != nil {
				return err
			}
			note(w, v)
			continue
		}
		if err := r.phase(b, &m, crowd, w, note); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	return nil
}

// tries is how often a phase is measured until something is delivered in it: a disk
// that is busy with other things can hold up a short one from end to end.
const tries = 5

// errNothing is a phase without a delivery.
var errNothing = fmt.Errorf("nothing was delivered in %d measurements", tries)

// phase runs one workload on a crowd that has joined.
func (r serverRunner) phase(b *Bench, m *meter, crowd *load.Crowd, w Workload, note noteFunc) error {
	for range tries {
		result, err := crowd.Run(load.Phase{
			Window: w.Window, Rate: w.Rate, Trickle: w.Trickle, Sizes: w.Sizes, Warm: b.Plan.Warm, Measure: b.Plan.Measure, Mark: m.mark,
		})
		if err != nil {
			return err
		}
		if result.Deliveries > 0 {
			note(w, fanoutValues(result, m))
			return nil
		}
	}
	return errNothing
}

// stormValues are those of connecting and joining.
func stormValues(who Topology, connect, join time.Duration, connectCPU, joinCPU peer.CPU) map[string]float64 {
	n, receivers := float64(who.Conns()), float64(who.Receivers())
	return map[string]float64{
		ConnectSeconds: connect.Seconds(), ConnectsPerSecond: n / connect.Seconds(), ConnectMicros: micros(connectCPU.Total) / n,
		JoinSeconds: join.Seconds(), JoinsPerSecond: receivers / join.Seconds(), JoinMicros: micros(joinCPU.Total) / receivers,
	}
}

// addMemory adds what each session costs when all have been idle for a while.
func addMemory(ctx context.Context, v map[string]float64, pid int, empty peer.Memory, conns int, settle time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settle):
	}
	full, err := peer.MemoryOf(pid)
	if err != nil {
		return err
	}
	n := float64(conns)
	v[RSSBytes] = float64(full.RSS-empty.RSS) / n
	v[GrowthBytes] = float64(full.RSS - empty.RSS)
	v[PSSBytes] = float64(full.PSS-empty.PSS) / n
	v[AnonymousBytes] = float64(full.Anonymous-empty.Anonymous) / n
	return nil
}

// meter reads, at moments, the processor time of a server and of the whole machine.
type meter struct {
	pid      int
	from, to moment
}

type moment struct {
	server  peer.CPU
	machine time.Duration
	client  time.Duration
}

func (m *meter) mark() error {
	server, err := peer.CPUOf(m.pid)
	if err != nil {
		return err
	}
	client, err := peer.CPUOf(os.Getpid())
	if err != nil {
		return err
	}
	machine, err := peer.CPUOfAll()
	if err != nil {
		return err
	}
	m.from, m.to = m.to, moment{server, machine, client.Total}
	return nil
}

// others is what was used between the last two marks by neither server nor client: on a
// quiet machine, next to nothing.
func (m *meter) others() time.Duration {
	return max(0, m.to.machine-m.from.machine-(m.to.client-m.from.client)-m.used().Total)
}

// used is what was used between the last two marks.
func (m *meter) used() peer.CPU { return m.to.server.Sub(m.from.server) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cpuValues are the server's processor time per unit of work.
func cpuValues(v map[string]float64, used peer.CPU, units float64, wall time.Duration) {
	total := micros(used.Total) / units
	v[CPUMicros] = total
	if ticks := used.User + used.System; ticks > 0 {
		v[UserMicros] = total * float64(used.User) / float64(ticks)
		v[SystemMicros] = total * float64(used.System) / float64(ticks)
	}
	v[ServerBusy] = used.Total.Seconds() / wall.Seconds()
}

func fanoutValues(r *load.Result, m *meter) map[string]float64 {
	seconds, deliveries := r.Wall.Seconds(), float64(max(1, r.Deliveries))
	v := map[string]float64{
		PerSecond:         float64(r.Deliveries) / seconds,
		MessagesPerSecond: float64(r.Completed) / seconds,
		BytesEach:         float64(r.Bytes) / deliveries,
		ClientBusy:        r.CPU.Seconds() / seconds,
		OthersBusy:        m.others().Seconds() / seconds,
		Lost:              float64(r.Lost), Repeated: float64(r.Repeated), Wrong: float64(r.Wrong), Behind: float64(r.Behind),
	}
	if r.Acks > 0 {
		v[AcksPerSecond] = float64(r.Acks) / seconds
	}
	cpuValues(v, m.used(), deliveries, r.Wall)
	latencyValues(v, r.Latency)
	return v
}
