package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"time"

	"sarang/engine"
	"sarang/mem"
	"sarang/packet"
)

// crowd is a set of dummy players on one worker, and the judge of what they are
// sent. It is a program on the engine like the server; only it connects.
type crowd struct {
	engine.NopHandler
	config  crowdConfig
	worker  *engine.Worker
	speaks  *engine.Protocol
	mux     *packet.Mux[*engine.Session]
	dummies []*dummy
	run     string       // begins every text of ours, so that others may chat meanwhile
	seed    maphash.Seed // for what is in lines
	lines   map[uint64]*copies
	phase   phase
	clock   engine.Timer // ends the phase
	result  report
	scratch []byte
	done    chan struct{} // closed when the result is there
}

type phase uint8

const (
	gathering phase = iota // connecting and logging in
	talking                // saying something now and then
	listening              // all is said; some of it is on the way
	finished
)

// dummy is one player.
type dummy struct {
	name   string
	id     playerID
	next   uint64                  // number of the line that must come next; 0 before the login
	said   int                     // remarks made
	sentAt mem.Ring[time.Duration] // of our remarks that have not come back
	timer  engine.Timer            // says something
}

// copies is a line that some dummies have heard and others have not.
type copies struct {
	hash  uint64
	heard int
}

// report is what came of it. Faults has the first few in words.
type report struct {
	Said       int // remarks that were made
	Heard      int // lines of ours that came, to all dummies together
	Expected   int // lines of ours that should have come
	FaultCount int
	Faults     []string
	LatencyMax time.Duration // from a remark to its line, at the one who made it
	latencySum time.Duration
	returned   int // remarks that came back to the one who made it
}

const faultsShownMax = 10

// Failed reports whether anything was lost, repeated, out of order or wrong.
func (r *report) Failed() bool { return r.FaultCount > 0 || r.Heard != r.Expected }

// LatencyMean is the mean time from a remark to its line.
func (r *report) LatencyMean() time.Duration {
	return r.latencySum / time.Duration(max(r.returned, 1))
}

func newCrowd(c crowdConfig, w *engine.Worker, done chan struct{}) *crowd {
	seed := maphash.MakeSeed()
	o := &crowd{
		config: c, worker: w, mux: packet.NewMux[*engine.Session](), lines: map[uint64]*copies{}, done: done,
		seed: seed, run: strconv.FormatUint(maphash.String(seed, c.name), 36) + " ",
	}
	o.speaks = &engine.Protocol{
		Name:       "chatting",
		Framer:     packet.Framer{},
		NewHandler: func(*engine.Worker) engine.Handler { return o },
	}
	o.mux.HandleRaw(idTestAnswer, o.onTestAnswer)
	o.mux.HandleRaw(idWelcome, o.onWelcome)
	o.mux.HandleRaw(idLine, o.onLine)
	o.mux.HandleRaw(idRefusal, o.onRefusal)
	return o
}

// begin connects everybody.
func (o *crowd) begin() {
	o.worker.After(&o.clock, o.config.patience, o.lost)
	for i := range o.config.clients {
		d := &dummy{name: o.config.name + strconv.Itoa(i)}
		if _, err := o.worker.Connect(o.config.addr, o.speaks, d); err != nil {
			o.fault("%s could not connect: %v", d.name, err)
			o.finish()
			return
		}
		o.dummies = append(o.dummies, d)
	}
}

// Connected: one dummy's connection stands.
func (o *crowd) Connected(s *engine.Session) {
	t := exampleTest()
	o.send(s, func(dst []byte) ([]byte, error) { return t.append(dst, idTest) })
	o.send(s, func(dst []byte) ([]byte, error) { return appendText(dst, idLogin, s.Data.(*dummy).name) })
}

func exampleTest() testRecord {
	return testRecord{ID: 1001, HP: 100, Attack: 10, Buffs: []buff{{ID: 100, RemainSeconds: 1.5}, {ID: 200, RemainSeconds: 2.3}}}
}

// Received is called for every packet that arrives.
func (o *crowd) Received(s *engine.Session, frame []byte) {
	p, _, err := packet.Split(frame)
	engine.Invariant(err == nil, "packet.Framer and packet.Split disagree")
	if err := o.mux.Dispatch(s, p); err != nil {
		o.fault("%s: %v", s.Data.(*dummy).name, err)
	}
}

func (o *crowd) onTestAnswer(_ *engine.Session, r *packet.Reader) error {
	t, err := readTest(r)
	want := exampleTest()
	if err == nil && (t.ID != want.ID || t.HP != want.HP || t.Attack != want.Attack || !slices.Equal(t.Buffs, want.Buffs)) {
		return fmt.Errorf("the test record came back as %+v", t)
	}
	return err
}

// onWelcome: when the last one is in, everybody begins to talk. The first remarks
// are spread over one interval.
func (o *crowd) onWelcome(s *engine.Session, r *packet.Reader) error {
	m, err := readWelcome(r)
	if err != nil {
		return err
	}
	d := s.Data.(*dummy)
	d.id, d.next, d.timer.Data = m.Player, m.NextLine, s
	if o.phase != gathering || slices.ContainsFunc(o.dummies, func(d *dummy) bool { return d.next == 0 }) {
		return nil
	}
	o.phase = talking
	for i, d := range o.dummies {
		o.worker.After(&d.timer, o.config.interval*time.Duration(i)/time.Duration(len(o.dummies)), o.say)
	}
	o.worker.Stop(&o.clock)
	if o.config.duration > 0 {
		o.worker.After(&o.clock, o.config.duration, func(*engine.Timer) { o.listen() })
	}
	return nil
}

// say is a dummy's timer: it says something and sets the timer again.
func (o *crowd) say(t *engine.Timer) {
	s := t.Data.(*engine.Session) // the timer is stopped when the session ends
	d := s.Data.(*dummy)
	d.said++
	d.sentAt.PushBack(o.worker.Now())
	o.result.Said++
	o.result.Expected += len(o.dummies)
	o.send(s, func(dst []byte) ([]byte, error) {
		return appendText(dst, idSay, o.run+"remark "+strconv.Itoa(d.said)+" of "+d.name)
	})
	switch {
	case o.config.messages == 0 || d.said < o.config.messages:
		o.worker.After(t, o.config.interval, o.say)
	case o.result.Said == o.config.messages*len(o.dummies):
		o.listen()
	}
}

// listen: nothing more is said; what is on the way has config.patience to come.
func (o *crowd) listen() {
	if o.phase > talking {
		return
	}
	o.phase = listening
	for _, d := range o.dummies {
		o.worker.Stop(&d.timer)
	}
	o.worker.After(&o.clock, o.config.patience, o.lost)
	o.finishIfAllHeard()
}

// onLine checks a line: it must have the number that is next, and be the same for
// everybody who hears it.
func (o *crowd) onLine(s *engine.Session, r *packet.Reader) error {
	l, err := readLine(r)
	if err != nil {
		return err
	}
	d := s.Data.(*dummy)
	if l.Number != d.next {
		o.fault("%s: line %d came, line %d was next", d.name, l.Number, d.next)
	}
	d.next = l.Number + 1
	o.compare(&l)
	if !strings.HasPrefix(l.Text, o.run) {
		return nil
	}
	o.result.Heard++
	if l.Player == d.id {
		if at, ok := d.sentAt.PopFront(); ok {
			took := o.worker.Now() - at
			o.result.latencySum += took
			o.result.LatencyMax = max(o.result.LatencyMax, took)
			o.result.returned++
		}
	}
	o.finishIfAllHeard()
	return nil
}

// compare holds a line against what the others heard under that number. Lines that
// all have heard are forgotten.
func (o *crowd) compare(l *line) {
	if o.phase == gathering {
		return // not all are there to hear it
	}
	hash := maphash.Comparable(o.seed, *l)
	c := o.lines[l.Number]
	if c == nil {
		c = &copies{hash: hash}
		o.lines[l.Number] = c
	}
	if c.hash != hash {
		o.fault("line %d is not the same for everybody", l.Number)
	}
	if c.heard++; c.heard == len(o.dummies) {
		delete(o.lines, l.Number)
	}
}

func (o *crowd) onRefusal(_ *engine.Session, r *packet.Reader) error {
	what, why, err := readRefusal(r)
	if err != nil {
		return err
	}
	return fmt.Errorf("packet %d was refused: %w", what, why)
}

// Disconnected: before the end it is a fault, and the others are not waited for.
func (o *crowd) Disconnected(s *engine.Session, why engine.Reason) {
	d := s.Data.(*dummy)
	o.worker.Stop(&d.timer)
	if o.phase != finished {
		o.fault("%s was disconnected: %v", d.name, why)
		o.finish()
	}
}

// lost is the end of config.patience.
func (o *crowd) lost(*engine.Timer) {
	if o.phase == gathering {
		o.fault("not everybody was let in within %v", o.config.patience)
	} else {
		o.fault("%d lines did not come within %v", o.result.Expected-o.result.Heard, o.config.patience)
	}
	o.finish()
}

func (o *crowd) finishIfAllHeard() {
	if o.phase == listening && o.result.Heard == o.result.Expected {
		o.finish()
	}
}

func (o *crowd) finish() {
	if o.phase == finished {
		return
	}
	o.phase = finished
	o.worker.Stop(&o.clock)
	for _, d := range o.dummies {
		o.worker.Stop(&d.timer)
	}
	close(o.done)
}

func (o *crowd) fault(format string, args ...any) {
	o.result.FaultCount++
	if len(o.result.Faults) < faultsShownMax {
		o.result.Faults = append(o.result.Faults, fmt.Sprintf(format, args...))
	}
}

func (o *crowd) send(s *engine.Session, encode func(dst []byte) ([]byte, error)) {
	b, err := encode(o.scratch[:0])
	if err == nil {
		o.scratch = b
		err = s.Send(b)
	}
	// A session that is ending is reported by Disconnected.
	if err != nil && !errors.Is(err, engine.ErrClosed) {
		o.fault("%s could not send: %v", s.Data.(*dummy).name, err)
	}
}
