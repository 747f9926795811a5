package jwtauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sarang/chat"
	"sarang/internal/jwtauth"
)

// clock is one that a test sets.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return now.Add(time.Duration(c.ahead.Load())) }

// keySet is a JWK set with one key, and what signs by it.
func keySet(t *testing.T, kid string) (set []byte, private ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err = json.Marshal(map[string]any{"keys": []any{
		map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64.RawURLEncoding.EncodeToString(public)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return set, private
}

// openURL opens a verifier that fetches its keys from a handler.
func openURL(t *testing.T, h http.HandlerFunc, c *clock) *jwtauth.Verifier {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	transport := s.Client().Transport.(*http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	v, err := jwtauth.Open(jwtauth.Config{
		Issuer: "https://id.example", Audience: "chat", Key: s.URL, Now: c.now, Transport: transport, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// soon waits until a token is answered so: keys are fetched beside.
func soon(t *testing.T, v *jwtauth.Verifier, token string, want chat.Code) {
	t.Helper()
	code := chat.Code(0)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		_, err := v.Identify(token)
		if code = chat.CodeOf(err); code == want {
			return
		}
		time.Sleep(time.Millisecond) // sleep: the keys are fetched by another goroutine, over a socket
	}
	t.Fatalf("the answer stays code %d, want %d", code, want)
}

// Keys of a URL that are changed there are changed here as soon as somebody comes with a new one,
// and not more often than each half minute, whoever asks for it.
func TestKeysOfAURLRotate(t *testing.T) {
	one, first := keySet(t, "one")
	two, second := keySet(t, "two")
	var mu sync.Mutex
	served, fetches := one, 0
	var c clock
	v := openURL(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fetches++
		_, _ = w.Write(served)
	}, &c)
	old := sign(t, jwt.SigningMethodEdDSA, first, good(), "one")
	fresh := sign(t, jwt.SigningMethodEdDSA, second, good(), "two")
	soon(t, v, old, 0)
	mu.Lock()
	before := fetches
	served = two
	mu.Unlock()
	c.ahead.Store(int64(31 * time.Second))
	_, err := v.Identify(fresh)
	if chat.CodeOf(err) != chat.CodeUnavailable {
		t.Errorf("while the new key is fetched: %v", err)
	}
	soon(t, v, fresh, 0)
	wantCode(t, v, old, chat.CodeBadToken) // its key is gone
	for range 100 {
		wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, first, good(), "three"), chat.CodeBadToken)
	}
	mu.Lock()
	defer mu.Unlock()
	if fetches != before+1 {
		t.Errorf("the keys were fetched %d times more, want once", fetches-before)
	}
}

// A URL that does not answer holds up nobody: who comes is told to come again, those whose keys are
// known go on, and Close waits for nothing.
func TestURLThatHangs(t *testing.T) {
	set, key := keySet(t, "one")
	_, other := keySet(t, "two")
	hang, asked := atomic.Bool{}, make(chan struct{}, 100)
	var c clock
	v := openURL(t, func(w http.ResponseWriter, r *http.Request) {
		if hang.Load() {
			asked <- struct{}{}
			<-r.Context().Done() // until the client has gone
			return
		}
		_, _ = w.Write(set)
	}, &c)
	known := sign(t, jwt.SigningMethodEdDSA, key, good(), "one")
	soon(t, v, known, 0)
	hang.Store(true)
	c.ahead.Store(int64(31 * time.Second))
	_, err := v.Identify(sign(t, jwt.SigningMethodEdDSA, other, good(), "two"))
	if chat.CodeOf(err) != chat.CodeUnavailable {
		t.Errorf("while the URL hangs: %v", err)
	}
	<-asked // it hangs now
	wantCode(t, v, known, 0)
	wantCode(t, v, sign(t, jwt.SigningMethodEdDSA, other, good(), "two"), chat.CodeBadToken)
	closed := make(chan struct{})
	go func() { v.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second): // half of what a fetch may take
		t.Error("Close waits for a URL that hangs")
	}
}

// FuzzIdentify takes anything for a token: it is refused with a sentence, unless we have signed it.
func FuzzIdentify(f *testing.F) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, good())
	signed, err := token.SignedString([]byte(secret))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "..", "a.b.c", signed, signed + ".", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(s)
	}
	v := open(f, []byte(secret))
	f.Fuzz(func(t *testing.T, s string) {
		who, err := v.Identify(s)
		switch code := chat.CodeOf(err); {
		case err == nil && (who.External == "" || len(who.External) > chat.ExternalBytesMax || len(who.Rooms) > chat.IdentityRoomsMax):
			t.Fatalf("%q is %+v", s, who)
		case err != nil && code != chat.CodeBadToken:
			t.Fatalf("%q: %v", s, err)
		}
	})
}
