//go:build unix

package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sarang/internal/store/postgres"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlstore"
)

// guarded is a server that lets nobody in but by TLS, with a password.
type guarded struct {
	*postgrestest.Server
	host, port, ca string // ca: the file with the authority of its certificate
}

const guardedPassword = "secret 비밀 :\\"

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	server, err := postgrestest.Start("fsync=off", "full_page_writes=off")
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	data := filepath.Join(server.Folder, "postgres", "data")
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{Server: server, host: u.Hostname(), port: u.Port(), ca: writeCertificate(t, data, "localhost")}
	admin := dial(t, server.URL)
	execute(t, admin, "ALTER ROLE sarang PASSWORD '"+guardedPassword+"'")
	execute(t, admin, "ALTER SYSTEM SET ssl = on") // its files have the names of the defaults
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("hostssl all all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, admin, "SELECT pg_reload_conf()")
	for { // it comes to it when it does
		s, err := g.open(g.url("localhost", guardedPassword, "sslmode=require"))
		if err == nil {
			_ = s.Close()
			return g
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// url is one with a password, empty for none.
func (g *guarded) url(host, password, options string) string {
	u := url.URL{Scheme: "postgres", Host: host + ":" + g.port, Path: "/postgres", User: url.User("sarang"), RawQuery: options}
	if password != "" {
		u.User = url.UserPassword("sarang", password)
	}
	return u.String()
}

func (g *guarded) open(address string) (*sqlstore.Store, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return postgres.Open(ctx, postgres.Config{URL: address, Store: sqlstore.Config{ReadersMax: 1, Unsafe: true}})
}

// wantIn expects a store to open, over TLS, and to be of use.
func (g *guarded) wantIn(t *testing.T, address string) {
	t.Helper()
	s, err := g.open(address)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Rooms(t.Context(), 0, 1); err != nil {
		t.Error(err)
	}
}

// wantOut expects it not to open, and the sentence not to hold the password.
func (g *guarded) wantOut(t *testing.T, address string, says string) {
	t.Helper()
	s, err := g.open(address)
	if err == nil {
		_ = s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
		t.Errorf("opening: %v; want %q, and no password", err, says)
	}
}

// writeCertificate puts a key and a certificate for a host where a server looks for them, and
// returns the file of the authority.
func writeCertificate(t *testing.T, data, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	owner, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"server.crt": certificate, "server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	} {
		file := filepath.Join(data, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		its := owner.Sys().(*syscall.Stat_t)
		if err := os.Chown(file, int(its.Uid), int(its.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return ca
}

// The password comes by the URL, a variable, a password file or a service file; and TLS is as strict
// as the URL says.
func TestWaysIn(t *testing.T) {
	g := newGuarded(t)
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	// None of the machine's own.
	for _, name := range []string{"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGSSLMODE", "PGSSLROOTCERT"} {
		t.Setenv(name, "")
	}
	t.Setenv("PGPASSFILE", write("none", ""))
	t.Run("URL", func(t *testing.T) {
		g.wantIn(t, g.url("localhost", guardedPassword, "sslmode=require"))
		g.wantOut(t, g.url("localhost", "secret, and another", "sslmode=require"), "the user or password is refused")
		g.wantOut(t, g.url("localhost", "", "sslmode=require"), "the user or password is refused")
	})
	t.Run("variables", func(t *testing.T) {
		for name, value := range map[string]string{
			"PGHOST": "localhost", "PGPORT": g.port, "PGUSER": "sarang", "PGPASSWORD": guardedPassword, "PGDATABASE": "postgres",
			"PGSSLMODE": "verify-full", "PGSSLROOTCERT": g.ca,
		} {
			t.Setenv(name, value)
		}
		g.wantIn(t, "postgres://")
		t.Setenv("PGPASSWORD", "secret, and another")
		g.wantOut(t, "postgres://", "the user or password is refused")
	})
	t.Run("password file", func(t *testing.T) {
		escaped := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(guardedPassword)
		t.Setenv("PGPASSFILE", write("pgpass", fmt.Sprintf("elsewhere:*:*:*:no\nlocalhost:%s:postgres:sarang:%s\n", g.port, escaped)))
		g.wantIn(t, g.url("localhost", "", "sslmode=require"))
		g.wantOut(t, g.url("127.0.0.1", "", "sslmode=require"), "the user or password is refused") // it has no line
	})
	t.Run("service file", func(t *testing.T) {
		t.Setenv("PGSERVICEFILE", write("service", fmt.Sprintf(
			"[sarang]\nhost=localhost\nport=%s\nuser=sarang\ndbname=postgres\nsslmode=verify-full\nsslrootcert=%s\npassword=%s\n", g.port, g.ca, guardedPassword)))
		g.wantIn(t, "postgres:///?service=sarang")
	})
	t.Run("TLS", func(t *testing.T) {
		g.wantIn(t, g.url("localhost", guardedPassword, "sslmode=verify-full&sslrootcert="+g.ca))
		g.wantIn(t, g.url("127.0.0.1", guardedPassword, "sslmode=verify-ca&sslrootcert="+g.ca))
		g.wantOut(t, g.url("127.0.0.1", guardedPassword, "sslmode=verify-full&sslrootcert="+g.ca), "its certificate is not one")
		other := writeCertificate(t, t.TempDir(), "localhost")
		g.wantOut(t, g.url("localhost", guardedPassword, "sslmode=verify-full&sslrootcert="+other), "its certificate is not one")
		g.wantOut(t, g.url("localhost", guardedPassword, "sslmode=disable"), "the user or password is refused")
	})
	if err := g.Exec("SELECT 1"); err == nil {
		t.Error("the server lets somebody in without TLS and a password")
	}
}
