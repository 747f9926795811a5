package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// metric reads one value of /metrics.
func metric(t *testing.T, s *running, name string) int {
	t.Helper()
	_, page := get(t, s, "/metrics")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no metric %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(v)
}

// awaitMetric reads a metric until it has the value.
func awaitMetric(t *testing.T, s *running, name string, want int) {
	t.Helper()
	var got int
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = metric(t, s, name); got == want {
			return
		}
	}
	t.Errorf("%s is %d, want %d", name, got, want)
}

// TestGarbage throws at the port what is no protocol. Every piece must be answered by a
// typed goodbye or a close, and counted; who behaves must not notice.
func TestGarbage(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP, c.LoginDeadline = "127.0.0.1:0", time.Second
		s := start(t, c)
		defer stop(t, s)
		good := user(t, s, "good")
		id := good.join(&pb.Join{Name: "r"}).Room.Id
		good.expectEvent(1, "+ good")

		for _, size := range []uint16{0, 3} {
			x := dial(t, s, fmt.Sprint("size ", size))
			x.raw(binary.LittleEndian.AppendUint16(nil, size))
			x.raw([]byte{6, 0})
			x.expectEnd(uint32(chat.CodeFrame))
		}
		half := dial(t, s, "half a packet and silence")
		half.raw([]byte{200, 0, 4, 0, 1, 2, 3})
		huge := dial(t, s, "a huge size and silence")
		huge.raw([]byte{0xff, 0xff, 4, 0})
		huge.expectEnd(uint32(chat.CodeFrame)) // before the login
		silent := dial(t, s, "silence")
		half.expectEnd(uint32(chat.CodeTimeout))
		silent.expectEnd(uint32(chat.CodeTimeout))

		random := rand.New(rand.NewPCG(1, 2))
		for i := range 50 {
			x := dial(t, s, fmt.Sprint("random ", i))
			b := make([]byte, 1+random.IntN(5000))
			for j := range b {
				b[j] = byte(random.Uint32())
			}
			_, _ = x.conn.Write(b) // the server may have closed in the middle of it
			_ = x.conn.(*net.TCPConn).CloseWrite()
			_ = x.conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, x.conn); err != nil && !isReset(err) {
				t.Errorf("random %d: %v", i, err)
			}
		}
		good.publish(id, 1, "still here")
		good.expectOwn(1, 2, "still here")
		awaitMetric(t, s, "sarang_sessions", 1)
		if n := metric(t, s, "sarang_frame_errors_total"); n < 3 {
			t.Errorf("%d frame errors", n)
		}
		if n := metric(t, s, `sarang_disconnected_total{reason="login_deadline"}`); n < 2 {
			t.Errorf("%d ended by the login deadline", n)
		}
	})
}

// isReset reports whether the other end hung up with our bytes unread.
func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// TestConnectsWithoutLogin opens many connections that say nothing: they are closed at
// the deadline, and those above the limit at once.
func TestConnectsWithoutLogin(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		const limit, over = 300, 50
		c.HTTP, c.LoginDeadline, c.SessionsMax = "127.0.0.1:0", 2*time.Second, limit
		s := start(t, c)
		defer stop(t, s)
		good := user(t, s, "good")
		var wg sync.WaitGroup
		for i := range limit + over {
			x := dial(t, s, fmt.Sprint("silent ", i))
			wg.Add(1)
			go func() {
				defer wg.Done()
				_ = x.conn.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, x.conn); err != nil && !isReset(err) {
					t.Errorf("%s: %v", x.name, err)
				}
				x.conn.Close()
			}()
		}
		good.barrier()
		wg.Wait()
		good.barrier()
		awaitMetric(t, s, "sarang_sessions", 1)
		refused, ended := metric(t, s, `sarang_refused_total{reason="sessions_max"}`), metric(t, s, `sarang_disconnected_total{reason="login_deadline"}`)
		if refused < over || refused+ended != limit+over {
			t.Errorf("%d refused, %d ended by the deadline, of %d", refused, ended, limit+over)
		}
	})
}

// TestClientThatDoesNotReadItsAnswers asks and never reads: it is ended, with that as
// the reason.
func TestClientThatDoesNotReadItsAnswers(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		x := user(t, s, "greedy")
		for i := range 50 { // so that an answer is much larger than its request
			x.say(pb.CCreate, &pb.Create{Name: fmt.Sprint(strings.Repeat("long", 10), i)})
			x.expect(pb.SCreate, &pb.Created{})
		}
		_ = x.conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		asks := bytes.Repeat([]byte{4, 0, pb.CList, 0}, 1000)
		deadline := time.Now().Add(patience)
		_ = x.conn.SetWriteDeadline(deadline)
		for {
			if _, err := x.conn.Write(asks); err != nil {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the server still takes requests")
		}
		if n := metric(t, s, `sarang_disconnected_total{reason="direct_queue"}`); n != 1 {
			t.Errorf("%d sessions ended for a full queue", n)
		}
	})
}

// TestSlowReader does not read its room: nobody else is held up, the server keeps no
// more than the window for it, and when it reads it gets everything.
func TestSlowReader(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP, c.Debug = "127.0.0.1:0", false
		s := start(t, c)
		defer stop(t, s)
		talker, slow := user(t, s, "talker"), user(t, s, "slow")
		id := talker.join(&pb.Join{Name: "r"}).Room.Id
		talker.expectEvent(1, "+ talker")
		_ = slow.conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		slow.join(&pb.Join{Room: id})
		slow.expectEvent(2, "+ slow")
		talker.expectEvent(2, "+ slow")
		const messages, textBytes = 1000, 10000
		text := string(bytes.Repeat([]byte("x"), textBytes))
		for i := range uint64(messages) {
			talker.publish(id, 1+i, text)
			talker.expectOwn(1+i, 3+i, text)
		}
		if n := metric(t, s, `sarang_buffer_bytes{state="in_use"}`); n > 2<<20 {
			t.Errorf("%d bytes of buffers for %d bytes unread", n, messages*textBytes)
		}
		for i := range uint64(messages) {
			slow.expectEvent(3+i, "talker: "+text)
		}
		if n := metric(t, s, "sarang_pages_total"); n == 0 {
			t.Error("the slow reader was never behind the window: the test shows nothing")
		}
	})
}

// TestEphemeralRoomTellsWhatItForgot lets a reader fall behind the window of a room that
// stores nothing: it is told what it lost, and goes on.
func TestEphemeralRoomTellsWhatItForgot(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		talker, slow := user(t, s, "talker"), user(t, s, "slow")
		room := talker.join(&pb.Join{Name: "r", Ephemeral: true}).Room
		if !room.Ephemeral {
			t.Errorf("room %v", room)
		}
		talker.expectEvent(1, "+ talker")
		_ = slow.conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		slow.join(&pb.Join{Room: room.Id})
		slow.expectEvent(2, "+ slow")
		talker.expectEvent(2, "+ slow")
		const messages = 1000
		text := string(bytes.Repeat([]byte("x"), 10000))
		for i := range uint64(messages) {
			talker.publish(room.Id, 1+i, text)
			talker.expectOwn(1+i, 3+i, text)
		}
		next, gaps := uint64(3), 0
		for next < 3+messages {
			switch id, payload, err := slow.read(); {
			case err != nil:
				t.Fatal(err)
			case id == pb.SGap:
				var g pb.Gap
				if err := g.UnmarshalVT(payload); err != nil || g.From != next || g.To < g.From || g.Epoch != room.Epoch {
					t.Fatalf("gap %v at %d", &g, next)
				}
				next = g.To + 1
				gaps++
			case id == pb.SChat:
				var e pb.Event
				if err := e.UnmarshalVT(payload); err != nil || e.Seq != next {
					t.Fatalf("event %d, want %d (%v)", e.Seq, next, err)
				}
				next++
			default:
				t.Fatalf("packet %d", id)
			}
		}
		if gaps == 0 {
			t.Error("no gap: the test shows nothing")
		}
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		back := user(t, s, "back")
		j := back.join(&pb.Join{Name: "r", Cursor: &pb.Cursor{Epoch: room.Epoch, Seq: 5}})
		if j.Room.Epoch == room.Epoch {
			t.Error("an ephemeral room has its old epoch after a restart")
		}
		var g pb.Gap
		back.expect(pb.SGap, &g)
		if g.Epoch != j.Room.Epoch {
			t.Errorf("gap %v", &g)
		}
	})
}

func TestOperators(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			if status, body := get(t, s, path); status != 200 || body == "" {
				t.Errorf("%s: %d %q", path, status, body)
			}
		}
		if status, _ := get(t, s, "/"); status != 404 {
			t.Errorf("/: %d", status)
		}
	})
}

func TestSecondServerOnTheSameData(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		_, err := server.Start(t.Context(), c)
		if chat.CodeOf(err) != chat.CodeAlreadyRunning {
			t.Errorf("second server: %v", err)
		}
	})
}
