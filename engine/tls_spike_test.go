package engine_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"

	"sarang/engine/tlscodec"
)

func tlsServer(c *tls.Config) *tlscodec.Codec { return tlscodec.NewServer(c) }

func tlsClient(c *tls.Config) *tlscodec.Codec { return tlscodec.NewClient(c) }

// certificate is one for all tests; making it takes a while.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sarang.test"}, DNSNames: []string{"sarang.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
})

func serverTLS(version uint16) *tls.Config {
	cert, _ := certificate()
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version}
}

func clientTLS(version uint16) *tls.Config {
	_, pool := certificate()
	return &tls.Config{RootCAs: pool, ServerName: "sarang.test", MinVersion: version, MaxVersion: version}
}

// duplex is two codecs that talk, piece by piece.
type duplex struct {
	server, client     *tlscodec.Codec
	toServer, toClient []byte
	atServer, atClient bytes.Buffer
	serverEnd          error
	clientEnd          error
}

func newDuplex(server, client *tls.Config) (*duplex, error) {
	d := &duplex{server: tlsServer(server), client: tlsClient(client)}
	var err error
	if d.toClient, err = d.server.Start(nil); err != nil {
		return d, err
	}
	d.toServer, err = d.client.Start(nil)
	return d, err
}

// run carries bytes in pieces of at most n until there are none.
func (d *duplex) run(n int) {
	for len(d.toServer)+len(d.toClient) > 0 {
		d.toServer = d.carry(d.server, d.toServer, n, &d.toClient, &d.atServer, &d.serverEnd)
		d.toClient = d.carry(d.client, d.toClient, n, &d.toServer, &d.atClient, &d.clientEnd)
	}
}

func (d *duplex) carry(to *tlscodec.Codec, b []byte, n int, back *[]byte, out *bytes.Buffer, end *error) []byte {
	n = min(n, len(b))
	if n == 0 || *end != nil {
		return nil
	}
	lent := bytes.Clone(b[:n])
	plain, raw, err := to.Decode(nil, *back, lent)
	clear(lent) // the loan is over
	*back, *end = raw, err
	out.Write(plain)
	return b[n:]
}

func (d *duplex) release() {
	d.server.Release()
	d.client.Release()
}
