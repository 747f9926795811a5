package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/packet"
)

func TestEverybodyHearsEverythingInOneOrder(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		const clients, messages = 50, 20
		config := testConfig(t, kind)
		s, stop := start(t, config)
		r, err := runCrowd(t.Context(), crowdConfig{
			addr: s.addr, driver: kind, name: "dummy", clients: clients, messages: messages,
			interval: time.Millisecond, patience: testTimeout, logger: quiet(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed() || r.Said != clients*messages || r.Heard != clients*clients*messages {
			t.Errorf("report %+v", r)
		}
		if r.returned != r.Said || r.LatencyMean() <= 0 || r.LatencyMax < r.LatencyMean() {
			t.Errorf("%d of %d remarks were timed: %v on average, %v at most", r.returned, r.Said, r.LatencyMean(), r.LatencyMax)
		}
		stop()

		// Who comes back after a restart has not been forgotten.
		s, _ = start(t, config)
		ids := map[playerID]bool{}
		for i := range clients {
			m := dial(t, s.addr).login(fmt.Sprint("dummy", i))
			if m.Messages != messages || m.NextLine != firstLine {
				t.Errorf("dummy%d is welcomed with %+v, want %d messages", i, m, messages)
			}
			ids[m.Player] = true
		}
		if len(ids) != clients || ids[0] {
			t.Errorf("%d players have %d ids: %v", clients, len(ids), ids)
		}
		if m := dial(t, s.addr).login("somebody new"); m.Messages != 0 || ids[m.Player] {
			t.Errorf("a new player is welcomed with %+v", m)
		}
	})
}

func TestTestRecordComesBack(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		s, _ := start(t, testConfig(t, kind))
		p := dial(t, s.addr)
		full := testRecord{ID: 1<<64 - 1, HP: 1<<32 - 1, Attack: 1<<16 - 1}
		for i := range buffsMax {
			full.Buffs = append(full.Buffs, buff{ID: uint64(i), RemainSeconds: float32(i) / 3})
		}
		for _, want := range []testRecord{{}, exampleTest(), full} {
			p.write(want.append(nil, idTest))
			if got := expect(p, idTestAnswer, readTest); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		full.Buffs = append(full.Buffs, buff{})
		p.write(full.append(nil, idTest))
		p.expectRefusal(idTest, refusedTooLong)
	})
}

func TestRefusals(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		s, _ := start(t, testConfig(t, kind))
		p := dial(t, s.addr)
		for _, bad := range []struct {
			id      packet.ID
			payload string
			why     refusal
		}{
			{9998, "what?", refusedUnknown},
			{idWelcome, "", refusedUnknown}, // a server's packet
			{idLogin, "", refusedMalformed},
			{idLogin, "\x05\x00anna", refusedMalformed},     // one byte is missing
			{idLogin, "\x04\x00anna!", refusedMalformed},    // one is left over
			{idLogin, "\x02\x00\xff\xfe", refusedMalformed}, // no UTF-8
			{idLogin, "\x00\x00", refusedName},
			{idLogin, "\x21\x00" + strings.Repeat("a", 33), refusedName},
			{idTest, strings.Repeat("\x00", 14) + "\x12\x00\xff\xff", refusedMalformed}, // a list that is not there
			{idTest, strings.Repeat("\x00", 14) + "\x00\x00\x01\x00", refusedMalformed}, // one before its header
			{idSay, "\x05\x00hello", refusedNotLoggedIn},
		} {
			p.raw(bad.id, bad.payload)
			p.expectRefusal(bad.id, bad.why)
		}

		// None of that has harmed the session.
		p.login("anna")
		p.write(appendText(nil, idLogin, "berta"))
		p.expectRefusal(idLogin, refusedTwice)
		p.say("")
		p.expectRefusal(idSay, refusedTooLong)
		p.say(strings.Repeat("x", textBytesMax+1))
		p.expectRefusal(idSay, refusedTooLong)
		p.say(strings.Repeat("x", textBytesMax))
		if l := expect(p, idLine, readLine); l.Number != firstLine || l.Name != "anna" || len(l.Text) != textBytesMax {
			t.Errorf("heard %+v", l)
		}
	})
}

func TestLostFramingEndsTheSession(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		s, _ := start(t, testConfig(t, kind))
		for _, header := range []string{"\x00\x00\x02\x00", "\x03\x00\x02\x00"} {
			p := dial(t, s.addr)
			p.raw(9998, "")
			p.expectRefusal(9998, refusedUnknown)
			p.write([]byte(header), nil)
			p.expectEnd()
		}
	})
}

func TestPacketsInPieces(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		s, _ := start(t, testConfig(t, kind))
		p := dial(t, s.addr)
		b, err := appendText(nil, idLogin, "anna")
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			p.write(b[i:i+1], nil)
		}
		expect(p, idWelcome, readWelcome)
	})
}

// A player that says a lot at once is read from more slowly: nothing is lost, and
// not much is held for it.
func TestFlood(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		const remarks = 50 * pendingMax
		s, _ := start(t, testConfig(t, kind))
		p := dial(t, s.addr)
		p.login("anna")
		var flood []byte
		for i := range remarks {
			var err error
			if flood, err = appendText(flood, idSay, fmt.Sprint("remark ", i)); err != nil {
				t.Fatal(err)
			}
		}
		sent := make(chan error, 1)
		go func() { _, err := p.conn.Write(flood); sent <- err }()
		for i := range remarks {
			l := expect(p, idLine, readLine)
			if want := fmt.Sprint("remark ", i); l.Text != want || l.Number != firstLine+uint64(i) {
				t.Fatalf("heard %+v, want %q", l, want)
			}
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}

// A player that does not read costs the others nothing. When it reads again it finds
// whole lines in order, and by their numbers which are gone.
func TestSlowReader(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		const remarks = 20000
		s, _ := start(t, testConfig(t, kind))
		slow, fast := dial(t, s.addr), dial(t, s.addr)
		slow.login("slow")
		fast.login("fast")
		text := strings.Repeat("x", 1000)
		b, err := appendText(nil, idSay, text)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() { _, err := fast.conn.Write(bytes.Repeat(b, remarks)); sent <- err }()
		for i := range remarks {
			if l := expect(fast, idLine, readLine); l.Number != firstLine+uint64(i) || l.Text != text {
				t.Fatalf("line %d came as %d with %d bytes", firstLine+i, l.Number, len(l.Text))
			}
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		// A buffer may take twice what is in it.
		held := s.service.Stats().Memory.Total.InUseBytes
		if held > 3*windowBytes {
			t.Errorf("%d bytes are held for a slow reader", held)
		}
		next, gone := uint64(firstLine), uint64(0)
		for next < firstLine+remarks {
			l := expect(slow, idLine, readLine)
			if l.Number < next || l.Text != text {
				t.Fatalf("line %d came with %d bytes, line %d was next", l.Number, len(l.Text), next)
			}
			gone += l.Number - next
			next = l.Number + 1
		}
		if gone == 0 {
			t.Error("nothing was gone: this was no slow reader")
		}
		t.Logf("%d lines of %d were gone, %d bytes were held", gone, remarks, held)
	})
}

func TestOrderlyEnd(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		s, stop := start(t, testConfig(t, kind))
		p := dial(t, s.addr)
		p.login("anna")
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop() }()
		p.expectEnd()
		if err := p.conn.Close(); err != nil {
			t.Error(err)
		}
		<-stopped
		if conn, err := net.Dial("tcp", s.addr.String()); err == nil {
			t.Error("a server that has ended accepts connections")
			_ = conn.Close()
		}
	})
}

func TestBadStarts(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		good := testConfig(t, kind)
		s, _ := start(t, good)
		taken, noFolder, noWorkers, noDriver := good, good, good, good
		taken.listen, taken.db = s.addr, filepath.Join(t.TempDir(), "other.db")
		noFolder.db = filepath.Join(t.TempDir(), "nowhere", "players.db")
		noWorkers.workers = 0
		noDriver.driver = "telegraph"
		for _, c := range []serverConfig{taken, noFolder, noWorkers, noDriver} {
			if s, err := startServer(c); err == nil {
				t.Errorf("%+v: a server was started", c)
				_ = s.close(t.Context())
			}
		}
	})
}

// The two commands, as a user types them.
func TestCommands(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kind string) {
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		said := make(lineWriter, 1)
		ended := make(chan error, 1)
		db := filepath.Join(t.TempDir(), "players.db")
		go func() {
			ended <- run(ctx, []string{"server", "--listen", "127.0.0.1:0", "--db", db, "--io", kind}, said)
		}()
		addr := netip.MustParseAddrPort(strings.TrimSpace(strings.TrimPrefix(<-said, "listening on ")))
		var out bytes.Buffer
		err := run(t.Context(), []string{
			"client", "--addr", addr.String(), "--io", kind,
			"--clients", "5", "--messages", "3", "--interval", "1ms",
		}, &out)
		if err != nil || !strings.Contains(out.String(), "5 dummies said 15 remarks and heard 75 of 75 lines") {
			t.Errorf("error %v, output %s", err, out.String())
		}
		interrupt()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		err = run(t.Context(), []string{"client", "--addr", addr.String(), "--io", kind}, &out)
		if err != errLost || !strings.Contains(out.String(), "fault:") {
			t.Errorf("a client without a server: error %v, output %s", err, out.String())
		}
	})
	for _, args := range [][]string{nil, {"serve"}, {"client", "50"}, {"client", "--clients", "0"}, {"client", "--interval=-1s"}} {
		if err := run(t.Context(), args, t.Output()); err == nil {
			t.Errorf("arguments %q: no error", args)
		}
	}
}

// lineWriter hands on what is written.
type lineWriter chan string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}
