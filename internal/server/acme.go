package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME says where certificates come from that nobody has put into files: RFC 8555.
type ACME struct {
	Hosts     []string // names that they are for; none: there are none
	Email     string   // whom the authority tells about trouble; may be empty
	Directory string   // URL of the authority; empty: Let's Encrypt
	CAFile    string   // PEM: who vouches for the authority's own address; empty: the system's
	HTTP      string   // HOST:PORT where it asks by HTTP-01, which the world sees at port 80; "" or "none": it asks by TLS-ALPN-01 only
}

// How often certificates are looked after.
const (
	acmeEvery      = time.Minute
	acmeRetryLeast = time.Minute // authorities count failures: Let's Encrypt allows 5 an hour
	acmeRetryMost  = time.Hour
)

// acmeSource gets certificates, and keeps them in the data folder. It does so on a goroutine of
// its own: a handshake holds a token while it computes, and must not wait for the world.
type acmeSource struct {
	config  ACME
	manager *autocert.Manager
	log     *slog.Logger
	now     sync.Map // by name: *tls.Certificate
	failed  atomic.Uint64
	http    *http.Server // of HTTP-01; nil: there is none
	httpAt  net.Addr
	ctx     context.Context // of all that it does
	end     context.CancelFunc
}

// until is a transport whose requests end with a context.
type until struct {
	context.Context
	http.RoundTripper
}

// RoundTrip sends a request that ends with either context.
func (u until) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(u.Context, func() { cancel(u.Err()) })
	answer, err := u.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		cancel(err)
		return nil, err
	}
	answer.Body = &endingBody{answer.Body, func() { stop(); cancel(nil) }}
	return answer, nil
}

// endingBody ends the context of an answer that was read.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close closes the body.
func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

func newACME(c ACME, dataDir, program string, log *slog.Logger) (*acmeSource, error) {
	client := &acme.Client{DirectoryURL: c.Directory, UserAgent: program, HTTPClient: &http.Client{Timeout: 30 * time.Second}}
	if client.DirectoryURL == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("acme-ca: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("acme-ca: %s has no certificate in PEM", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	a := &acmeSource{config: c, log: log}
	a.ctx, a.end = context.WithCancel(context.Background())
	client.HTTPClient.Transport = until{a.ctx, transport}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, // --acme-host says so: docs/tls.md
		Cache:  autocert.DirCache(filepath.Join(dataDir, "acme")),
		Client: client, Email: c.Email,
		HostPolicy: autocert.HostWhitelist(c.Hosts...),
	}
	return a, nil
}

// listen answers HTTP-01, and sends who asks for anything else to the web address.
func (a *acmeSource) listen(webPort uint16) error {
	answers := a.manager.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if !slices.Contains(a.config.Hosts, host) {
			http.Error(w, "there is no such name here", http.StatusForbidden)
			return
		}
		if webPort != 443 {
			host = net.JoinHostPort(host, fmt.Sprint(webPort))
		}
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	}))
	if a.config.HTTP == "" || a.config.HTTP == Nowhere {
		return nil // but the manager knows now that it is not to ask for HTTP-01
	}
	l, err := net.Listen("tcp", a.config.HTTP)
	if err != nil {
		return fmt.Errorf("acme-http on %s: %w; ports below 1024 want a right of their own (CAP_NET_BIND_SERVICE), and --acme-http none does without", a.config.HTTP, err)
	}
	a.httpAt = l.Addr()
	a.http = &http.Server{
		Handler:        withoutPort(answers),
		ReadTimeout:    operatorsReadTimeout,
		WriteTimeout:   operatorsTimeout,
		IdleTimeout:    operatorsReadTimeout,
		MaxHeaderBytes: operatorsHeaderBytes,
		ErrorLog:       slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // it is about strangers
	}
	go func() {
		if err := a.http.Serve(newBoundedListener(l, operatorsMax)); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("acme-http stopped", "error", err)
		}
	}()
	return nil
}

// withoutPort takes the port from the name that is asked for: whatever is before port 80 may
// leave another in it.
func withoutPort(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			r.Host = name
		}
		r.Host = strings.ToLower(r.Host)
		next.ServeHTTP(w, r)
	})
}

func (a *acmeSource) close() {
	if a == nil {
		return
	}
	a.end()
	if a.http != nil {
		_ = a.http.Close()
	}
}

// look gets and renews certificates until close.
func (a *acmeSource) look() {
	var all sync.WaitGroup
	for _, host := range a.config.Hosts {
		all.Go(func() { a.lookAfter(host) })
	}
	all.Wait()
}

func (a *acmeSource) lookAfter(host string) {
	retry := acmeRetryLeast
	for {
		wait := acmeEvery
		err := a.get(host)
		switch {
		case a.ctx.Err() != nil:
			return
		case err != nil:
			a.failed.Add(1)
			a.log.Error("no certificate", "host", host, "error", err, "again_in", retry)
			wait, retry = retry, min(2*retry, acmeRetryMost)
		default:
			retry = acmeRetryLeast
		}
		select {
		case <-a.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// get asks the manager, which has the certificate in memory or in the data folder, or asks the
// authority, for some minutes at most. It renews it by itself, a month before it ends.
func (a *acmeSource) get(host string) error {
	type outcome struct {
		cert *tls.Certificate
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		cert, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
			ServerName:   host, // and a key of P-256: all clients of TLS 1.2 and 1.3 know it
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		})
		done <- outcome{cert, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return o.err
		}
		if was, _ := a.now.Swap(host, o.cert); was != o.cert {
			a.log.Info("certificate", "host", host, "valid_until", o.cert.Leaf.NotAfter)
		}
		return nil
	case <-a.ctx.Done(): // its requests end with that, and it soon after
		return a.ctx.Err()
	}
}

// errNoSuchHost means that a client asks for a name that there is no certificate for.
var errNoSuchHost = errors.New("no certificate for that name, or none yet")

// choose returns the certificate for a client. It waits for nobody.
func (a *acmeSource) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return a.manager.GetCertificate(hello) // the authority asks: RFC 8737
	}
	host := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if host == "" { // asked by its address
		host = a.config.Hosts[0]
	}
	if c, ok := a.now.Load(host); ok {
		return c.(*tls.Certificate), nil
	}
	return nil, errNoSuchHost
}

// expiries calls f with the end of each certificate.
func (a *acmeSource) expiries(f func(host string, until time.Time)) {
	a.now.Range(func(host, c any) bool {
		f(host.(string), c.(*tls.Certificate).Leaf.NotAfter)
		return true
	})
}

// check checks what a person has set.
func (c *ACME) check(files bool) error {
	if len(c.Hosts) == 0 {
		if c.Email != "" || c.Directory != "" || c.CAFile != "" || c.HTTP != "" && c.HTTP != Nowhere {
			return errors.New("the settings of ACME are of use with --acme-host only")
		}
		return nil
	}
	if files {
		return errors.New("acme-host and tls-cert are two sources of certificates: give one")
	}
	for _, host := range c.Hosts {
		if host != strings.ToLower(host) || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, ":/* ") {
			return fmt.Errorf("acme-host has %q; it must be a whole name in lower case, such as chat.example.org", host)
		}
	}
	return nil
}
