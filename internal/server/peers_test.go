package server_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/engine/tlscodec"
	"sarang/engine/tlscodec/tlstest"
	"sarang/internal/node"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// program is another's client of TLS, or the test is skipped.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed here", name)
	}
	return path
}

// piped is a program that carries bytes between its pipes and a connection.
type piped struct {
	net.Conn // nil: of a connection it has only what a script wants
	in       io.WriteCloser
	out      *os.File
	says     *bufio.Reader // what it says itself
}

func (p *piped) Read(b []byte) (int, error)        { return p.out.Read(b) }
func (p *piped) Write(b []byte) (int, error)       { return p.in.Write(b) }
func (p *piped) SetReadDeadline(t time.Time) error { return p.out.SetReadDeadline(t) }
func (p *piped) Close() error                      { return p.in.Close() }

func pipe(t *testing.T, name string, args ...string) *piped {
	t.Helper()
	cmd := exec.Command(program(t, name), args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	says, toSays := io.Pipe()
	cmd.Stdout, cmd.Stderr = toOut, toSays
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toOut.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); toSays.Close() }()
	t.Cleanup(func() {
		in.Close()
		go func() { _, _ = io.Copy(io.Discard, says) }()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Errorf("%s does not end", name)
			_ = cmd.Process.Kill()
			<-ended
		}
		out.Close()
	})
	return &piped{in: in, out: out, says: bufio.NewReader(says)}
}

// OpenSSL talks to us with each cipher suite, changes its keys, and has us change ours.
func TestOpenSSL(t *testing.T) {
	program(t, "openssl")
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		c.HTTP = "127.0.0.1:0"
		s := start(t, c)
		defer stop(t, s)
		for _, suite := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", ""} {
			version, name := "-tls1_3", "S"+suite
			args := []string{
				"s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-CAfile", cert.CertFile,
				"-servername", tlstest.Host, "-connect", s.Addrs()[1].Addr.String(),
			}
			if suite == "" {
				version = "-tls1_2"
			} else {
				args = append(args, "-ciphersuites", suite)
			}
			p := pipe(t, "openssl", append(args, version)...)
			x := &script{t, name, p}
			x.login(nil)
			x.join(&pb.Join{Name: "lobby"})
			for i := range 6 {
				x.say(pb.CPing, &pb.Ping{Value: uint64(i)})
				var pong pb.Ping
				for { // events of who came before us
					id, payload, err := x.read()
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if id == pb.SPong {
						if err := pong.UnmarshalVT(payload); err != nil || pong.Value != uint64(i) {
							t.Fatalf("%s: pong %d is %v, %v", name, i, &pong, err)
						}
						break
					}
				}
				if suite == "" {
					continue
				}
				// k: its keys, K: ours as well.
				if _, err := p.in.Write([]byte("kK"[i%2:i%2+1] + "\n")); err != nil {
					t.Fatal(err)
				}
				for {
					line, err := p.says.ReadString('\n')
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if strings.Contains(line, "KEYUPDATE") {
						break
					}
				}
			}
			p.Close() // it says close_notify
			if _, err := io.Copy(io.Discard, p.out); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Ours follow before the next data: not the last time.
		_, text := get(t, s, "/metrics")
		for _, want := range []string{
			`sarang_tls_sessions_total{records="own"} 3`, `sarang_tls_sessions_total{records="crypto"} 1`,
			`sarang_tls_key_updates_total{direction="received"} 18`, `sarang_tls_key_updates_total{direction="sent"} 6`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("there is no %s in %.900s", want, text[max(strings.Index(text, "sarang_tls"), 0):])
			}
		}
	})
}

// curl gets the page.
func TestCurl(t *testing.T) {
	program(t, "curl")
	c := server.Default()
	c.Listen, c.HTTP, c.DataDir = nil, "none", t.TempDir()
	c, cert := withTLS(t, c)
	s := start(t, c)
	defer stop(t, s)
	at := s.WebAddr().Addr
	for _, version := range []string{"--tlsv1.3", "--tls-max=1.2"} {
		args := []string{"-sS", "--cacert", cert.CertFile, "--resolve", fmt.Sprintf("%s:%d:%s", tlstest.Host, at.Port(), at.Addr())}
		switch version {
		case "--tlsv1.3":
			args = append(args, version)
		default:
			args = append(args, "--tls-max", "1.2")
		}
		out, err := exec.Command("curl", append(args, fmt.Sprintf("https://%s:%d/", tlstest.Host, at.Port()))...).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("Sarang")) {
			t.Errorf("%s: %v: %s", version, err, out)
		}
	}
}

// nodeClient logs in over native packets on TLS, sends what it is told, and prints what comes, in hex.
const nodeClient = `
const tls = require('tls'), fs = require('fs');
const [port, ca, host, hello, version] = process.argv.slice(2);
const c = tls.connect({port, host: '127.0.0.1', servername: host, ca: fs.readFileSync(ca), minVersion: version, maxVersion: version, ALPNProtocols: ['sarang.v1']}, () => {
  for (const b of Buffer.from(hello, 'hex')) c.write(Buffer.from([b]));
});
let got = 0;
c.on('data', b => { process.stdout.write(b.toString('hex')); if ((got += b.length) >= 4) c.end(); });
c.on('end', () => process.stdout.write(' end'));
c.on('error', e => { process.stdout.write(' ' + e.message); process.exit(1); });
`

// Node talks to us, a byte in each record.
func TestNode(t *testing.T) {
	program(t, "node")
	c := server.Default()
	c.Listen, c.HTTP, c.DataDir = nil, "none", t.TempDir()
	c, cert := withTLS(t, c)
	s := start(t, c)
	defer stop(t, s)
	file := filepath.Join(t.TempDir(), "client.js")
	if err := os.WriteFile(file, []byte(nodeClient), 0o600); err != nil {
		t.Fatal(err)
	}
	ping, err := packet.AppendVT(nil, pb.CPing, &pb.Ping{Value: 300})
	if err != nil {
		t.Fatal(err)
	}
	pong, err := packet.AppendVT(nil, pb.SPong, &pb.Ping{Value: 300})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"TLSv1.2", "TLSv1.3"} {
		out, err := exec.Command("node", file, fmt.Sprint(s.Addrs()[0].Addr.Port()), cert.CertFile, tlstest.Host, hex.EncodeToString(ping), version).CombinedOutput()
		if want := hex.EncodeToString(pong) + " end"; err != nil || string(out) != want {
			t.Errorf("%s: %v: %q, not %q", version, err, out, want)
		}
	}
}

// nodeSocket pings over a WebSocket, and prints what comes, in hex.
const nodeSocket = `
const [url, subprotocol, ping] = process.argv.slice(2);
const s = new WebSocket(url, subprotocol);
s.binaryType = 'arraybuffer';
s.onopen = () => s.send(Buffer.from(ping, 'hex'));
s.onmessage = e => { process.stdout.write(Buffer.from(e.data).toString('hex')); s.close(1000); };
s.onclose = e => process.stdout.write(' ' + e.code);
s.onerror = e => { process.stdout.write(' ' + (e.error || e.message)); process.exit(1); };
`

// The WebSocket of Node, which is that of browsers, talks to us over TLS.
func TestNodeWebSocket(t *testing.T) {
	if err := exec.Command(program(t, "node"), "--experimental-websocket", "-e", "WebSocket").Run(); err != nil {
		t.Skip("this Node has no WebSocket")
	}
	c := server.Default()
	c.Listen, c.HTTP, c.DataDir = nil, "127.0.0.1:0", t.TempDir()
	c, cert := withTLS(t, c)
	s := start(t, c)
	defer stop(t, s)
	file := filepath.Join(t.TempDir(), "client.js")
	if err := os.WriteFile(file, []byte(nodeSocket), 0o600); err != nil {
		t.Fatal(err)
	}
	ping, err := packet.AppendVT(nil, pb.CPing, &pb.Ping{Value: 300})
	if err != nil {
		t.Fatal(err)
	}
	pong, err := packet.AppendVT(nil, pb.SPong, &pb.Ping{Value: 300})
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("wss://localhost:%d/ws", s.WebAddr().Addr.Port())
	cmd := exec.Command("node", "--no-warnings", "--experimental-websocket", file, url, node.Subprotocols()[0], hex.EncodeToString(ping))
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+cert.CertFile)
	out, err := cmd.CombinedOutput()
	if want := hex.EncodeToString(pong) + " 1000"; err != nil || string(out) != want {
		t.Errorf("%v: %q, not %q", err, out, want)
	}
	if _, text := get(t, s, "/metrics"); !strings.Contains(text, `sarang_tls_sessions_total{records="own"} 1`) {
		t.Error("the records are not made by us")
	}
}

// Whoever makes the records, the conversation is the same.
func TestTLSRecordsSwitch(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		c.HTTP, c.TLSRecords = "127.0.0.1:0", tlscodec.CryptoRecords
		s := start(t, c)
		defer stop(t, s)
		conn, g := dialTLS(t, s, s.Addrs()[1].Addr, cert.Client())
		g.hold = false
		x := &script{t, "x", conn}
		x.login(nil)
		x.barrier()
		if _, text := get(t, s, "/metrics"); !strings.Contains(text, `sarang_tls_sessions_total{records="crypto"} 1`) ||
			!strings.Contains(text, `sarang_tls_sessions_total{records="own"} 0`) {
			t.Errorf("the records of %s are not made by crypto/tls", node.TLS)
		}
	})
	c := server.Default()
	c.TLSRecords = "mine"
	if err := c.Validate(); err == nil {
		t.Error("records made by nobody are taken")
	}
}
