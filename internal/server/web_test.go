package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
	"sarang/internal/node"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
	"sarang/websocket"
)

// withWeb adds a web address.
func withWeb(c server.Config) server.Config {
	c.Web = server.Address{Scheme: "http", Addr: netip.MustParseAddrPort("127.0.0.1:0")}
	return c
}

// webConn has the packets of a WebSocket as a stream, for scripts.
type webConn struct {
	net.Conn
	r      *bufio.Reader
	in     []byte
	closed websocket.Code // what the server's close frame says
	pings  int
}

// dialWeb is dial over a WebSocket. ahead is said right behind the request.
func dialWeb(t *testing.T, s *running, name string, ahead ...byte) *script {
	t.Helper()
	c, err := net.Dial("tcp", s.WebAddr().Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return upgradeOn(t, s, name, c, ahead)
}

// upgradeOn asks for a WebSocket on a connection.
func upgradeOn(t *testing.T, s *running, name string, c net.Conn, ahead []byte) *script {
	t.Helper()
	s.clients = append(s.clients, c)
	request := upgradeRequest(s.WebAddr().Addr.String(), node.Subprotocols()[0], "")
	if _, err := c.Write(append([]byte(request), ahead...)); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %v, %v", name, answer, err)
	}
	return &script{t, name, &webConn{Conn: c, r: r}}
}

func upgradeRequest(host, subprotocol, more string) string {
	return fmt.Sprintf("GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
		host, subprotocol, more)
}

func message(b []byte) []byte { return websocket.AppendMasked(nil, websocket.OpBinary, 0x1020304, b) }

func (c *webConn) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		_, n, err := packet.Split(rest)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%x is no packet: %v", rest, err)
		}
		if _, err := c.Conn.Write(message(rest[:n])); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func (c *webConn) Read(p []byte) (int, error) {
	for len(c.in) == 0 {
		op, payload, err := c.frame()
		switch {
		case err != nil:
			return 0, err
		case op == websocket.OpPing:
			c.pings++
			_, err = c.Conn.Write(websocket.AppendMasked(nil, websocket.OpPong, 5, payload))
		case op == websocket.OpClose:
			if c.closed, _, err = websocket.ParseClose(payload); err == nil {
				_, err = c.r.ReadByte() // the end, and nothing before it
			}
		case op == websocket.OpBinary:
			if _, n, e := packet.Split(payload); n != len(payload) || e != nil {
				return 0, fmt.Errorf("a message of the server is not one packet: %x", payload)
			}
			c.in = payload
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// frame reads a frame of the server.
func (c *webConn) frame() (websocket.Opcode, []byte, error) {
	f := websocket.Framer{PayloadBytesMax: packet.SizeMax}
	head, err := c.r.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	if head, err = c.r.Peek(2 + int(map[byte]int{126: 2, 127: 8}[head[1]&127])); err != nil {
		return 0, nil, err
	}
	h, err := f.Header(head)
	if err != nil {
		return 0, nil, err
	}
	b := make([]byte, h.Bytes+h.Payload)
	_, err = io.ReadFull(c.r, b)
	return h.Opcode, b[h.Bytes:], err
}

// A native and a WebSocket session in one room read the same log.
func TestWebSocketConversation(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, withWeb(c))
		defer stop(t, s)
		ann, ben := user(t, s, "Ann"), dialWeb(t, s, "벤")
		ben.login(nil)
		id := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.expectEvent(1, "+ Ann")
		ben.join(&pb.Join{Name: "lobby"})
		ben.expectEvent(2, "+ 벤")
		ann.expectEvent(2, "+ 벤")
		long := strings.Repeat("long ", 2000)
		ann.publish(id, 11, long)
		ann.expectOwn(11, 3, long)
		ben.expectEvent(3, "Ann: "+long)
		ben.publish(id, 21, "안녕 👋")
		ben.expectOwn(21, 4, "안녕 👋")
		ann.expectEvent(4, "벤: 안녕 👋")
		ben.barrier()

		// A message may come in fragments, with a ping between them, and is one packet.
		web := ben.conn.(*webConn)
		p, _ := packet.AppendVT(nil, pb.CPing, &pb.Ping{Value: 9})
		part := func(first byte, b []byte) []byte {
			return append([]byte{first, 0x80 | byte(len(b)), 0, 0, 0, 0}, b...)
		}
		raw := append(part(0x02, p[:3]), websocket.AppendMasked(nil, websocket.OpPing, 1, []byte("x"))...)
		raw = append(append(raw, part(0x00, nil)...), part(0x80, p[3:])...)
		if _, err := web.Conn.Write(raw); err != nil {
			t.Fatal(err)
		}
		if op, b, err := web.frame(); op != websocket.OpPong || string(b) != "x" || err != nil {
			t.Errorf("a ping between fragments is answered by %v %q, %v", op, b, err)
		}
		var pong pb.Ping
		if ben.expect(pb.SPong, &pong); pong.Value != 9 {
			t.Errorf("pong %v", &pong)
		}
		for _, b := range [][]byte{{}, {4, 0, 12}, append(append([]byte{}, p...), p...), {3, 0, 12, 0}} {
			if _, err := web.Conn.Write(message(b)); err != nil {
				t.Fatal(err)
			}
			ben.expectError(uint32(chat.CodeMalformed))
		}
		// The close handshake: the same code comes back, then the end.
		if _, err := web.Conn.Write(websocket.AppendMasked(nil, websocket.OpClose, 3, []byte{0x0f, 0xa0, 'b', 'y', 'e'})); err != nil {
			t.Fatal(err)
		}
		ben.expectEnd(0)
		if web.closed != 4000 {
			t.Errorf("closed with %d", web.closed)
		}
	})
}

// What breaks the rules is said in a packet and in the close frame.
func TestWebSocketEnds(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, withWeb(c))
		for _, e := range []struct {
			raw  []byte
			code websocket.Code
		}{
			{[]byte{0x82, 0x00}, websocket.CodeProtocol},
			{[]byte{0xc2}, websocket.CodeProtocol},
			{websocket.AppendMasked(nil, websocket.OpText, 1, []byte("hello")), websocket.CodeUnsupported},
			{websocket.AppendMasked(nil, websocket.OpText, 1, []byte("\xff")), websocket.CodeBadText},
			{websocket.AppendMasked(nil, websocket.OpContinuation, 1, nil), websocket.CodeProtocol},
			{websocket.AppendMasked(nil, websocket.OpClose, 1, []byte{3, 0xed}), websocket.CodeProtocol},
			{[]byte{0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0}, websocket.CodeTooBig},
		} {
			x := dialWeb(t, s, "x")
			web := x.conn.(*webConn)
			if _, err := web.Conn.Write(e.raw); err != nil {
				t.Fatal(err)
			}
			x.expectEnd(uint32(chat.CodeFrame))
			if web.closed != e.code {
				t.Errorf("%x: closed with %d, want %d", e.raw, web.closed, e.code)
			}
		}
		x := dialWeb(t, s, "x")
		x.login(nil)
		var ended sync.WaitGroup
		ended.Go(func() {
			if g := x.expectEnd(uint32(chat.CodeDraining)); g.RetryAfterMs == 0 {
				t.Errorf("goodbye %v", g)
			}
		})
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		ended.Wait()
		if code := x.conn.(*webConn).closed; code != websocket.CodeGoingAway {
			t.Errorf("at a drain: closed with %d", code)
		}
	})
}

// A client is asked whether it is there by a ping of WebSocket, and is ended if it is not.
func TestWebSocketHeartbeat(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.HeartbeatInterval, c.IdleTimeout = 20*time.Millisecond, 10*time.Second
		s := start(t, withWeb(c))
		defer stop(t, s)
		x := dialWeb(t, s, "x")
		x.login(nil)
		web := x.conn.(*webConn)
		for range 3 {
			if op, b, err := web.frame(); op != websocket.OpPing || len(b) > 0 || err != nil {
				t.Fatalf("%v %x, %v", op, b, err)
			}
		}
	})
}

// What a client says behind its request, without waiting for the answer, is not lost.
func TestWebSocketAhead(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, withWeb(c))
		defer stop(t, s)
		for n := range 40 {
			var ahead []byte
			for i := range n * 3 {
				p, _ := packet.AppendVT(nil, pb.CPing, &pb.Ping{Value: uint64(i)})
				ahead = append(ahead, message(p)...)
			}
			x := dialWeb(t, s, "x", ahead...)
			for i := range n * 3 {
				var pong pb.Ping
				if x.expect(pb.SPong, &pong); pong.Value != uint64(i) {
					t.Fatalf("pong %d is %v", i, &pong)
				}
			}
			x.barrier()
			x.conn.Close()
		}
	})
}

// asked is the status that a request is answered with.
func asked(t *testing.T, at netip.AddrPort, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.200q: %v", request, err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// Who may come, by which name, and how.
func TestWebDoor(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.WebHosts, c.WebOrigins = []string{"chat.example.org"}, []string{"https://app.example.org"}
		s := start(t, withWeb(c))
		defer stop(t, s)
		at := s.WebAddr().Addr
		own, sub := at.String(), node.Subprotocols()[0]
		for _, q := range []struct {
			request string
			want    int
		}{
			{"GET / HTTP/1.1\r\nHost: " + own + "\r\n\r\n", 200},
			{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
			{"GET / HTTP/1.1\r\nHost: chat.example.org\r\n\r\n", 200},
			{"GET / HTTP/1.1\r\nHost: evil.example.org\r\n\r\n", 403},
			{"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
			{"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 400},
			{"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
			{"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", 426},
			{upgradeRequest(own, "mqtt", ""), 400},
			{upgradeRequest(own, sub, ""), 101},
			{upgradeRequest(own, "mqtt, "+sub, ""), 101},
			{upgradeRequest("evil.example.org", sub, ""), 403},
			{upgradeRequest(own, sub, "Origin: http://"+own+"\r\n"), 101},
			{upgradeRequest(own, sub, "Origin: https://APP.example.org\r\n"), 101},
			{upgradeRequest(own, sub, "Origin: https://app.example.org:8443\r\n"), 403},
			{upgradeRequest(own, sub, "Origin: http://evil.example.org\r\n"), 403},
			{upgradeRequest(own, sub, "Origin: null\r\n"), 403},
			{upgradeRequest(own, sub, "Origin: http://localhost\r\n"), 403},
			{upgradeRequest("localhost", sub, "Origin: http://localhost\r\n"), 101},
			{upgradeRequest(own, sub, "Origin: http://"+own+"\r\nOrigin: http://evil.example.org\r\n"), 403},
			{upgradeRequest("chat.example.org", sub, "Origin: http://chat.example.org\r\n"), 101},
		} {
			if got := asked(t, at, q.request); got != q.want {
				t.Errorf("%.300q is answered %d, want %d", q.request, got, q.want)
			}
		}
	})
}

// Strangers who say nothing hold no more than their places, for no longer than the time to
// ask; the sessions beside them do not notice, and those who come when all places are taken
// are told so.
func TestWebDoorIsBounded(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.SetWebConnectionsMax(8)
		s := start(t, withWeb(c))
		defer stop(t, s)
		x := dialWeb(t, s, "x")
		x.login(nil)
		for range 8 {
			quiet, err := net.Dial("tcp", s.WebAddr().Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer quiet.Close()
		}
		for s.WebLent() < 8 {
			x.barrier()
		}
		if got := asked(t, s.WebAddr().Addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != http.StatusServiceUnavailable {
			t.Errorf("the ninth is answered %d", got)
		}
		x.barrier()
	})
}

// One address that is not trusted has an eighth of the places, and others have theirs.
func TestWebShare(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c.SetWebConnectionsMax(16)
		c.Hub.Limits.Trusted = limit.Trust{netip.MustParsePrefix("127.0.0.2/32")}
		s := start(t, withWeb(c))
		defer stop(t, s)
		for range 2 {
			quiet, err := net.Dial("tcp", s.WebAddr().Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer quiet.Close()
		}
		for s.WebLent() < 2 {
			runtime.Gosched()
		}
		if got := asked(t, s.WebAddr().Addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != http.StatusServiceUnavailable {
			t.Errorf("the third is answered %d", got)
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		other, err := d.Dial("tcp", s.WebAddr().Addr.String())
		if err != nil {
			t.Log("there is no second address here: ", err) // macOS has to be given one
			return
		}
		defer other.Close()
		for s.WebLent() < 3 {
			runtime.Gosched()
		}
	})
}

// A session of JSON reads the same room as a native one.
func TestWebSocketJSON(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, withWeb(c))
		defer stop(t, s)
		ann := user(t, s, "Ann")
		id := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.expectEvent(1, "+ Ann")
		conn, err := net.Dial("tcp", s.WebAddr().Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		s.clients = append(s.clients, conn)
		say := func(text string) []byte { return websocket.AppendMasked(nil, websocket.OpText, 3, []byte(text)) }
		request := []byte(upgradeRequest(s.WebAddr().Addr.String(), "sarang.v1.json", ""))
		if _, err := conn.Write(append(request, say(`{"C_LOGIN":{"versionMin":1,"versionMax":1,"name":"벤"}}`)...)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		ben := &webConn{Conn: conn, r: bufio.NewReader(conn)}
		if answer, err := http.ReadResponse(ben.r, nil); err != nil || answer.Header.Get("Sec-Websocket-Protocol") != "sarang.v1.json" {
			t.Fatalf("%v, %v", answer, err)
		}
		expect := func(parts ...string) {
			t.Helper()
			op, text, err := ben.frame()
			if op != websocket.OpText || err != nil {
				t.Fatalf("%v %q, %v", op, text, err)
			}
			for _, p := range parts {
				if !strings.Contains(string(text), p) {
					t.Errorf("%s has no %s", text, p)
				}
			}
		}
		expect(`{"S_LOGIN":{`, `"name":"벤"`)
		if _, err := conn.Write(say(`{"C_JOIN":{"request":5,"name":"lobby"}}`)); err != nil {
			t.Fatal(err)
		}
		expect(`{"S_JOIN":{"request":5,"room":{"id":"1","name":"lobby",`)
		expect(`{"S_CHAT":{"room":"1","seq":"2","kind":"EVENT_KIND_JOIN"`)
		ann.expectEvent(2, "+ 벤")
		ann.publish(id, 11, "안녕 \"벤\"")
		ann.expectOwn(11, 3, "안녕 \"벤\"")
		expect(`"seq":"3","kind":"EVENT_KIND_MESSAGE"`, `"text":"안녕 \"벤\""`)
	})
}

// An address of the network is asked by any name, or by those that are listed; by who comes
// from this machine, where any page may lead a browser to it, only by listed ones.
func TestWebNames(t *testing.T) {
	for _, listed := range []bool{false, true} {
		c := server.Default()
		c.HTTP, c.DataDir = server.Nowhere, t.TempDir()
		c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
		c.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
		c.Web = server.Address{Scheme: "http", Addr: netip.MustParseAddrPort("0.0.0.0:0")}
		if listed {
			c.WebHosts = []string{"Chat.example.org"}
		}
		s := start(t, c)
		for _, ip := range addresses(t) {
			at := netip.AddrPortFrom(ip, s.WebAddr().Addr.Port())
			any := !listed && !ip.IsLoopback()
			for host, known := range map[string]bool{
				"chat.example.org": listed || any, "CHAT.example.org:80": listed || any, "192.0.2.7:7780": true,
				"localhost": true, "evil.example.org": any,
			} {
				want := map[bool]int{true: 200, false: 403}[known]
				if got := asked(t, at, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); got != want {
					t.Errorf("names are listed: %v; %s is answered %d at %v, want %d", listed, host, got, ip, want)
				}
			}
		}
		stop(t, s)
	}
}

// addresses are 127.0.0.1 and, where this machine has one, an IPv4 address of a network.
func addresses(t *testing.T) []netip.Addr {
	t.Helper()
	all := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	found, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return append(all, p.Addr())
		}
	}
	return all
}
