package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// trusting is a configuration of TLS that believes the authorities in a file, and them alone;
// nil, the system's, if there is no file.
func trusting(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("--ca: %s has no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}
