package mem_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sarang/mem"
)

type object struct {
	id   int
	list []int
}

// bothObjectModes runs a test with and without ObjectConfig.Debug.
func bothObjectModes(t *testing.T, f func(t *testing.T, debug bool)) {
	t.Helper()
	for _, debug := range []bool{false, true} {
		t.Run(fmt.Sprintf("debug %v", debug), func(t *testing.T) { f(t, debug) })
	}
}

func TestObjectPoolAgainstModel(t *testing.T) {
	bothObjectModes(t, func(t *testing.T, debug bool) {
		rapid.Check(t, func(t *rapid.T) {
			p := mem.NewObjectPool(mem.ObjectConfig[object]{Debug: debug})
			out := map[*object]int{}
			made := 0
			t.Repeat(map[string]func(*rapid.T){
				"get": func(t *rapid.T) {
					o := p.Get()
					if _, twice := out[o]; twice || o.id != 0 || o.list != nil {
						t.Fatalf("got %+v, handed out already: %v", o, twice)
					}
					made++
					o.id, o.list = made, []int{made}
					out[o] = made
				},
				"put": func(t *rapid.T) {
					for o, id := range out {
						if o.id != id {
							t.Fatalf("object %d has become %d", id, o.id)
						}
						delete(out, o)
						p.Put(o)
						return
					}
					t.Skip("nothing is out")
				},
				"": func(t *rapid.T) {
					if s := p.Stats(); s.InUse != len(out) || s.Total != s.InUse+s.Free || s.Total > made {
						t.Fatalf("%+v with %d out of %d", s, len(out), made)
					}
				},
			})
			err := p.Close()
			if (err != nil) != (len(out) > 0) {
				t.Fatalf("Close with %d out: %v", len(out), err)
			}
		})
	})
}

func TestObjectPoolReset(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{Reset: func(o *object) {
		o.id = 0
		o.list = o.list[:0]
	}})
	o := p.Get()
	o.id, o.list = 1, append(o.list, 1, 2, 3)
	p.Put(o)
	again := p.Get()
	if again != o || again.id != 0 || len(again.list) != 0 || cap(again.list) < 3 {
		t.Errorf("got %+v, cap %d", again, cap(again.list))
	}
}

func TestObjectPoolFreeMax(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{FreeMax: 2})
	var out []*object
	for range 5 {
		out = append(out, p.Get())
	}
	for _, o := range out {
		p.Put(o)
	}
	if s := p.Stats(); s != (mem.ObjectStats{Free: 2, Total: 2}) {
		t.Errorf("%+v", s)
	}
}

func TestObjectPoolMisuse(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{})
	o := p.Get()
	p.Put(o)
	wantText(t, panicText(t, func() { p.Put(o) }), "*mem_test.object", "put back twice")
	wantText(t, panicText(t, func() { p.Put(nil) }), "nil")
}

func TestObjectPoolDebugMisuse(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{Debug: true})
	o := p.Get()
	p.Put(o)
	other := p.Get() // not o yet, so the late second Put is still seen
	text := panicText(t, func() { p.Put(o) })
	wantText(t, text, "put back already", "taken at", "put back at", "TestObjectPoolDebugMisuse")
	wantText(t, panicText(t, func() { p.Put(new(object)) }), "does not know")
	p.Put(other)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// In debug mode objects come round again, only later.
func TestObjectPoolDebugIsBounded(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{Debug: true})
	for range 2000 {
		p.Put(p.Get())
	}
	if s := p.Stats(); s.Total > 300 {
		t.Errorf("one object at a time needed %d", s.Total)
	}
}

func TestObjectPoolLeaks(t *testing.T) {
	bothObjectModes(t, func(t *testing.T, debug bool) {
		p := mem.NewObjectPool(mem.ObjectConfig[object]{Debug: debug})
		p.Put(p.Get())
		a, b := p.Get(), p.Get()
		err := p.Close()
		leaks := leaksOf(t, err)
		if len(leaks) != 2 || leaks[0].SizeBytes == 0 {
			t.Errorf("leaks are %+v", leaks)
		}
		if debug {
			wantText(t, err.Error(), "TestObjectPoolLeaks")
		}
		p.Put(a)
		p.Put(b)
		if s := p.Stats(); s != (mem.ObjectStats{}) {
			t.Errorf("after Close: %+v", s)
		}
		if err := p.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		wantText(t, panicText(t, func() { p.Get() }), "closed")
	})
}

func TestObjectPoolAllocatesNothing(t *testing.T) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{})
	var out [50]*object
	wantNoAllocs(t, func() {
		for i := range out {
			out[i] = p.Get()
		}
		for _, o := range out {
			p.Put(o)
		}
	})
}

func BenchmarkObjectPool(b *testing.B) {
	p := mem.NewObjectPool(mem.ObjectConfig[object]{})
	b.ReportAllocs()
	for b.Loop() {
		p.Put(p.Get())
	}
}
