// Package jwtauth knows people by the tokens (JWT, RFC 7519) that another program has signed,
// which embeds the chat. Issuer, audience and expiry are required, and a key says by which
// algorithm it signs: the token is never asked (RFC 8725, section 3.1).
package jwtauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sarang/chat"
	"sarang/lock"
)

// Config says whom to believe. Issuer, Audience and Key are required.
type Config struct {
	Issuer   string // iss of the tokens
	Audience string // that is among their aud
	Key      string // a file with public keys in PEM, a secret or a JWK set, or the https:// URL of a JWK set
	Logger   *slog.Logger

	// Transport fetches what is at the URL; nil: as the system says.
	Transport http.RoundTripper

	Now func() time.Time // default time.Now
}

// Bounds of what others send.
const (
	TokenBytesMax = 3 << 10
	keysBytesMax  = 1 << 20
	keysMax       = 64
	subjectMax    = 256 // bytes of sub
	leeway        = 30 * time.Second
	fetchTimeout  = 10 * time.Second
	fetchEvery    = 15 * time.Minute // the keys of a URL are read again after that
	fetchAgain    = 30 * time.Second // and after that if a token has a key that is not known
)

// Verifier knows people by their tokens. Any goroutine may use it.
type Verifier struct {
	config Config
	parser *jwt.Parser
	fetch  func(context.Context) ([]byte, error) // nil: the keys are of a file

	mu      lock.RWMutex
	keys    []key
	askedAt time.Time // when the keys were asked for last

	wake   chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Open reads the keys of a file, which has to be sound, or begins to fetch those of a URL. The
// caller closes it.
func Open(c Config) (*Verifier, error) {
	if c.Issuer == "" || c.Audience == "" || c.Key == "" {
		return nil, errors.New("an issuer, an audience and a key are needed to know people by JWT")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	v := &Verifier{config: c, wake: make(chan struct{}, 1)}
	v.mu.Init(lock.NewClass("jwtauth.keys"))
	v.parser = jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA", "ES256", "RS256", "HS256"}), jwt.WithIssuer(c.Issuer),
		jwt.WithAudience(c.Audience), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now))
	switch {
	case strings.HasPrefix(c.Key, "https://"):
		v.fetch = fetcher(c.Key, c.Transport)
	case strings.Contains(c.Key, "://"):
		return nil, fmt.Errorf("keys are read from a file or an https:// URL; %q is neither", c.Key)
	default:
		var err error
		if v.keys, err = keysOfFile(c.Key); err != nil {
			return nil, err
		}
	}
	if v.fetch != nil {
		v.start()
	}
	return v, nil
}

func (v *Verifier) start() {
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	v.wg.Go(func() { v.run(ctx) })
}

// run fetches the keys, now and then, and when it is asked to.
func (v *Verifier) run(ctx context.Context) {
	every := time.NewTicker(fetchEvery)
	defer every.Stop()
	for {
		if keys, err := v.fetched(ctx); err == nil {
			v.mu.Lock()
			v.keys = keys
			v.mu.Unlock()
		} else if ctx.Err() == nil {
			v.config.Logger.Warn("the keys of JWT logins could not be fetched; those that are known go on", "from", v.config.Key, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-v.wake:
		}
	}
}

func (v *Verifier) fetched(ctx context.Context) ([]key, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	text, err := v.fetch(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := keysOfSet(text)
	// What anybody can read is no secret.
	return slices.DeleteFunc(keys, func(k key) bool { return k.algorithm == "HS256" }), err
}

// Close ends the fetching.
func (v *Verifier) Close() {
	if v.cancel != nil {
		v.cancel()
		v.wg.Wait()
	}
}

// claims are what is read of a token.
type claims struct {
	jwt.RegisteredClaims
	Name  string   `json:"name"`
	Rooms []string `json:"rooms"`
}

// Identify returns who a token says somebody is. Errors are *chat.Error: CodeBadToken, or
// CodeUnavailable while keys are fetched.
func (v *Verifier) Identify(token string) (chat.Identity, error) {
	none := chat.Identity{}
	if len(token) > TokenBytesMax {
		return none, chat.Errorf(chat.CodeBadToken, "the login token is too long")
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, v.keyOf)
	switch {
	case errors.Is(err, errUnknownKey) && v.refetch():
		return none, &chat.Error{
			Code: chat.CodeUnavailable, RetryAfter: 2 * time.Second, Message: "the keys of logins are being fetched; try again",
		}
	case errors.Is(err, jwt.ErrTokenExpired):
		return none, chat.Errorf(chat.CodeBadToken, "the login token has expired: get another one")
	case err != nil:
		return none, &chat.Error{Code: chat.CodeBadToken, Message: "the login token is not valid", Err: err}
	case c.Subject == "" || len(c.Subject) > subjectMax:
		return none, chat.Errorf(chat.CodeBadToken, "the login token says of nobody that he is it (sub)")
	case len(c.Rooms) > chat.IdentityRoomsMax:
		return none, chat.Errorf(chat.CodeBadToken, "the login token invites to %d rooms: %d are the most", len(c.Rooms), chat.IdentityRoomsMax)
	}
	return chat.Identity{External: v.config.Issuer + "\n" + c.Subject, Name: c.Name, Rooms: c.Rooms}, nil
}

var errUnknownKey = errors.New("no key of that kind and name is known")

// keyOf returns the keys that may have signed a token. Its algorithm is that of the key, or there
// is none.
func (v *Verifier) keyOf(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	v.mu.RLock()
	defer v.mu.RUnlock()
	var set jwt.VerificationKeySet
	for _, k := range v.keys {
		if k.algorithm == t.Method.Alg() && (kid == "" || k.id == "" || k.id == kid) {
			set.Keys = append(set.Keys, k.public)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errUnknownKey
	}
	return set, nil
}

// refetch has the keys fetched again, unless they were a moment ago. It reports whether that is
// so.
func (v *Verifier) refetch() bool {
	if v.fetch == nil {
		return false
	}
	now := v.config.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := now.Sub(v.askedAt); d < fetchAgain && d >= 0 {
		return len(v.keys) == 0 // nothing has come yet
	}
	v.askedAt = now
	select {
	case v.wake <- struct{}{}:
	default:
	}
	return true
}
