package mem_test

import (
	"fmt"

	"sarang/mem"
)

func ExamplePool() {
	pool := mem.NewPool(mem.Config{LimitBytes: 64 << 20})
	buf, err := pool.Get(5)
	if err != nil {
		fmt.Println(err) // mem.ErrLimit: shed load
		return
	}
	copy(buf.Bytes(), "hello")
	buf.Retain() // one more receiver
	fmt.Printf("%s\n", buf.Bytes())
	buf.Release()
	buf.Release() // the last owner: back to the pool
	fmt.Println(pool.Stats().Total.InUse, pool.Close())
	// Output:
	// hello
	// 0 <nil>
}

func ExampleChunker() {
	pool := mem.NewPool(mem.Config{})
	chunker := mem.NewChunker(pool, 4<<10)
	room, err := chunker.Reserve(100) // as much as the message may need
	if err != nil {
		fmt.Println(err)
		return
	}
	n := copy(room, "one encoding for all receivers")
	buf, off := chunker.Commit(n) // as much as it did need
	fmt.Printf("%s\n", buf.Bytes()[off:off+n])
	buf.Release()
	chunker.Drop()
	fmt.Println(pool.Close())
	// Output:
	// one encoding for all receivers
	// <nil>
}

func ExampleRing() {
	var queue mem.Ring[string]
	queue.PushBack("first")
	queue.PushBack("second")
	fmt.Println(*queue.At(1), queue.Len())
	for v, ok := queue.PopFront(); ok; v, ok = queue.PopFront() {
		fmt.Println(v)
	}
	// Output:
	// second 2
	// first
	// second
}
