package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/limit"
	"sarang/internal/node"
	"sarang/internal/server"
)

// A proxy of the tests is at this address of loopback; others are none.
const proxyAt = "127.0.0.2"

// eachProxied is eachLimited with a proxy at proxyAt, before all addresses.
func eachProxied(t *testing.T, change func(*server.Config), test func(t *testing.T, s *running, cert *tls.Config)) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		c.Web.Scheme = "http"
		c.Hub.Limits = hub.Limits{AddressConnectionsMax: 2, AddressesMax: 100, Trusted: limit.Trust{}, FarewellsPerSecond: 100}
		c.Proxies = limit.Trust{netip.MustParsePrefix(proxyAt + "/32")}
		c.HTTP = "127.0.0.1:0"
		change(&c)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		s := start(t, c)
		defer stop(t, s)
		test(t, s, cert.Client())
	})
}

// connectFrom connects from an address of loopback, and says something.
func connectFrom(t *testing.T, s *running, at netip.AddrPort, from, says string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", at.String())
	if err != nil {
		t.Skipf("no connection from %s here: %v", from, err)
	}
	s.clients = append(s.clients, c)
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, says); err != nil {
		t.Fatal(err)
	}
	return c
}

func headerOf(client string) string {
	family := map[bool]string{true: "TCP6", false: "TCP4"}[strings.Contains(client, ":")]
	to := map[string]string{"TCP6": "2001:db8::1", "TCP4": "192.0.2.1"}[family]
	return fmt.Sprintf("PROXY %s %s %s 40000 7777\r\n", family, client, to)
}

// upgraded asks for a WebSocket on c, and returns the answer's status: 0 if there is none.
func upgraded(t *testing.T, c net.Conn, more string) int {
	t.Helper()
	if _, err := io.WriteString(c, upgradeRequest("localhost", node.Subprotocols()[0], more)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	return answer.StatusCode
}

// The limit of an address holds for those whom the proxy names, at each listener, and not for
// the proxy.
func TestProxyProtocol(t *testing.T) {
	eachProxied(t, func(c *server.Config) { c.ProxyListen, c.ProxyWeb = true, true }, func(t *testing.T, s *running, cert *tls.Config) {
		native, over, web := s.Addrs()[0].Addr, s.Addrs()[1].Addr, s.WebAddr().Addr
		guests := 0
		name := func() string { guests++; return fmt.Sprint("guest-", guests) }
		enter := []func(client string) bool{
			func(client string) bool {
				(&script{t, name(), connectFrom(t, s, native, proxyAt, headerOf(client))}).login(nil)
				return true
			},
			func(client string) bool {
				c := tls.Client(connectFrom(t, s, over, proxyAt, headerOf(client)), cert)
				if err := c.Handshake(); err != nil {
					return false
				}
				(&script{t, name(), c}).login(nil)
				return true
			},
			func(client string) bool {
				return upgraded(t, connectFrom(t, s, web, proxyAt, headerOf(client)), "") == http.StatusSwitchingProtocols
			},
		}
		for i := range enter { // each address has two places, wherever it comes
			client := fmt.Sprintf("203.0.113.%d", i)
			if !enter[i](client) || !enter[(i+1)%3](client) || enter[max(i, 1)](client) {
				t.Errorf("%s has not two places", client)
			}
		}
		full := &script{t, "full", connectFrom(t, s, native, proxyAt, headerOf("203.0.113.0"))}
		if g := full.expectEnd(uint32(chat.CodeTooMany)); !strings.Contains(g.Message, "address") {
			t.Errorf("goodbye %v", g)
		}
		for _, six := range []string{"2001:db8::1", "2001:db8::2"} { // one network
			enter[0](six)
		}
		full = &script{t, "full", connectFrom(t, s, native, proxyAt, headerOf("2001:db8::3"))}
		full.expectEnd(uint32(chat.CodeTooMany))
		refused(t, s, "address_connections", 5)

		// Who is no proxy is not believed, and a proxy that says nothing is not let in.
		liar := &script{t, "liar", connectFrom(t, s, native, "127.0.0.1", headerOf("198.51.100.1"))}
		liar.expectEnd(uint32(chat.CodeFrame))
		if got := upgraded(t, connectFrom(t, s, web, "127.0.0.1", headerOf("198.51.100.1")), ""); got != http.StatusBadRequest {
			t.Errorf("the liar is answered %d", got)
		}
		if b, _ := io.ReadAll(connectFrom(t, s, native, proxyAt, "\x08\x00\x02\x00\x00\x00\x00\x00")); len(b) > 0 {
			t.Errorf("who says nothing is told %q", b)
		}
		if got := upgraded(t, connectFrom(t, s, web, proxyAt, ""), ""); got != 0 {
			t.Errorf("who says nothing is answered %d", got)
		}
		refused(t, s, "proxy_header", 2)
		plain := &script{t, "plain", connectFrom(t, s, native, "127.0.0.1", "")}
		plain.login(nil) // it is no proxy
	})
}

// At the web address the proxy may say it in its requests.
func TestForwardedFor(t *testing.T) {
	eachProxied(t, func(*server.Config) {}, func(t *testing.T, s *running, _ *tls.Config) {
		ask := func(from, forwarded string) int {
			return upgraded(t, connectFrom(t, s, s.WebAddr().Addr, from, ""), forwarded)
		}
		const in = http.StatusSwitchingProtocols
		for _, lists := range []string{
			"X-Forwarded-For: 203.0.113.1\r\n",
			"X-Forwarded-For: 127.0.0.1, 198.51.100.1, 203.0.113.1\r\n", // what the client has said himself
			"X-Forwarded-For: 203.0.113.2, " + proxyAt + "\r\n",         // a proxy before the proxy
			"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.2:4000\r\n",
			"X-Forwarded-For: [2001:db8::9]:1\r\n", "X-Forwarded-For: 2001:db8::8\r\n",
		} {
			if got := ask(proxyAt, lists); got != in {
				t.Errorf("%q is answered %d", lists, got)
			}
		}
		for _, client := range []string{"203.0.113.1", "203.0.113.2", "2001:db8::7"} {
			if got := ask(proxyAt, "X-Forwarded-For: "+client+"\r\n"); got != http.StatusServiceUnavailable {
				t.Errorf("a third of %s is answered %d", client, got)
			}
		}
		refused(t, s, "address_connections", 3)
		for name, want := range map[string]int{
			`websocket_upgrades_total{subprotocol="sarang.v1.protobuf"}`: 6,
			`websocket_upgrades_total{subprotocol="sarang.v1.json"}`:     0,
			`websocket_upgrades_total{subprotocol="refused"}`:            3,
			`web_requests_total{protocol="HTTP/1.1"}`:                    9,
		} {
			if got := metric(t, s, "sarang_"+name); got != want {
				t.Errorf("%s is %d, want %d", name, got, want)
			}
		}
		for _, from := range []string{proxyAt, "127.0.0.1"} { // for itself, and no proxy
			for i := range 3 {
				lists := map[string]string{proxyAt: "", "127.0.0.1": fmt.Sprintf("X-Forwarded-For: 198.51.100.%d\r\n", i)}[from]
				if got := ask(from, lists); (got == in) != (i < 2) {
					t.Errorf("connection %d of %s is answered %d", i, from, got)
				}
			}
		}
	})
}

func TestClientOf(t *testing.T) {
	proxies := limit.Trust{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, lists, want string }{
		{"192.0.2.1:5", "203.0.113.1", "192.0.2.1:5"},
		{"10.0.0.1:5", "", "10.0.0.1:5"},
		{"10.0.0.1:5", "203.0.113.1", "203.0.113.1:0"},
		{"[::ffff:10.0.0.1]:5", "203.0.113.1", "203.0.113.1:0"},
		{"10.0.0.1:5", "::ffff:203.0.113.1", "203.0.113.1:0"},
		{"10.0.0.1:5", "1.1.1.1,203.0.113.1 , 10.9.9.9", "203.0.113.1:0"},
		{"10.0.0.1:5", "1.1.1.1, unknown, 10.9.9.9", "10.9.9.9:0"},
		{"10.0.0.1:5", "10.2.2.2, 10.3.3.3", "10.2.2.2:0"},
		{"10.0.0.1:5", "203.0.113.1,", "10.0.0.1:5"},
		{"10.0.0.1:5", "fe80::1%eth0", "10.0.0.1:5"},
		{"[fd00::1]:5", "[2001:db8::1]", "[2001:db8::1]:0"},
		{"[fd00::1]:5", "[2001:db8::1", "[fd00::1]:5"},
		{"[fd00::1]:5", "1.1.1.1|2001:db8::1", "[2001:db8::1]:0"},
	} {
		got := server.ClientOf(netip.MustParseAddrPort(c.peer), strings.Split(c.lists, "|"), proxies)
		if got.String() != c.want {
			t.Errorf("of %q by %s it is %v, not %s", c.lists, c.peer, got, c.want)
		}
	}
}

// FuzzClientOf: nobody is believed but proxies, and nothing that stands left of an address that
// is none of theirs.
func FuzzClientOf(f *testing.F) {
	f.Add("10.0.0.1:1", "1.1.1.1, 10.0.0.2")
	f.Add("192.0.2.1:1", "1.1.1.1")
	f.Add("[fd00::1]:1", "[::1]:5,fe80::1%a")
	proxies := limit.Trust{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	f.Fuzz(func(t *testing.T, peer, list string) {
		from, err := netip.ParseAddrPort(peer)
		if err != nil {
			return
		}
		got := server.ClientOf(from, []string{list}, proxies)
		words := strings.Split(list, ",")
		if !proxies.Contains(from.Addr()) && got != from {
			t.Fatalf("%v is no proxy, and %q makes it %v", from, list, got)
		}
		if got == from {
			return
		}
		for _, w := range slices.Backward(words) {
			if server.ClientOf(from, []string{w}, proxies) == got {
				return
			}
			if a := server.ClientOf(from, []string{w}, proxies); !proxies.Contains(a.Addr()) {
				t.Fatalf("%q has %v before %v", list, a, got)
			}
		}
		t.Fatalf("%v is not in %q", got, list)
	})
}
