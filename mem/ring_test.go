package mem_test

import (
	"testing"

	"pgregory.net/rapid"

	"sarang/mem"
)

func TestRingAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ring mem.Ring[int]
		var model []int
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 12).Draw(t, "n") {
					ring.PushBack(next)
					model = append(model, next)
					next++
				}
			},
			"front": func(t *rapid.T) {
				for range rapid.IntRange(1, 9).Draw(t, "n") {
					v, ok := ring.PopFront()
					if ok != (len(model) > 0) || ok && v != model[0] {
						t.Fatalf("PopFront: %d, %v; model %v", v, ok, model)
					}
					model = model[min(1, len(model)):]
				}
			},
			"back": func(t *rapid.T) {
				v, ok := ring.PopBack()
				if ok != (len(model) > 0) || ok && v != model[len(model)-1] {
					t.Fatalf("PopBack: %d, %v; model %v", v, ok, model)
				}
				model = model[:max(0, len(model)-1)]
			},
			"grow": func(t *rapid.T) {
				n := rapid.IntRange(0, 50).Draw(t, "n")
				ring.Grow(n)
				if ring.Cap() < n {
					t.Fatalf("Grow(%d): capacity %d", n, ring.Cap())
				}
			},
			"clear": func(t *rapid.T) {
				ring.Clear()
				model = nil
			},
			"": func(t *rapid.T) {
				if ring.Len() != len(model) || ring.Cap()&(ring.Cap()-1) != 0 {
					t.Fatalf("length %d of %d, want %d", ring.Len(), ring.Cap(), len(model))
				}
				for i, want := range model {
					if got := *ring.At(i); got != want {
						t.Fatalf("At(%d) is %d, want %d", i, got, want)
					}
				}
			},
		})
	})
}

func TestRingForgetsWhatWasPopped(t *testing.T) {
	var ring mem.Ring[*int]
	ring.PushBack(new(int))
	ring.PushBack(new(int))
	front, back := ring.At(0), ring.At(1)
	ring.PopFront()
	ring.PopBack()
	if *front != nil || *back != nil {
		t.Error("a popped element is still reachable")
	}
	ring.PushBack(new(int))
	slot := ring.At(0)
	ring.Clear()
	if *slot != nil {
		t.Error("a cleared element is still reachable")
	}
}

func TestRingAtChecksItsIndex(t *testing.T) {
	var ring mem.Ring[int]
	ring.PushBack(1)
	for _, i := range []int{-1, 1, 7} {
		wantText(t, panicText(t, func() { ring.At(i) }), "out of range")
	}
	*ring.At(0) = 2
	if v, _ := ring.PopFront(); v != 2 {
		t.Errorf("write through At was lost: %d", v)
	}
}

func TestRingAllocatesNothing(t *testing.T) {
	var ring mem.Ring[[4]int]
	wantNoAllocs(t, func() {
		for i := range 100 {
			ring.PushBack([4]int{i})
		}
		for range 100 {
			ring.PopFront()
		}
	})
}

func BenchmarkRing(b *testing.B) {
	var ring mem.Ring[int]
	for range 100 {
		ring.PushBack(1)
	}
	for b.Loop() {
		v, _ := ring.PopFront()
		ring.PushBack(v)
	}
}
