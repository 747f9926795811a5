package aiotest_test

import (
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/aio/aiotest"
)

// sabotageVariable names the sabotage for a test process that is to fail.
const sabotageVariable = "SARANG_AIOTEST_SABOTAGE"

// sabotage breaks one promise of the contract. It sees the events of every Wait
// and returns what the owner gets to see.
type sabotage func(d *saboteur, events []aio.Event) []aio.Event

// saboteur is a driver that works, in front of which something is broken.
type saboteur struct {
	aio.Driver
	harm  sabotage
	lent  []byte
	extra []aio.Event // told once more by a later Wait
}

func (d *saboteur) Wait(events []aio.Event, timeout time.Duration) (int, error) {
	if n := copy(events, d.extra); n > 0 {
		d.extra = d.extra[n:]
		return n, nil
	}
	n, err := d.Driver.Wait(events, timeout)
	return len(d.harm(d, events[:n])), err
}

// Send spoils what is lent, if the sabotage has kept it.
func (d *saboteur) Send(s aio.Socket, v [][]byte) error {
	for i := range d.lent {
		d.lent[i]++
	}
	d.lent = nil
	return d.Driver.Send(s, v)
}

// without removes the events that match.
func without(events []aio.Event, match func(e aio.Event) bool) []aio.Event {
	return slices.DeleteFunc(events, match)
}

// twice tells the events that match once more.
func twice(match func(e aio.Event) bool) sabotage {
	return func(d *saboteur, events []aio.Event) []aio.Event {
		for _, e := range events {
			if match(e) {
				d.extra = append(d.extra, e)
			}
		}
		return events
	}
}

// change edits every event.
func change(edit func(e *aio.Event)) sabotage {
	return func(_ *saboteur, events []aio.Event) []aio.Event {
		for i := range events {
			edit(&events[i])
		}
		return events
	}
}

// sabotages are the broken promises, and the case that must notice each.
func sabotages() map[string]struct {
	noticed string
	do      sabotage
} {
	type entry = struct {
		noticed string
		do      sabotage
	}
	kind := func(k aio.Kind) func(aio.Event) bool {
		return func(e aio.Event) bool { return e.Kind == k && !e.More }
	}
	return map[string]entry{
		"disconnect is lost": {"echo", func(_ *saboteur, events []aio.Event) []aio.Event {
			return without(events, kind(aio.KindDisconnect))
		}},
		"disconnect comes twice": {"echo", twice(kind(aio.KindDisconnect))},
		"send ends twice":        {"echo", twice(kind(aio.KindSend))},
		"connect ends twice":     {"echo", twice(kind(aio.KindConnect))},
		"receiving ends twice":   {"close-during-recv", twice(kind(aio.KindRecv))},
		"writable is lost": {"would-block-then-writable", func(_ *saboteur, events []aio.Event) []aio.Event {
			return without(events, kind(aio.KindWritable))
		}},
		"token is cut": {"echo", change(func(e *aio.Event) { e.Token = aio.Token(uint32(e.Token)) })},
		"a byte is lost": {"large-transfer", change(func(e *aio.Event) {
			if len(e.Data) > 1000 {
				e.Data = e.Data[1:]
			}
		})},
		"a byte is changed": {"large-transfer", change(func(e *aio.Event) {
			if len(e.Data) > 1000 {
				e.Data[999] ^= 1
			}
		})},
		"lent bytes change early": {"echo", func(d *saboteur, events []aio.Event) []aio.Event {
			for _, e := range events {
				if e.Kind == aio.KindRecv {
					d.lent = e.Data
				}
			}
			return events
		}},
		"a reset looks like an end": {"reset-during-blocked-send", change(func(e *aio.Event) {
			if e.Kind == aio.KindWritable {
				e.Err = nil
			}
		})},
		"accepting ends without an error": {"accept-close-idle", change(func(e *aio.Event) {
			if e.Kind == aio.KindAccept {
				e.Err = nil
			}
		})},
		"an empty read": {"echo", change(func(e *aio.Event) { e.Data = nil })},
	}
}

func sabotagedFactory(do sabotage) aiotest.Factory {
	return aiotest.Factory{
		Name: aiosim.Name,
		Open: func(_ *testing.T, configs ...aio.Config) (all []aio.Driver) {
			w := aiosim.NewWorld(aiosim.Config{Seed: 1})
			for _, c := range configs {
				all = append(all, &saboteur{Driver: w.NewDriver(c), harm: do})
			}
			return all
		},
		Loopback:  netip.MustParseAddrPort("127.0.0.1:0"),
		Simulated: true, NoExternalWake: true,
	}
}

// TestSabotaged runs the suite on a driver that breaks a promise, in a process
// that TestSuiteNoticesSabotage starts.
func TestSabotaged(t *testing.T) {
	s, ok := sabotages()[os.Getenv(sabotageVariable)]
	if !ok {
		t.Skip("only as a process of TestSuiteNoticesSabotage")
	}
	aiotest.Run(t, sabotagedFactory(s.do))
}

// TestSuiteNoticesSabotage: for each broken promise the case that stands for it
// fails, by the suite's own words and not by a crash.
func TestSuiteNoticesSabotage(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	for name, s := range sabotages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := exec.Command(self, "-test.run=^TestSabotaged$/^"+s.noticed+"$", "-test.timeout=60s")
			process.Env = append(os.Environ(), sabotageVariable+"="+name)
			out, err := process.CombinedOutput()
			if err == nil {
				t.Fatalf("case %s passed:\n%s", s.noticed, out)
			}
			if !strings.Contains(string(out), "--- FAIL: TestSabotaged/"+s.noticed) || strings.Contains(string(out), "panic:") {
				t.Fatalf("case %s did not fail in an orderly way: %v\n%s", s.noticed, err, out)
			}
		})
	}
}

// TestHealthyInFront: the saboteur itself breaks nothing.
func TestHealthyInFront(t *testing.T) {
	aiotest.Run(t, sabotagedFactory(func(_ *saboteur, events []aio.Event) []aio.Event { return events }))
}

func TestCasesAreNamedOnce(t *testing.T) {
	names := aiotest.Cases()
	if len(names) < 40 {
		t.Errorf("only %d cases", len(names))
	}
	seen := make(map[string]bool)
	for _, name := range names {
		if seen[name] {
			t.Errorf("two cases are called %s", name)
		}
		seen[name] = true
	}
}
