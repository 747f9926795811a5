// Command million holds a million joined sessions in one process, on the simulated
// network, and delivers messages to all of them: the engine, the hub and the gateway are
// those of the server, a store that keeps nothing stands in for the database, and the
// clients are raw connections of the simulation. It prints what the memory and the
// delivery cost.
//
//	go run ./cmd/million                         a million in one room
//	go run ./cmd/million --rooms 10000           a hundred to a room
//	go run ./cmd/million --workers 8             of which each serves an eighth
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// report is what a run amounts to. Memory is that of the whole process, of the server
// and of the simulated network with its clients, in bytes.
type report struct {
	Sessions              int     `json:"sessions"`
	Rooms                 int     `json:"rooms"`
	Workers               int     `json:"workers"`
	JoinSeconds           float64 `json:"join_seconds"`
	ResidentBytesBefore   int64   `json:"resident_bytes_before"`
	ResidentBytes         int64   `json:"resident_bytes"`
	HeapBytes             uint64  `json:"heap_bytes"`
	HeapBytesPerSession   float64 `json:"heap_bytes_per_session"`
	NetworkBytes          uint64  `json:"network_bytes_per_session"` // of HeapBytesPerSession, the simulation's
	Messages              int     `json:"messages"`
	DeliverSeconds        float64 `json:"deliver_cpu_seconds_per_message"` // to all, of server and clients
	DeliverMicros         float64 `json:"deliver_cpu_us_per_session"`
	ResidentBytesDelivery int64   `json:"resident_bytes_after_delivery"`
	Delivered             int     `json:"delivered"`
}

// processorTime is what the process has used, user and system.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // can not fail for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	sessions := flag.Int("sessions", 1_000_000, "sessions")
	rooms := flag.Int("rooms", 1, "rooms that they are spread over")
	workers := flag.Int("workers", 1, "workers that serve them, in turn on one processor")
	messages := flag.Int("messages", 5, "messages sent to every room, one after the other")
	asJSON := flag.Bool("json", false, "the result as JSON")
	flag.Parse()
	r, err := run(*sessions, *rooms, *workers, *messages)
	if err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		_ = e.Encode(r)
		return
	}
	const mi = 1 << 20
	fmt.Printf("%d sessions in %d rooms on %d workers: joined in %.1f s\n", r.Sessions, r.Rooms, r.Workers, r.JoinSeconds)
	fmt.Printf("memory: %.0f MiB resident (%.0f MiB before), heap %.0f bytes per session, of which the simulated network has %d\n",
		float64(r.ResidentBytes)/mi, float64(r.ResidentBytesBefore)/mi, r.HeapBytesPerSession, r.NetworkBytes)
	fmt.Printf("delivery: %.2f s of processor time per message to all, %.3f µs per session; %.0f MiB resident afterwards; %d delivered\n",
		r.DeliverSeconds, r.DeliverMicros, float64(r.ResidentBytesDelivery)/mi, r.Delivered)
}

func run(sessions, rooms, workers, messages int) (report, error) {
	if sessions < rooms || rooms < 1 || workers < 1 || messages < 1 {
		return report{}, errors.New("rooms, workers and messages are at least 1, sessions at least as many as rooms")
	}
	r := report{Sessions: sessions, Rooms: rooms, Workers: workers, Messages: messages}
	var err error
	if r.NetworkBytes, err = networkBytes(100_000); err != nil {
		return r, err
	}
	debug.FreeOSMemory()
	r.ResidentBytesBefore, _ = resident()
	w, err := newWorld(sessions, rooms, workers)
	if err != nil {
		return r, err
	}
	began := time.Now()
	if err := w.joinAll(); err != nil {
		return r, err
	}
	r.JoinSeconds = time.Since(began).Seconds()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.HeapBytes, r.HeapBytesPerSession = m.HeapAlloc, float64(m.HeapAlloc)/float64(sessions)
	if r.ResidentBytes, err = resident(); err != nil {
		return r, err
	}
	cpu := processorTime()
	for range messages {
		if err := w.publish(); err != nil {
			return r, err
		}
	}
	r.DeliverSeconds = (processorTime() - cpu).Seconds() / float64(messages)
	r.DeliverMicros = r.DeliverSeconds * 1e6 / float64(sessions)
	r.ResidentBytesDelivery, _ = resident()
	r.Delivered = w.delivered
	return r, w.close()
}
