package suite

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Summary
	}{
		{[]float64{3}, Summary{3, 3, 3, 1}},
		{[]float64{9, 1, 5}, Summary{5, 1, 9, 3}},
		{[]float64{4, 1, 2, 100}, Summary{3, 1, 100, 4}},
	} {
		before := slices.Clone(c.values)
		if got := Summarize(c.values); got != c.want || !slices.Equal(before, c.values) {
			t.Errorf("Summarize(%v) is %+v, want %+v; the values are %v now", before, got, c.want, c.values)
		}
	}
	if got := Summarize(nil); !math.IsNaN(got.Median) || got.N != 0 {
		t.Errorf("Summarize of nothing is %+v", got)
	}
}

func TestWorkloads(t *testing.T) {
	names := map[string]bool{}
	for _, w := range Workloads() {
		if names[w.Name] {
			t.Errorf("two workloads are called %s", w.Name)
		}
		names[w.Name] = true
		const filesMax = 20000
		if n := w.Who.Conns(); n < 1 || n > filesMax-1000 {
			t.Errorf("%s has %d connections; a process may have %d open files", w.Name, n, filesMax)
		}
		small := w.scaled(50).Who
		if small.Rooms < 1 || small.PerRoom < 1 || small.Publishers > 0 != (w.Who.Publishers > 0) || small.Conns() > w.Who.Conns() {
			t.Errorf("%s: a fiftieth of %+v is %+v", w.Name, w.Who, small)
		}
		if w.scaled(1).Who != w.Who {
			t.Errorf("%s: divided by 1 it is %+v", w.Name, w.scaled(1).Who)
		}
	}
	sizes := mixed()
	if lowest, highest := slices.Min(sizes), slices.Max(sizes); lowest < 16 || lowest > 32 || highest > 16<<10 || highest < 8<<10 {
		t.Errorf("mixed sizes are from %d to %d", lowest, highest)
	}
	if !slices.Equal(sizes, mixed()) {
		t.Error("mixed sizes differ from call to call")
	}
}

// Workloads with the same connections run on them one after the other; kinds are never
// mixed.
func TestGrouped(t *testing.T) {
	total := 0
	for _, g := range grouped(Plan{Workloads: Workloads(), Divide: 1}) {
		total += len(g)
		for _, w := range g {
			if w.Who != g[0].Who || w.Kind != g[0].Kind {
				t.Errorf("%s and %s are in one group", g[0].Name, w.Name)
			}
		}
	}
	if total != len(Workloads()) {
		t.Errorf("the groups have %d workloads of %d", total, len(Workloads()))
	}
}

func TestRunners(t *testing.T) {
	names := RunnerNames()
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("two servers have one name: %v", names)
	}
	// What goals speak of must exist, or they would never be judged.
	for _, n := range append(peers(), "sarang-uring", "floor-uring", EchoBareUring, EchoEngineUring) {
		if !slices.Contains(names, n) {
			t.Errorf("no server is called %s: %v", n, names)
		}
	}
	b := &Bench{Plan: Plan{Workloads: Workloads(), Repeat: 2, Measure: time.Second, Servers: []string{"sarang-epoll", "echo-go-net"}}}
	if got := b.ToolNames(); !slices.Equal(got, []string{"sarang", "echo"}) {
		t.Errorf("two servers need the tools %v", got)
	}
	few := b.Estimate()
	b.Plan.Servers = nil
	for _, r := range b.runners(KindFanout) {
		if r.setup().Optional {
			t.Errorf("%s is optional and was not asked for", r.setup().Name)
		}
	}
	if all := b.Estimate(); few < 2*time.Second || all < 5*few {
		t.Errorf("two servers take %v, all take %v", few, all)
	}
}

func TestRefuses(t *testing.T) {
	workload := func(name string) Workload {
		i := slices.IndexFunc(Workloads(), func(w Workload) bool { return w.Name == name })
		return Workloads()[i]
	}
	for _, c := range []struct {
		server, workload string
		refuses          bool
	}{
		{"inspircd", "mixed-sizes", true},
		{"inspircd", "room-15000", true},
		{"inspircd", Window16, false},
		{"redis", "mixed-sizes", false},
		{"relay-uring", Window1, false},
		{"relay-uring", "rooms-1000", true},
		{"relay-uring", Sessions, true},
		{"floor-uring", Window64, false},
		{"floor-uring", Rate100k, true},
		{"floor-uring", "mixed-sizes", true},
		{"sarang-uring", Sessions, false},
	} {
		for _, r := range allRunners(KindFanout) {
			if r.setup().Name == c.server && (r.refuses(workload(c.workload)) != "") != c.refuses {
				t.Errorf("%s refuses %s: %q", c.server, c.workload, r.refuses(workload(c.workload)))
			}
		}
	}
}

func TestGoals(t *testing.T) {
	r := &Results{}
	add := func(workload, server, value string, values ...float64) {
		for i, v := range values {
			r.Samples = append(r.Samples, Sample{workload, server, i, map[string]float64{value: v}})
		}
	}
	add(Window1, "sarang-uring", CPUMicros, 2, 50, 1.9)
	add(Window1, "floor-uring", CPUMicros, 1.8, 1.7, 1.9)
	add(Window1, "redis", CPUMicros, 3)
	add(Stored, "sarang-uring", AcksPerSecond, 120_000)
	add(Sessions, "sarang-uring", GrowthBytes, 16e6)
	add(Sessions18, "sarang-uring", GrowthBytes, 16e6+8000*600)
	r.Dashes = append(r.Dashes, Dash{Rate100k, "redis", "not installed"})

	got := map[string]Goal{}
	for _, g := range Goals(r) {
		got[g.What] = g
	}
	check := func(what string, value float64, reached bool, missing string) {
		t.Helper()
		g, ok := got[what]
		if !ok || math.Abs(g.Got-value) > 0.01 || g.Reached != reached || g.Missing != missing {
			t.Errorf("%s: %+v (there: %v)", what, g, ok)
		}
	}
	check("CPU per delivery, window 1, against the floor", 2/1.8, true, "")
	check("CPU per delivery, window 1, against Redis", 2/3., false, "")
	check("CPU per delivery, window 16, against the floor", 0, false, "sarang-uring was not measured")
	check("messages stored per second, one room, acknowledged", 120_000, true, "")
	check("user-space memory of an idle joined session, from 10,000 to 18,000", 600, false, "")
	add(Rate100k, "sarang-uring", P99Millis, 3)
	for _, g := range Goals(r) {
		got[g.What] = g
	}
	check("p99 at 100,000 deliveries per second, against redis", 0, false, "redis: not installed")
}
