// Package tlstest makes certificates for tests.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Host is the name that certificates are for, besides localhost and the loopback addresses.
const Host = "sarang.test"

// Certificate is a certificate that is its own authority, in files and for clients.
type Certificate struct {
	CertFile, KeyFile string

	PEM  []byte // of CertFile
	Pool *x509.CertPool
}

// Write makes a certificate with this serial number, and writes it and its key to cert.pem and
// key.pem of dir; files that are there are replaced.
func Write(t testing.TB, dir string, serial int64) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: Host},
		DNSNames:    []string{Host, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := Certificate{
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Pool: x509.NewCertPool(),
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	c.Pool.AppendCertsFromPEM(c.PEM)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	if err := errors.Join(os.WriteFile(c.CertFile, c.PEM, 0o600), os.WriteFile(c.KeyFile, keyPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	return c
}

// Client is what a client that believes the certificate speaks.
func (c Certificate) Client() *tls.Config { return &tls.Config{RootCAs: c.Pool, ServerName: Host} }
