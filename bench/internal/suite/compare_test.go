package suite

import "testing"

func TestCompare(t *testing.T) {
	var r Results
	add := func(workload, server string, repeat int, value string, v float64) {
		r.Samples = append(r.Samples, Sample{workload, server, repeat, map[string]float64{value: v}})
	}
	// The machine became twice as slow in between, and one pair is an accident.
	for repeat, machine := range []float64{1, 2, 2} {
		add(Window1, "sarang-epoll", repeat, CPUMicros, machine*3)
		add(Window1, "before-epoll", repeat, CPUMicros, machine*2)
		add(Window16, "sarang-epoll", repeat, CPUMicros, machine*1.02)
		add(Window16, "before-epoll", repeat, CPUMicros, machine)
		add(Stored, "sarang-epoll", repeat, AcksPerSecond, 100/machine)
		add(Stored, "before-epoll", repeat, AcksPerSecond, 120/machine)
	}
	r.Samples[5].Values[AcksPerSecond] = 1
	r.Dashes = append(r.Dashes, Dash{Window64, "before-epoll", "it fell"})
	all := []Workload{{Name: Window1}, {Name: Window16}, {Name: Window64}, {Name: Stored}}
	got := Compare(&r, all)
	if len(got) != len(all) {
		t.Fatalf("%d goals of %d workloads: %+v", len(got), len(all), got)
	}
	for i, want := range []struct {
		ratio   float64
		reached bool
	}{{1.5, false}, {1.02, true}, {0, false}, {1.2, false}} {
		if g := got[i]; g.Reached != want.reached || g.Got < want.ratio-0.001 || g.Got > want.ratio+0.001 || (want.ratio == 0) != (g.Missing != "") {
			t.Errorf("%s: %+v, want %+v", all[i].Name, g, want)
		}
	}
}
