//go:build unix

package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarang/engine/tlscodec/tlstest"
	"sarang/tests/internal/proc"
)

const (
	patience = 60 * time.Second
	host     = "chat.sarang.test"
)

// tools builds Pebble, and the server that answers its questions about names.
func tools(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real server and a real authority")
	}
	root, err := proc.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const of = "github.com/letsencrypt/pebble/v2/cmd/"
	c := exec.Command("go", "build", "-modfile=tools/go.mod", "-o", dir+"/", of+"pebble", of+"pebble-challtestsrv")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("Pebble is not to be had here: %v\n%s", err, out)
	}
	return dir
}

// run starts a program until the end of the test.
func run(t *testing.T, program string, args ...string) (stop func()) {
	t.Helper()
	log, err := os.Create(program + ".log")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = log, log
	c.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = c.Process.Kill()
			_ = c.Wait()
			_ = log.Close()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s says:\n%s", filepath.Base(program), b)
		}
	})
	return stop
}

// authority is Pebble at work.
type authority struct {
	directory string // URL
	ca        string // file: who vouches for it
	roots     *x509.CertPool
	stop      func()
}

// startAuthority has it ask at these addresses of 127.0.0.1, whatever the name.
func startAuthority(t *testing.T, bin, tlsAt, httpAt string) authority {
	t.Helper()
	dir := t.TempDir()
	cert := tlstest.Write(t, dir, 1)
	dns, at, control := proc.FreeAddr(), proc.FreeAddr(), proc.FreeAddr()
	number := func(addr string) json.Number { return json.Number(addr[strings.LastIndexByte(addr, ':')+1:]) }
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at, "managementListenAddress": control, "certificate": cert.CertFile, "privateKey": cert.KeyFile,
		"httpPort": number(httpAt), "tlsPort": number(tlsAt), "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, filepath.Join(bin, "pebble-challtestsrv"), "-dnsserver", dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", proc.FreeAddr())
	a := authority{directory: "https://" + at + "/dir", ca: cert.CertFile, roots: x509.NewCertPool()}
	a.stop = run(t, filepath.Join(bin, "pebble"), "-config", path, "-dnsserver", dns)
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cert.Pool}, DisableKeepAlives: true}, Timeout: patience}
	for end := time.Now().Add(patience); ; {
		answer, err := c.Get("https://" + control + "/roots/0")
		if err == nil {
			text, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || !a.roots.AppendCertsFromPEM(text) {
				t.Fatalf("the authority's root is %q, %v", text, err)
			}
			return a
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // sleep: polling until a program of others listens
	}
}

// dial shakes hands with the server, by a name.
func dial(addr, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: name})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func TestCertificates(t *testing.T) {
	bin := tools(t)
	server, err := proc.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"TLS-ALPN-01", "HTTP-01"} {
		t.Run(by, func(t *testing.T) {
			web, native, http01 := proc.FreeAddr(), proc.FreeAddr(), proc.FreeAddr()
			asks := web
			if by == "HTTP-01" {
				asks = proc.FreeAddr() // nobody is there
			}
			a := startAuthority(t, bin, asks, http01)
			c := proc.Config{
				Binary: server, Data: filepath.Join(t.TempDir(), "data"), Web: "https://" + web, HTTP: "none",
				Args: []string{
					"--listen", "tls://" + native, "--acme-host", host, "--acme-directory", a.directory,
					"--acme-ca", a.ca, "--acme-email", "operator@sarang.test", "--acme-http", http01,
				},
			}
			start := func() (*proc.Server, *x509.Certificate) {
				s, err := proc.Start(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					s.Kill()
					if t.Failed() {
						t.Log(s.Log())
					}
				})
				for end := time.Now().Add(patience); ; {
					cert, err := dial(web, host, a.roots)
					if err == nil {
						return s, cert
					}
					if time.Now().After(end) {
						t.Fatalf("there is no certificate: %v", err)
					}
					time.Sleep(20 * time.Millisecond) // sleep: polling until the authority has given one
				}
			}
			s, cert := start()
			if again, err := dial(native, host, a.roots); err != nil || !again.Equal(cert) {
				t.Errorf("the native address has another certificate: %v", err)
			}
			if _, err := dial(web, "evil.sarang.test", a.roots); err == nil {
				t.Error("there is a certificate for another name")
			}
			files, err := filepath.Glob(filepath.Join(c.Data, "acme", "*"))
			if err != nil || len(files) < 2 {
				t.Errorf("kept are %q, %v", files, err)
			}
			for _, path := range files {
				if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
					t.Errorf("%s has the mode %v, %v", path, i.Mode(), err)
				}
			}
			redirects(t, http01, web)
			if err := s.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			a.stop() // a restart does not ask again
			_, again := start()
			if !again.Equal(cert) {
				t.Error("after a restart there is another certificate")
			}
		})
	}
}

// redirects checks what others are told at the address of HTTP-01.
func redirects(t *testing.T, at, web string) {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: patience}
	defer c.CloseIdleConnections()
	for name, want := range map[string]string{
		host: fmt.Sprintf("https://%s:%s/x?y", host, web[strings.LastIndexByte(web, ':')+1:]), "evil.sarang.test": "",
	} {
		r, err := http.NewRequest(http.MethodGet, "http://"+at+"/x?y", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.Header.Get("Location") != want {
			t.Errorf("%s is sent to %q (%v)", name, answer.Header.Get("Location"), answer.Status)
		}
	}
}
