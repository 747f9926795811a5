// Command storm measures what a storm of TLS handshakes does to a room that talks: the latency of
// its messages without the storm, and with it, for a certificate of P-256 and one of RSA. The
// figures mean something where nothing else runs, and where the storm has processors of its own
// (taskset); it says how many there are.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sarang/internal/swarm"
	"sarang/tests/internal/proc"
)

// options are the flags.
type options struct {
	storm    int // clients that shake hands, again and again
	clients  int // of the room
	rate     float64
	duration time.Duration // of each of the four runs
	workers  int
	io       string
	binary   string
	wrap     []string // before the server's command
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{}
	c := &cobra.Command{
		Use: "storm", Short: "Measure a busy room while many clients shake hands", Args: cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), o, c.OutOrStdout()) },
	}
	f := c.Flags()
	f.IntVar(&o.storm, "storm", 1000, "clients that shake hands at once, again and again")
	f.IntVar(&o.clients, "clients", 200, "clients of the room, which speak the native protocol without TLS")
	f.Float64Var(&o.rate, "rate", 200, "messages per second")
	f.DurationVar(&o.duration, "duration", 20*time.Second, "time of each run")
	f.IntVar(&o.workers, "workers", 1, "the server's threads that serve sessions")
	f.StringVar(&o.io, "io", "", "the server's driver")
	f.StringVar(&o.binary, "binary", "", "a server that is built already")
	f.StringSliceVar(&o.wrap, "wrap", nil, "a command to run the server under, such as taskset,-c,0-1")
	if err := c.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "storm: %v\n", err)
		os.Exit(1)
	}
}

// run measures both kinds of certificates.
func run(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "sarang-storm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		if o.binary, err = proc.Build(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d processors; %d clients of one room, %g messages/s, %v each; %d clients shake hands\n",
		runtime.NumCPU(), o.clients, o.rate, o.duration, o.storm)
	fmt.Fprintf(out, "%-6s %-8s %10s %10s %10s %14s\n", "key", "storm", "p50 ms", "p99 ms", "p99.9 ms", "handshakes/s")
	for _, kind := range []string{"P-256", "RSA"} {
		if err := measure(ctx, o, kind, filepath.Join(dir, kind), out); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// measure runs a server with one kind of certificate, without the storm and with it.
func measure(ctx context.Context, o options, kind, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cert, key, pool, err := certificate(kind, dir)
	if err != nil {
		return err
	}
	shaking := proc.FreeAddr()
	s, err := proc.Start(ctx, proc.Config{
		Binary: o.binary, Data: filepath.Join(dir, "data"), IO: o.io, Workers: o.workers, HTTP: "none", Wrap: o.wrap,
		Args: []string{"--listen", "tls://" + shaking, "--tls-cert", cert, "--tls-key", key, "--log-level", "warn", "--sync", "process-safe"},
	})
	if err != nil {
		return err
	}
	defer s.Kill()
	for _, storm := range []int{0, o.storm} {
		round, end := context.WithCancel(ctx)
		began := time.Now()
		stormed := begin(round, storm, shaking, pool)
		report, err := swarm.Run(ctx, swarm.Config{
			Addr: s.Addr(), Clients: o.clients, Publishers: min(o.clients, 20), Rate: o.rate, Duration: o.duration,
			RoomPrefix: fmt.Sprintf("storm%d", storm),
		})
		end()
		handshakes := stormed()
		switch {
		case err != nil:
			return err
		case !report.OK():
			return fmt.Errorf("the room has not kept its promises: %+v", report)
		case storm > 0 && handshakes == 0:
			return errors.New("nobody has shaken hands")
		}
		l := report.Latency
		fmt.Fprintf(out, "%-6s %-8d %10.2f %10.2f %10.2f %14.0f\n", kind, storm, l.P50, l.P99, l.P999, float64(handshakes)/time.Since(began).Seconds())
	}
	return s.Stop(ctx)
}

// begin has so many clients shake hands until ctx ends; the result waits for that, and says how
// often they have.
func begin(ctx context.Context, clients int, addr string, pool *x509.CertPool) (end func() int64) {
	var done atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			d := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"sarang.v1"}}}
			for ctx.Err() == nil {
				c, err := d.DialContext(ctx, "tcp", addr)
				if err != nil { // it was shed
					select {
					case <-ctx.Done():
					case <-time.After(50 * time.Millisecond):
					}
					continue
				}
				done.Add(1)
				_ = c.Close()
			}
		})
	}
	return func() int64 { all.Wait(); return done.Load() }
}

// certificate makes one of a kind, in files.
func certificate(kind, dir string) (cert, key string, pool *x509.CertPool, err error) {
	var signer crypto.Signer
	if kind == "RSA" {
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return "", "", nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return "", "", nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return "", "", nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	return cert, key, pool, errors.Join(os.WriteFile(cert, certPEM, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
}
