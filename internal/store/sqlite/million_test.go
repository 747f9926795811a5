package sqlite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// What opening a store may take, however much is in it.
const (
	openTimeMax    = time.Second
	openRSSMiBMax  = 16 // two page caches of 2 MiB at most, statements and the program's own pages
	openHeapMiBMax = 4
)

// million makes a database with so many rooms and users, and a message in each room.
func million(tb testing.TB, dir string, rows int) {
	tb.Helper()
	if err := open(tb, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe}).Close(); err != nil {
		tb.Fatal(err)
	}
	db := other(tb, filepath.Join(dir, sqlite.DatabaseFile)+"?_pragma=synchronous(0)&_pragma=cache_size(-65536)")
	const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
	for _, statement := range []string{
		"INSERT INTO users SELECT i, printf('user%07d', i), printf('user%07d', i), zeroblob(32), 1, 1, printf('user%07d', i) FROM n",
		"INSERT INTO rooms (id, name, name_key, epoch, flags, created_ms) SELECT i, printf('room%07d', i), printf('room%07d', i), i, 0, 1 FROM n",
		"INSERT INTO messages SELECT i, 1, i, 1, i, 1, 0, 'hello', 0, 0, 0, 0, 0, 1, 1 FROM n",
		"INSERT INTO authors SELECT i, i, 1, 1 FROM n",
	} {
		if _, err := db.ExecContext(tb.Context(), numbers+statement, rows); err != nil {
			tb.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// Opening a store, and asking it for little, takes the same whatever it holds.
func TestOpenWithMillions(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a database of 200 MB")
	}
	rows := 1_000_000
	if slow {
		rows = 20_000
	}
	dir := t.TempDir()
	million(t, dir, rows)
	heapBefore, rssBefore := memoryMiB()
	start := time.Now()
	s := open(t, sqlite.Config{Dir: dir})
	took := time.Since(start)
	if _, err := s.Rooms(t.Context(), chat.RoomID(rows-10), 100); err != nil {
		t.Fatal(err)
	}
	b := chat.Batch{ID: chat.BatchID{Writer: 1}}
	for _, room := range []int{1, rows / 2, rows} {
		e := chat.Event{Room: chat.RoomID(room), Seq: 2, Kind: chat.EventMessage, User: chat.UserID(rows), Nonce: 1, Text: "hello"}
		b.Appends = append(b.Appends, chat.Append{Room: e.Room, After: 1, Events: []chat.Event{e}})
	}
	if err := commit(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
	heap, rss := memoryMiB()
	t.Logf("opening took %v, %.1f MiB of heap, %.1f MiB of the process", took, heap-heapBefore, rss-rssBefore)
	if took > openTimeMax {
		t.Errorf("opening took %v", took)
	}
	if heap-heapBefore > openHeapMiBMax || rss-rssBefore > openRSSMiBMax {
		t.Errorf("an open store has %.1f MiB of heap, %.1f MiB of the process", heap-heapBefore, rss-rssBefore)
	}
}

func BenchmarkOpenWithMillions(b *testing.B) {
	dir := b.TempDir()
	million(b, dir, 1_000_000)
	for b.Loop() {
		if err := open(b, sqlite.Config{Dir: dir}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// memoryMiB returns what lives on the heap and, where the system tells, what the process
// has of memory.
func memoryMiB() (heap, rss float64) {
	runtime.GC() // what was pooled goes with the second one
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return float64(m.HeapAlloc) / (1 << 20), 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			rss = kib / 1024
		}
	}
	return float64(m.HeapAlloc) / (1 << 20), rss
}
