package engine_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"runtime"
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/packet"
)

// eachTLS runs body for the versions that are in use.
func eachTLS(t *testing.T, body func(t *testing.T, version uint16)) {
	t.Helper()
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) { body(t, v) })
	}
}

// Wherever the stream is cut, handshake, data both ways, session tickets and the end
// come through.
func TestTLSCutAnywhere(t *testing.T) {
	eachTLS(t, func(t *testing.T, version uint16) {
		clientConfig := clientTLS(version)
		clientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		serverConfig := serverTLS(version)
		for _, piece := range []int{1, 2, 3, 5, 7, 100, 1000, 1 << 20} {
			d, err := newDuplex(serverConfig, clientConfig)
			if err != nil {
				t.Fatal(err)
			}
			d.run(piece)
			if !d.server.Ready() || !d.client.Ready() {
				t.Fatalf("pieces of %d: no handshake: %v, %v", piece, d.serverEnd, d.clientEnd)
			}
			if resumed := d.server.ConnectionState().DidResume; resumed != (piece > 1) {
				t.Errorf("pieces of %d: resumed: %t; the ticket of the first connection serves the others", piece, resumed)
			}
			big := bytes.Repeat([]byte("0123456789abcdef"), 6000)
			d.toServer, err = d.client.Encode(d.toServer, big)
			d.toClient, _ = d.server.Encode(d.toClient, big[1:])
			if err != nil {
				t.Fatal(err)
			}
			d.run(piece)
			if !bytes.Equal(d.atServer.Bytes(), big) || !bytes.Equal(d.atClient.Bytes(), big[1:]) {
				t.Fatalf("pieces of %d: %d and %d bytes of %d came", piece, d.atServer.Len(), d.atClient.Len(), len(big))
			}
			d.toServer = d.client.End(d.toServer)
			d.run(piece)
			if d.serverEnd != io.EOF {
				t.Errorf("pieces of %d: the server saw the end as %v", piece, d.serverEnd)
			}
			d.release()
		}
	})
}

// Every single cut of the client's handshake.
func TestTLSHandshakeCutOnce(t *testing.T) {
	eachTLS(t, func(t *testing.T, version uint16) {
		server, client := serverTLS(version), clientTLS(version)
		for cut := 1; cut < 300; cut += 7 {
			d, err := newDuplex(server, client)
			if err != nil {
				t.Fatal(err)
			}
			rest := d.toServer[min(cut, len(d.toServer)):]
			d.toServer = d.toServer[:len(d.toServer)-len(rest)]
			d.run(1 << 20)
			d.toServer = rest
			d.run(1 << 20)
			if !d.server.Ready() || !d.client.Ready() {
				t.Fatalf("cut after %d: no handshake", cut)
			}
			d.release()
		}
	})
}

// What is no handshake gets an alert and an error; what is given up leaves nothing
// behind (TestMain looks for goroutines).
func TestTLSBadHandshakes(t *testing.T) {
	for _, c := range []struct {
		name, says string
		alertBytes int
	}{
		{"plain text", "GET / HTTP/1.1\r\n\r\n", 0}, // crypto/tls says nothing to who speaks no TLS
		{"rubbish", "\x16\x03\x01\x00\x05rubbish", 7},
		{"sslv2", "\x80\x2e\x01\x03\x01" + string(make([]byte, 60)), 7},
	} {
		s := tlsServer(serverTLS(tls.VersionTLS13))
		if _, err := s.Start(nil); err != nil {
			t.Fatal(err)
		}
		plain, raw, err := s.Decode(nil, nil, []byte(c.says))
		if err == nil || len(plain) > 0 || s.Ready() {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(raw) != c.alertBytes || len(raw) > 0 && raw[0] != 21 { // a record of type alert
			t.Errorf("%s: the alert is %x", c.name, raw)
		}
		s.Release()
	}
	s := tlsServer(serverTLS(tls.VersionTLS13))
	if _, err := s.Start(nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Decode(nil, nil, []byte("\x16\x03")); err != nil {
		t.Error(err)
	}
	s.Release() // in mid-handshake
	s.Release()
}

// A record that was tampered with ends the connection with an alert.
func TestTLSTampered(t *testing.T) {
	eachTLS(t, func(t *testing.T, version uint16) {
		d, err := newDuplex(serverTLS(version), clientTLS(version))
		if err != nil {
			t.Fatal(err)
		}
		d.run(1 << 20)
		b, err := d.client.Encode(nil, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		plain, raw, err := d.server.Decode(nil, nil, b)
		if err == nil || len(plain) > 0 || len(raw) == 0 {
			t.Errorf("%q, an alert of %d bytes, %v", plain, len(raw), err)
		}
		d.release()
	})
}

// Through the engine: a service that speaks TLS, on all drivers, and peers that end
// in every way.
func TestTLSSession(t *testing.T) {
	eachTLS(t, func(t *testing.T, version uint16) {
		server := serverTLS(version)
		c := setup{
			codec:  func(*engine.Session) engine.Codec { return tlsServer(server) },
			faults: aiosim.Faults{DelayMax: 1e6, ShortSend: .3, ShortRecv: .3, SegmentBytesMin: 1, SegmentBytesMax: 200},
		}
		everywhere(t, c, func(h *harness) {
			h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(p.ID, p.Payload...)) }
			for range 3 {
				tlsConversation(h, version)
			}
			p, _ := h.connect() // and one that stays in mid-handshake
			p.write([]byte("\x16\x03\x01"))
			h.pass(holdUp(h))
		})
	})
}

func tlsConversation(h *harness, version uint16) {
	f := newLog(h, 1, 1, 64<<20)
	defer f.feed.Close()
	ended := len(h.ended)
	p, s := h.connect()
	s.Follow(f.feed, 1)
	f.append(30, 3000)
	client := tlsClient(clientTLS(version))
	defer client.Release()
	raw, err := client.Start(nil)
	if err != nil {
		h.Fatal(err)
	}
	p.write(raw)
	var got []byte
	var end error
	receive := func() {
		if len(p.got) > 0 && end == nil {
			plain, raw, err := client.Decode(nil, nil, p.got)
			p.got, end = nil, err
			got = append(got, plain...)
			p.write(raw)
		}
	}
	h.until("the handshake", func() bool { receive(); return client.Ready() })
	raw, err = client.Encode(nil, pack(idEcho, make([]byte, 20000)...))
	if err != nil {
		h.Fatal(err)
	}
	p.write(raw)
	h.until("everything", func() bool { receive(); return len(got) == 30*3000+20004 })
	p.got = got
	if r := newReader(h, p).expect(1, 1); !r.has(1, f.next()) || r.direct != 1 {
		h.Errorf("entries up to %d, %d direct packets", r.next[1], r.direct)
	}
	p.got = nil
	p.write(client.End(nil))
	h.until("the end", func() bool { receive(); return p.over() })
	p.close()
	h.until("the session's end", func() bool { return len(h.ended) == ended+1 })
	if why := h.ended[ended]; end != io.EOF || why.Code != engine.ReasonPeerClosed {
		h.Errorf("the client saw %v, the session ended with %v", end, why)
	}
}

// A client of package crypto/tls, over a plain connection, against a running
// service: coroutines on workers that are locked to their threads.
func TestTLSClient(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		config := serverTLS(tls.VersionTLS13)
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 2})
		secret := packets(newEcho)
		secret.NewCodec = func(*engine.Session) engine.Codec { return tlsServer(config) }
		at := listen(t, svc, "127.0.0.1:0", secret)
		for i := range 10 {
			c := tls.Client(dial(t, at), clientTLS(tls.VersionTLS13))
			for j := range 20 {
				roundTrip(t, c, byte(i), byte(j))
			}
			if i%2 == 0 {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// BenchmarkTLSHandshake is what a worker does for one new session (and the client's
// half of it).
func BenchmarkTLSHandshake(b *testing.B) {
	for _, resume := range []bool{false, true} {
		b.Run(fmt.Sprintf("resumed=%t", resume), func(b *testing.B) {
			server, client := serverTLS(tls.VersionTLS13), clientTLS(tls.VersionTLS13)
			if resume {
				client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			b.ReportAllocs()
			for range b.N {
				d, err := newDuplex(server, client)
				if err != nil {
					b.Fatal(err)
				}
				d.run(1 << 20)
				d.release()
			}
		})
	}
}

// BenchmarkTLSRecords codes one chat message, and decodes it at the other end.
func BenchmarkTLSRecords(b *testing.B) {
	for _, size := range []int{100, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d, err := newDuplex(serverTLS(tls.VersionTLS13), clientTLS(tls.VersionTLS13))
			if err != nil {
				b.Fatal(err)
			}
			d.run(1 << 20)
			defer d.release()
			message := make([]byte, size)
			var raw, plain []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if raw, err = d.server.Encode(raw[:0], message); err != nil {
					b.Fatal(err)
				}
				if plain, _, err = d.client.Decode(plain[:0], nil, raw); err != nil || len(plain) != size {
					b.Fatal(len(plain), err)
				}
			}
		})
	}
}

// BenchmarkTLSMemory reports what an idle connection keeps, on the server's side:
// after a handshake, and while one goes on.
func BenchmarkTLSMemory(b *testing.B) {
	for _, name := range []string{"idle", "handshake"} {
		b.Run(name, func(b *testing.B) {
			server, client := serverTLS(tls.VersionTLS13), clientTLS(tls.VersionTLS13)
			var all []*tlscodec.Codec
			before := inUse()
			const count = 500
			for range count {
				d, err := newDuplex(server, client)
				if err != nil {
					b.Fatal(err)
				}
				if name == "idle" {
					d.run(1 << 20)
				} else {
					_, _, _ = d.server.Decode(nil, nil, d.toServer[:100])
				}
				d.client.Release()
				all = append(all, d.server)
			}
			b.ReportMetric(float64(inUse()-before)/count, "B/conn")
			for _, s := range all {
				s.Release()
			}
		})
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
