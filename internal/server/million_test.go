package server_test

import (
	"database/sql"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sarang/internal/server"
	"sarang/internal/store/sqlite"
	pb "sarang/proto/sarang/v1"
)

// What a server may take for rooms that nobody uses.
const (
	readyTimeMax   = 2 * time.Second
	roomsHeapBytes = 2 << 20 // more than a server without rooms
)

// A server is ready as soon, and as small, with a million rooms as with none.
func TestMillionRooms(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a database of 150 MB")
	}
	rooms := 1_000_000
	if slow {
		rooms = 20_000
	}
	soon, small := heapOfServer(t, t.TempDir(), 0)
	dir := t.TempDir()
	fillRooms(t, dir, rooms)
	ready, big := heapOfServer(t, dir, rooms)
	t.Logf("%d rooms: ready after %v, %d KiB of heap; no rooms: after %v, %d KiB", rooms, ready, big>>10, soon, small>>10)
	if ready > readyTimeMax {
		t.Errorf("the server was ready after %v", ready)
	}
	if big > small+roomsHeapBytes {
		t.Errorf("%d KiB of heap with %d rooms, %d KiB without", big>>10, rooms, small>>10)
	}
}

// heapOfServer returns how long a server takes to be ready, and what lives on the heap
// when somebody has logged in and looked at the rooms.
func heapOfServer(t *testing.T, dir string, rooms int) (ready time.Duration, bytes int64) {
	t.Helper()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
	c.HTTP, c.DataDir, c.Logger = "127.0.0.1:0", dir, slog.New(slog.DiscardHandler)
	before := liveBytes()
	began := time.Now()
	s := start(t, c)
	ready = time.Since(began)
	defer stop(t, s)
	u := user(t, s, "ann")
	u.say(pb.CList, &pb.List{After: uint64(max(rooms-10, 0)), ItemsMax: 200})
	var list pb.Listed
	u.expect(pb.SList, &list)
	if len(list.Rooms) != min(rooms, 10) || list.More {
		t.Errorf("a page of the last rooms has %d, more %t", len(list.Rooms), list.More)
	}
	bytes = liveBytes() - before
	if n := metric(t, s, "sarang_rooms"); n != 0 {
		t.Errorf("%d rooms are in memory that nobody uses", n)
	}
	return ready, bytes
}

func liveBytes() int64 {
	runtime.GC()
	runtime.GC() // what was pooled goes with the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fillRooms makes a data folder with so many rooms, and a message in each.
func fillRooms(t *testing.T, dir string, rooms int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.DatabaseFile)+"?_pragma=synchronous(0)&_pragma=cache_size(-65536)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
	for _, statement := range []string{
		"INSERT INTO users (id, name, name_key, created_ms, seen_ms) SELECT 1, 'ben', 'ben', i, 1 FROM n WHERE i = 1",
		"INSERT INTO rooms (id, name, name_key, epoch, flags, created_ms) SELECT i, printf('room%07d', i), printf('room%07d', i), i, 0, 1 FROM n",
		"INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, text) SELECT i, 1, 1, 1, i, 1, 0, 'hello' FROM n",
	} {
		if _, err := db.ExecContext(t.Context(), numbers+statement, rooms); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
