package jwtauth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"sarang/chat"
	"sarang/internal/jwtauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const secret = "a secret that has thirty-two bytes at least"

func open(t testing.TB, key []byte) *jwtauth.Verifier {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := jwtauth.Open(jwtauth.Config{Issuer: "https://id.example", Audience: "chat", Key: file, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func good() jwt.MapClaims {
	return jwt.MapClaims{"iss": "https://id.example", "aud": []string{"other", "chat"}, "exp": now.Add(time.Minute).Unix(), "sub": "7", "name": "Ann"}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims, kid string) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publicPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func wantCode(t *testing.T, v *jwtauth.Verifier, token string, code chat.Code) {
	t.Helper()
	if _, err := v.Identify(token); chat.CodeOf(err) != code {
		t.Errorf("%v, want code %d", err, code)
	}
}

// Each kind of key lets in who is signed by it, and by its algorithm alone.
func TestKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := publicPEM(t, &rsaKey.PublicKey)
	all := []struct {
		name   string
		file   []byte
		method jwt.SigningMethod
		key    any
	}{
		{"RS256", rsaPEM, jwt.SigningMethodRS256, rsaKey},
		{"ES256", publicPEM(t, &ecKey.PublicKey), jwt.SigningMethodES256, ecKey},
		{"EdDSA", publicPEM(t, edPublic), jwt.SigningMethodEdDSA, edKey},
		{"HS256", []byte(secret + "\n"), jwt.SigningMethodHS256, []byte(secret)},
	}
	for i, c := range all {
		v := open(t, c.file)
		who, err := v.Identify(sign(t, c.method, c.key, good(), "any"))
		if err != nil || who.External != "https://id.example\n7" || who.Name != "Ann" || len(who.Rooms) != 0 {
			t.Errorf("%s: %+v, %v", c.name, who, err)
		}
		for j, other := range all {
			if i != j {
				wantCode(t, v, sign(t, other.method, other.key, good(), ""), chat.CodeBadToken)
			}
		}
		// The public key is no secret (RFC 8725, section 2.1), and none is no algorithm.
		wantCode(t, v, sign(t, jwt.SigningMethodHS256, c.file, good(), ""), chat.CodeBadToken)
		wantCode(t, v, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(), ""), chat.CodeBadToken)
		wantCode(t, v, sign(t, jwt.SigningMethodRS512, rsaKey, good(), ""), chat.CodeBadToken)
	}
}

func TestClaims(t *testing.T) {
	v := open(t, []byte(secret))
	token := func(change func(jwt.MapClaims)) string {
		c := good()
		change(c)
		return sign(t, jwt.SigningMethodHS256, []byte(secret), c, "")
	}
	for name, change := range map[string]func(jwt.MapClaims){
		"no exp":         func(c jwt.MapClaims) { delete(c, "exp") },
		"expired":        func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Minute).Unix() },
		"no aud":         func(c jwt.MapClaims) { delete(c, "aud") },
		"other aud":      func(c jwt.MapClaims) { c["aud"] = "chats" },
		"no iss":         func(c jwt.MapClaims) { delete(c, "iss") },
		"other iss":      func(c jwt.MapClaims) { c["iss"] = "https://id.example/" },
		"no sub":         func(c jwt.MapClaims) { delete(c, "sub") },
		"long sub":       func(c jwt.MapClaims) { c["sub"] = strings.Repeat("x", 257) },
		"not yet":        func(c jwt.MapClaims) { c["nbf"] = now.Add(time.Hour).Unix() },
		"large":          func(c jwt.MapClaims) { c["x"] = strings.Repeat("x", jwtauth.TokenBytesMax) },
		"rooms are none": func(c jwt.MapClaims) { c["rooms"] = "lobby" },
		"rooms":          func(c jwt.MapClaims) { c["rooms"] = make([]string, chat.IdentityRoomsMax+1) },
		"name is none":   func(c jwt.MapClaims) { c["name"] = 7 },
	} {
		if _, err := v.Identify(token(change)); chat.CodeOf(err) != chat.CodeBadToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantCode(t, v, token(func(c jwt.MapClaims) { c["exp"] = now.Add(-20 * time.Second).Unix() }), 0) // clocks differ
	for _, s := range []string{"", ".", "..", "a.b.c", strings.Repeat(".", 5000)} {
		wantCode(t, v, s, chat.CodeBadToken)
	}
}

// Of a JWK set the key is taken that the token names; what is not for signatures is left out.
func TestKeySet(t *testing.T) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{
		map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "enc", "use": "enc", "x": "x"},
		7,
		map[string]any{"kty": "odd"},
		map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA", "x": base64.RawURLEncoding.EncodeToString(public)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, set)
	wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, key, good(), "one"), 0)
	wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, key, good(), ""), 0)
	wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, key, good(), "two"), chat.CodeBadToken)
	wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, other, good(), "one"), chat.CodeBadToken)
}

func TestKeysThatAreNone(t *testing.T) {
	small := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	for name, text := range map[string][]byte{
		"short secret": []byte("short"), "no keys": []byte(`{"keys":[]}`), "no set": []byte(`{`), "cut": []byte("-----BEGIN PUBLIC KEY-----\nx"),
		"small": publicPEM(t, small), "private": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := jwtauth.Open(jwtauth.Config{Issuer: "i", Audience: "a", Key: file}); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	for _, key := range []string{"", "http://id.example/keys", filepath.Join(t.TempDir(), "none")} {
		if _, err := jwtauth.Open(jwtauth.Config{Issuer: "i", Audience: "a", Key: key}); err == nil {
			t.Errorf("%q is taken", key)
		}
	}
}
