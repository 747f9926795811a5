package jwtauth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
)

// key is one that signs tokens, with its one algorithm.
type key struct {
	id        string // kid; empty: it has none
	algorithm string
	public    any
}

// Bounds of keys that are taken.
const (
	secretBytesMin = 32 // of HS256 (RFC 7518, section 3.2)
	rsaBitsMin     = 2048
	rsaBitsMax     = 16384
)

// keysOfFile reads public keys in PEM, a JWK set, or else a secret.
func keysOfFile(file string) ([]key, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the key of JWT logins: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, keysBytesMax+1))
	if err == nil && len(text) > keysBytesMax {
		err = errors.New("it is too large")
	}
	if err == nil {
		keys, err := keysOf(text)
		if err == nil {
			return keys, nil
		}
		return nil, fmt.Errorf("the key of JWT logins in %s: %w", file, err)
	}
	return nil, fmt.Errorf("the key of JWT logins in %s: %w", file, err)
}

func keysOf(text []byte) ([]key, error) {
	switch trimmed := bytes.TrimSpace(text); {
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		return keysOfPEM(trimmed)
	case bytes.HasPrefix(trimmed, []byte("{")):
		return keysOfSet(trimmed)
	case len(trimmed) < secretBytesMin:
		return nil, fmt.Errorf("a secret has %d bytes at least", secretBytesMin)
	default:
		return []key{{algorithm: "HS256", public: bytes.Clone(trimmed)}}, nil
	}
}

func keysOfPEM(text []byte) (keys []key, err error) {
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("what stands behind the keys is no PEM")
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("a %q is no PUBLIC KEY", block.Type)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		k, err := keyFor(public)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > keysMax {
			return nil, fmt.Errorf("more than %d keys", keysMax)
		}
	}
	return keys, nil
}

// keyFor pins a public key to its algorithm.
func keyFor(public any) (key, error) {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < rsaBitsMin || n > rsaBitsMax {
			return key{}, fmt.Errorf("an RSA key has %d to %d bits; this one has %d", rsaBitsMin, rsaBitsMax, n)
		}
		return key{algorithm: "RS256", public: p}, nil
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return key{}, errors.New("of elliptic curves P-256 alone is taken (ES256)")
		}
		return key{algorithm: "ES256", public: p}, nil
	case ed25519.PublicKey:
		return key{algorithm: "EdDSA", public: p}, nil
	}
	return key{}, fmt.Errorf("a key of type %T is not taken", public)
}

// jwk is a key of a set (RFC 7517; RFC 8037 for OKP).
type jwk struct {
	Kty, Kid, Use, Alg, Crv, N, E, X, Y, K string
}

// keysOfSet reads a JWK set. Keys of other kinds, and those that are not for signatures, are left
// out.
func keysOfSet(text []byte) ([]key, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("no JWK set: %w", err)
	}
	if len(set.Keys) > keysMax {
		return nil, fmt.Errorf("more than %d keys", keysMax)
	}
	var keys []key
	for _, raw := range set.Keys {
		var j jwk
		if json.Unmarshal(raw, &j) != nil {
			continue
		}
		if k, ok := j.key(); ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key in the JWK set is one for EdDSA, ES256, RS256 or HS256")
	}
	return keys, nil
}

func (j *jwk) key() (k key, ok bool) {
	number := func(s string) *big.Int { return new(big.Int).SetBytes(decoded(s)) }
	var err error
	switch {
	case j.Use != "" && j.Use != "sig":
		return k, false
	case j.Kty == "RSA":
		e := number(j.E)
		if !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return k, false
		}
		k, err = keyFor(&rsa.PublicKey{N: number(j.N), E: int(e.Int64())})
	case j.Kty == "EC" && j.Crv == "P-256":
		point := append([]byte{4}, append(padded(decoded(j.X)), padded(decoded(j.Y))...)...)
		var public *ecdsa.PublicKey
		if public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err == nil {
			k, err = keyFor(public)
		}
	case j.Kty == "OKP" && j.Crv == "Ed25519" && len(decoded(j.X)) == ed25519.PublicKeySize:
		k, err = keyFor(ed25519.PublicKey(decoded(j.X)))
	case j.Kty == "oct" && len(decoded(j.K)) >= secretBytesMin:
		k = key{algorithm: "HS256", public: decoded(j.K)}
	default:
		return k, false
	}
	k.id = j.Kid
	return k, err == nil && (j.Alg == "" || j.Alg == k.algorithm)
}

// padded is a coordinate with the length that it has on P-256.
func padded(b []byte) []byte {
	if len(b) >= 32 {
		return b
	}
	return append(make([]byte, 32-len(b)), b...)
}

// decoded is nil for what is no base64url.
func decoded(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// fetcher reads a URL. It follows no redirect: the keys are where the operator has said.
func fetcher(url string, transport http.RoundTripper) func(context.Context) ([]byte, error) {
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: fetchTimeout, DisableKeepAlives: true}
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", "application/jwk-set+json, application/json")
		answer, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the answer is %s", answer.Status)
		}
		text, err := io.ReadAll(io.LimitReader(answer.Body, keysBytesMax+1))
		if err == nil && len(text) > keysBytesMax {
			err = fmt.Errorf("the answer has more than %d bytes", keysBytesMax)
		}
		return text, err
	}
}
