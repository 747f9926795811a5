package server_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"sarang/internal/server"
)

// browser is a client of HTTP/2 that keeps its connections.
func browser(t *testing.T, config *tls.Config) *http.Client {
	tr := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// asks gets a page, and reports whether the connection was there before.
func asks(t *testing.T, c *http.Client, url, host string) (answer *http.Response, reused bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
	}), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	answer, err = c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer, reused
}

// The page comes by HTTP/2, many requests on one connection; a WebSocket does not.
func TestHTTP2(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		c, cert := withTLS(t, c)
		c.WebHosts = []string{"chat.example.org"}
		c.HSTS = time.Hour
		s := start(t, c)
		defer stop(t, s)
		b := browser(t, cert.Client())
		url := "https://" + s.WebAddr().Addr.String()
		news := 0
		for i := range 2 * server.WebRequestsMax {
			answer, reused := asks(t, b, url+"/", "")
			if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 || answer.Header.Get("Strict-Transport-Security") != "" {
				t.Fatalf("request %d: %v %v", i, answer.Status, answer.Header)
			}
			if !reused {
				news++
			}
		}
		if news < 2 || news > 4 {
			t.Errorf("%d connections for %d requests", news, 2*server.WebRequestsMax)
		}
		for host, want := range map[string]string{
			"chat.example.org": "max-age=3600", "chat.example.org:8443": "max-age=3600", "localhost": "", "[::1]:1": "", "127.0.0.1": "",
		} {
			if answer, _ := asks(t, b, url+"/", host); answer.Header.Get("Strict-Transport-Security") != want {
				t.Errorf("%s: %v %v", host, answer.Status, answer.Header)
			}
		}
		if answer, _ := asks(t, b, url+"/ws", ""); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a WebSocket by HTTP/2 is answered %v", answer.Status)
		}
		b.CloseIdleConnections()
		x := dialWebTLS(t, s, cert.Client(), "x")
		x.login(nil)
		for s.WebLent() > 0 { // the browser's connections have given their places back
			x.barrier()
		}

		// A connection of HTTP/1.1 has one request, also one that asks for an upgrade and gets none.
		config := cert.Client()
		config.NextProtos = []string{"http/1.1"}
		for _, path := range []string{"/", "/ws", "/nowhere"} {
			conn, err := tls.Dial("tcp", s.WebAddr().Addr.String(), config)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("%s: the connection does not end: %v", path, err)
			}
			conn.Close()
		}
	})
}

// dialWebTLS is dialWeb over TLS.
func dialWebTLS(t *testing.T, s *running, config *tls.Config, name string) *script {
	t.Helper()
	config.NextProtos = []string{"http/1.1"}
	raw, err := net.Dial("tcp", s.WebAddr().Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return upgradeOn(t, s, name, tls.Client(raw, config), nil)
}
