package aio

import (
	"errors"
	"testing"
)

func TestTableNames(t *testing.T) {
	tab := table[int]{max: 2 * chunkSlots}
	names := make(map[Socket]int)
	for i := range tab.max {
		name, v, err := tab.add()
		if err != nil {
			t.Fatal(err)
		}
		if name == 0 {
			t.Fatal("name 0 is no socket")
		}
		*v = i
		names[name] = i
	}
	if len(names) != tab.max {
		t.Fatalf("%d different names of %d", len(names), tab.max)
	}
	if _, _, err := tab.add(); !errors.Is(err, ErrTooMany) {
		t.Fatalf("one too many: got %v, want ErrTooMany", err)
	}
	for name, i := range names {
		if v := tab.get(name); v == nil || *v != i {
			t.Fatalf("slot of %#x: got %v, want %d", name, v, i)
		}
	}
	seen := 0
	tab.each(func(name Socket, v *int) {
		seen++
		if names[name] != *v {
			t.Errorf("each: %#x holds %d, want %d", name, *v, names[name])
		}
	})
	if seen != tab.max {
		t.Errorf("each saw %d of %d", seen, tab.max)
	}
}

func TestTableStaleNames(t *testing.T) {
	tab := table[int]{max: 1}
	old, v, err := tab.add()
	if err != nil {
		t.Fatal(err)
	}
	*v = 7
	tab.release(old)
	fresh, v, err := tab.add()
	if err != nil {
		t.Fatal(err)
	}
	if *v != 0 {
		t.Errorf("a fresh slot holds %d", *v)
	}
	if fresh == old {
		t.Fatal("a name was used twice")
	}
	for _, name := range []Socket{0, old, fresh + 1, fresh | 1<<31, 1 << 63} {
		if tab.get(name) != nil {
			t.Errorf("get(%#x) finds something", name)
		}
	}
	if tab.get(fresh) != v {
		t.Error("the fresh name does not find its slot")
	}
	defer func() {
		if recover() == nil {
			t.Error("a second release of one name went through")
		}
	}()
	tab.release(old)
}

func TestTableGenerationWraps(t *testing.T) {
	tab := table[int]{max: 1}
	name, _, err := tab.add()
	if err != nil {
		t.Fatal(err)
	}
	tab.release(name)
	tab.at(0).generation = 1<<32 - 1
	name, _, err = tab.add()
	if err != nil {
		t.Fatal(err)
	}
	if name == 0 || tab.get(name) == nil {
		t.Fatalf("after the wrap the name is %#x", name)
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	var q queue[int]
	in, out := 0, 0
	for round := range 200 {
		for range round % 7 {
			q.push(in)
			in++
		}
		for range min(q.count, round%5) {
			if got := q.pop(); got != out {
				t.Fatalf("got %d, want %d", got, out)
			}
			out++
		}
	}
	for q.count > 0 {
		if got := q.pop(); got != out {
			t.Fatalf("got %d, want %d", got, out)
		}
		out++
	}
	if in != out {
		t.Fatalf("%d went in, %d came out", in, out)
	}
}
