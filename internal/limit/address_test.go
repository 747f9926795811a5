package limit_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sarang/internal/limit"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestAddressConnections(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 10, ConnectionsMax: 2})
	enter := func(ip string, want limit.Verdict) {
		t.Helper()
		if v, _, _ := a.Enter(addr(ip), 0); v != want {
			t.Errorf("%s: verdict %d, want %d", ip, v, want)
		}
	}
	enter("192.0.2.1", limit.Welcome)
	enter("::ffff:192.0.2.1", limit.Welcome) // the same
	enter("192.0.2.1", limit.TooMany)
	enter("192.0.2.2", limit.Welcome)
	enter("2001:db8::1", limit.Welcome)
	enter("2001:db8::2:3", limit.Welcome) // the same /64
	enter("2001:db8:0:0:ffff::", limit.TooMany)
	enter("2001:db8:0:1::1", limit.Welcome)
	enter("fe80::1%eth0", limit.Welcome)
	enter("fe80::2", limit.Welcome) // a zone says nothing of where somebody is
	enter("fe80::3", limit.TooMany)
	a.Leave(addr("192.0.2.1"))
	enter("192.0.2.1", limit.Welcome)
	enter("192.0.2.1", limit.TooMany)
}

func TestAddressConnects(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 10, Connects: limit.NewRate(10, time.Second, 2)})
	ip := addr("192.0.2.1")
	for range 2 {
		if v, _, _ := a.Enter(ip, 0); v != limit.Welcome {
			t.Fatal(v)
		}
		a.Leave(ip)
	}
	if v, wait, _ := a.Enter(ip, 0); v != limit.TooFast || wait != 100*time.Millisecond {
		t.Errorf("verdict %d, wait %v", v, wait)
	}
	if v, _, _ := a.Enter(addr("192.0.2.2"), 0); v != limit.Welcome {
		t.Errorf("another address: verdict %d", v)
	}
	if v, _, _ := a.Enter(ip, 100*time.Millisecond); v != limit.Welcome {
		t.Errorf("after the wait: verdict %d", v)
	}
}

func TestAddressLogins(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 10, Logins: limit.NewRate(60, time.Minute, 1)})
	ip := addr("192.0.2.1")
	if wait, _ := a.Login(ip, 0); wait != 0 {
		t.Errorf("the first waits %v", wait)
	}
	if wait, _ := a.Login(ip, 0); wait != time.Second {
		t.Errorf("the second waits %v, want 1s", wait)
	}
}

// A full table refuses those that it does not know; those it knows do not notice. An
// address of which nothing needs to be known gives up its place.
func TestAddressTableFull(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 3, ConnectionsMax: 9, Connects: limit.NewRate(1, time.Second, 5)})
	for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		if v, _, _ := a.Enter(addr(ip), 0); v != limit.Welcome {
			t.Fatal(v)
		}
	}
	stranger := addr("192.0.2.4")
	if v, _, _ := a.Enter(stranger, 0); v != limit.Full {
		t.Errorf("a stranger: verdict %d", v)
	}
	if v, _, _ := a.Enter(addr("192.0.2.2"), 0); v != limit.Welcome {
		t.Errorf("one who is known: verdict %d", v)
	}
	if wait, _ := a.Login(stranger, 0); wait == 0 {
		t.Error("a stranger logs in")
	}
	a.Leave(addr("192.0.2.1"))
	if v, _, _ := a.Enter(stranger, 999*time.Millisecond); v != limit.Full {
		t.Errorf("a place was given away whose rate had not recovered: verdict %d", v)
	}
	if v, _, _ := a.Enter(stranger, time.Second); v != limit.Welcome {
		t.Errorf("with a place free: verdict %d", v)
	}
	if n := a.Len(); n != 3 {
		t.Errorf("%d addresses are remembered", n)
	}
}

// The table does not grow with addresses that come and go.
func TestAddressTableForgets(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 1 << 20, Connects: limit.NewRate(10, time.Second, 5)})
	for i := range 100_000 {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		now := time.Duration(i) * time.Millisecond
		if v, _, _ := a.Enter(ip, now); v != limit.Welcome {
			t.Fatal(v)
		}
		a.Leave(ip)
	}
	if n := a.Len(); n > 400 { // 100 have not recovered, and places are looked at in turn
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestParseTrust(t *testing.T) {
	tr, err := limit.ParseTrust([]string{"127.0.0.0/8", "::1/128", "10.1.2.3", "::ffff:192.0.2.0/120", "fd00::7:0/112"})
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]bool{
		"127.9.9.9": true, "::ffff:127.0.0.1": true, "::1": true, "::2": false, "10.1.2.3": true, "10.1.2.4": false,
		"192.0.2.9": true, "192.0.3.9": false, "fd00::7:9": true, "fd00::8:9": false, "fd00::7:9%eth0": true,
	} {
		if got := tr.Contains(addr(ip)); got != want {
			t.Errorf("%s: %t", ip, got)
		}
	}
	if tr, err = limit.ParseTrust([]string{"none"}); err != nil || tr == nil || len(tr) != 0 || tr.Contains(addr("127.0.0.1")) {
		t.Errorf("none: %v, %v", tr, err)
	}
	for _, bad := range [][]string{{"somewhere"}, {"10.0.0.0/33"}, {"none", "10.0.0.0/8"}, {"fe80::1%eth0"}, {"10.0.0.0/8", ""}} {
		if _, err := limit.ParseTrust(bad); err == nil || !strings.Contains(err.Error(), "none") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
