//go:build unix

package proxies

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/engine/tlscodec/tlstest"
	"sarang/tests/internal/proc"
)

// patience is for anything on a busy machine.
const patience = 30 * time.Second

// perAddress is how many connections an address may have in these tests: two that talk, and a
// check of the proxy's, which comes from there as well.
const perAddress = 3

// buildDir is where the server that is tested lies.
var buildDir string

var binary = sync.OnceValues(func() (string, error) { return proc.Build(context.Background(), buildDir) })

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "sarang-proxies-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(buildDir)
	return m.Run()
}

// rig is a server, and where its proxy listens.
type rig struct {
	t           *testing.T
	server      *proc.Server
	cert        tlstest.Certificate
	dir         string // of the proxy
	web, native string // HOST:PORT of the proxy; native is empty if it has none
}

func newRig(t *testing.T, program string, args ...string) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real server")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed; scripts/proxies.sh installs it on Debian", program)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // a proxy may have a user of its own
		t.Fatal(err)
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, cert: tlstest.Write(t, dir, 1), web: proc.FreeAddr()}
	r.server, err = proc.Start(t.Context(), proc.Config{
		Binary: bin, Data: filepath.Join(dir, "data"), Web: "http://" + proc.FreeAddr(), HTTP: "none",
		Args: append([]string{"--proxies", "127.0.0.1", "--trusted", "none", "--address-connections-max", fmt.Sprint(perAddress)}, args...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(r.server.Log())
		}
	})
	return r
}

// config is a file of docs/proxies, with addresses and files of this test; each of the pairs must
// be in it.
func (r *rig) config(name string, pairs ...string) string {
	r.t.Helper()
	root, err := proc.Root()
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "proxies", name))
	if err != nil {
		r.t.Fatal(err)
	}
	s := string(text)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			r.t.Fatalf("docs/proxies/%s has no %q", name, pairs[i])
		}
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// run starts the proxy, and returns when it listens.
func (r *rig) run(program string, args ...string) {
	r.t.Helper()
	log, err := os.Create(filepath.Join(r.dir, "proxy.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr, c.Dir = log, log, r.dir
	c.Env = append(os.Environ(), "HOME="+r.dir, "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	said := func() string { b, _ := os.ReadFile(log.Name()); return string(b) }
	r.t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = c.Process.Kill()
			<-ended
		}
		_ = log.Close()
		if r.t.Failed() {
			r.t.Logf("%s says:\n%s", program, said())
		}
	})
	for end := time.Now().Add(patience); ; {
		if x, err := net.Dial("tcp", r.web); err == nil {
			_ = x.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			r.t.Fatalf("%s has ended: %v; it says:\n%s", program, err, said())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s does not listen; it says:\n%s", program, said())
		}
	}
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func (r *rig) within() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// dial connects from an address of loopback to the proxy, over TLS.
func (r *rig) dial(from, to, protocol string) *tls.Conn {
	r.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	raw, err := d.DialContext(r.within(), "tcp", to)
	if err != nil {
		r.t.Skipf("no connection from %s here: %v", from, err)
	}
	r.t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, &tls.Config{RootCAs: r.cert.Pool, ServerName: "localhost", NextProtos: []string{protocol}})
	if err := c.Handshake(); err != nil {
		r.t.Fatalf("from %s to %s: %v", from, to, err)
	}
	return c
}

// upgrade asks for a WebSocket from an address, and returns the answer's status.
func (r *rig) upgrade(from, more string) int {
	r.t.Helper()
	c := r.dial(from, r.web, "http/1.1")
	if _, err := io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: localhost:"+port(r.web)+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sarang.v1.json\r\n"+
		"Origin: https://localhost:"+port(r.web)+"\r\n"+more+"\r\n"); err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.t.Fatalf("from %s: %v", from, err)
	}
	return answer.StatusCode
}

// greeted says something as a native client, and reports whether it is answered otherwise than
// by the end.
func (r *rig) greeted(from string) bool {
	r.t.Helper()
	c := r.dial(from, r.native, "sarang.v1")
	if _, err := c.Write([]byte{4, 0, 22, 0}); err != nil { // C_LIST, without a login: S_ERROR
		return false
	}
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return false
	}
	return head[2] == 9 // S_ERROR, not S_GOODBYE
}

// talk has two people talk through the proxy, one by each road if there are two.
func (r *rig) talk() {
	r.t.Helper()
	join := func(name, addr string) (*client.Client, chat.RoomID) {
		x, err := client.Dial(r.within(), client.Config{
			Addr: addr, Name: name, TLS: &tls.Config{RootCAs: r.cert.Pool}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			r.t.Fatalf("%s to %s: %v", name, addr, err)
		}
		j, err := x.Join(r.within(), client.Join{Name: "lobby", Create: true})
		if err != nil {
			r.t.Fatal(err)
		}
		return x, j.Room.ID
	}
	byWeb := "wss://localhost:" + port(r.web) + "/ws"
	other := byWeb
	if r.native != "" {
		other = "tls://localhost:" + port(r.native)
	}
	ann, room := join("ann", byWeb)
	ben, _ := join("ben", other)
	for i := range 10 {
		from, text := []*client.Client{ann, ben}[i%2], strings.Repeat(fmt.Sprint("message ", i), 1+100*i)
		if _, err := from.Publish(r.within(), room, text); err != nil {
			r.t.Fatal(err)
		}
		for _, x := range []*client.Client{ann, ben} {
			for got := ""; got != text; {
				select {
				case e := <-x.Events():
					if e, ok := e.(client.RoomEvent); ok && e.Kind == chat.EventMessage {
						got = e.Text
					}
				case <-r.within().Done():
					r.t.Fatalf("message %d does not come", i)
				}
			}
		}
	}
	if err := errors.Join(ann.Close(), ben.Close()); err != nil {
		r.t.Error(err)
	}
}

// limited checks that the limit of an address holds for those before the proxy, one by one, and
// that nobody can say that he is another.
func (r *rig) limited() {
	r.t.Helper()
	for i := range perAddress + 1 {
		spoof := fmt.Sprintf("X-Forwarded-For: 198.51.100.%d\r\nForwarded: for=198.51.100.%d\r\n", i, i)
		if got := r.upgrade("127.0.0.3", spoof); (got == http.StatusSwitchingProtocols) != (i < perAddress) {
			r.t.Errorf("connection %d of an address is answered %d", i, got)
		}
	}
	if got := r.upgrade("127.0.0.4", ""); got != http.StatusSwitchingProtocols {
		r.t.Errorf("another address is answered %d", got)
	}
	if r.native == "" {
		return
	}
	if r.greeted("127.0.0.3") {
		r.t.Error("an address that has all its connections gets another by the native road")
	}
	if !r.greeted("127.0.0.5") {
		r.t.Error("another address is not answered by the native road")
	}
}

func TestNginx(t *testing.T) {
	if _, err := os.Stat("/etc/nginx/modules-enabled/50-mod-stream.conf"); err != nil {
		t.Skip("nginx with its stream module is not installed; scripts/proxies.sh installs it on Debian")
	}
	r := newRig(t, "nginx", "--proxy-protocol", "listen")
	r.native = proc.FreeAddr()
	path := r.config("nginx.conf",
		"listen 443 ssl", "listen "+r.web+" ssl", "listen 7778 ssl", "listen "+r.native+" ssl",
		"127.0.0.1:7780", strings.TrimPrefix(r.server.Config().Web, "http://"), "127.0.0.1:7777", r.server.Addr(),
		"/etc/ssl/chat.example.org.pem", r.cert.CertFile, "/etc/ssl/chat.example.org.key", r.cert.KeyFile,
	)
	r.run("nginx", "-c", path, "-e", "stderr", "-g", "daemon off; pid "+filepath.Join(r.dir, "nginx.pid")+"; error_log stderr;")
	r.talk()
	r.limited()
}

func TestHAProxy(t *testing.T) {
	r := newRig(t, "haproxy", "--proxy-protocol", "listen")
	r.native = proc.FreeAddr()
	key, err := os.ReadFile(r.cert.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(r.dir, "both.pem")
	if err := os.WriteFile(both, append(r.cert.PEM, key...), 0o600); err != nil {
		t.Fatal(err)
	}
	path := r.config("haproxy.cfg",
		"bind :443", "bind "+r.web, "bind :7778", "bind "+r.native,
		"127.0.0.1:7780", strings.TrimPrefix(r.server.Config().Web, "http://"), "127.0.0.1:7777", r.server.Addr(),
		"/etc/ssl/chat.example.org.both.pem", both,
	)
	r.run("haproxy", "-db", "-f", path)
	r.talk()
	r.limited()
}

func TestCaddy(t *testing.T) {
	r := newRig(t, "caddy")
	path := r.config("Caddyfile",
		"chat.example.org {", fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\n\nhttps://localhost:%s {\n\tbind 127.0.0.1\n\ttls %s %s", port(r.web), r.cert.CertFile, r.cert.KeyFile),
		"127.0.0.1:7780", strings.TrimPrefix(r.server.Config().Web, "http://"),
	)
	r.run("caddy", "run", "--adapter", "caddyfile", "--config", path)
	r.talk()
	r.limited()
}
