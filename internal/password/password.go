// Package password hashes passwords with Argon2id (RFC 9106), and writes the hashes in PHC
// form: "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". It takes as long and as much memory as its
// cost says, so whoever calls it bounds how often that is at once. No I/O, no clock.
package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is what a hash costs. Hashes of other costs are still read.
type Cost struct {
	MemoryKiB int // also what one hashing takes while it runs
	Passes    int
}

// DefaultCost is OWASP's for Argon2id, with one lane.
func DefaultCost() Cost { return Cost{MemoryKiB: 19456, Passes: 2} }

// Bounds of a Cost, and of what is read of a stored hash: nobody who can write to the store
// is to stop the server with it.
const (
	MemoryKiBMin = 8
	MemoryKiBMax = 1 << 20
	PassesMax    = 64

	lanes         = 1
	saltBytes     = 16
	saltBytesMax  = 64
	hashBytes     = 32
	hashBytesMax  = 64
	hashedTextMax = 256
)

// Check returns an error if the cost makes no sense.
func (c Cost) Check() error {
	if c.MemoryKiB < MemoryKiBMin || c.MemoryKiB > MemoryKiBMax || c.Passes < 1 || c.Passes > PassesMax {
		return fmt.Errorf("a password may cost %d to %d KiB and 1 to %d passes; it is %d KiB and %d",
			MemoryKiBMin, MemoryKiBMax, PassesMax, c.MemoryKiB, c.Passes)
	}
	return nil
}

// SaltBytes is how many random bytes Hash wants.
const SaltBytes = saltBytes

// Key computes Argon2id: keyBytes bytes. It takes as long, and as much memory, as c says.
type Key func(password, salt []byte, c Cost, lanes uint8, keyBytes int) []byte

// Own is the Key of this process.
func Own(password, salt []byte, c Cost, lanes uint8, keyBytes int) []byte {
	return argon2.IDKey(password, salt, uint32(c.Passes), uint32(c.MemoryKiB), lanes, uint32(keyBytes))
}

// Hash returns the hash of a password in PHC form. salt is SaltBytes random bytes.
func Hash(key Key, password string, c Cost, salt []byte) string {
	h := key([]byte(password), salt, c, lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, lanes, encode(salt), encode(h))
}

// Is reports whether a password is that of a hash, and whether the hash has the cost c. A hash
// that can not be read is nobody's, and costs c all the same: how long it takes does not tell
// what is stored. An empty one is the way to ask about a user who has none.
func Is(key Key, password, hashed string, c Cost) (is, current bool) {
	p, ok := parse(hashed)
	if !ok {
		p = parsed{cost: c, lanes: lanes, salt: make([]byte, saltBytes), hash: make([]byte, hashBytes)}
	}
	got := key([]byte(password), p.salt, p.cost, p.lanes, len(p.hash))
	is = subtle.ConstantTimeCompare(got, p.hash) == 1 && ok
	return is, is && p.cost == c && p.lanes == lanes
}

// parsed is a hash in its parts.
type parsed struct {
	cost       Cost
	lanes      uint8
	salt, hash []byte
}

func parse(s string) (p parsed, ok bool) {
	if len(s) > hashedTextMax {
		return p, false
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, false
	}
	var memory, passes, lanes int
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || n != 3 ||
		parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", memory, passes, lanes) {
		return p, false
	}
	p.cost, p.lanes = Cost{memory, passes}, uint8(lanes&0xff)
	if p.cost.Check() != nil || lanes < 1 || lanes > 16 || memory < 8*lanes {
		return p, false
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > saltBytesMax {
		return p, false
	}
	if p.hash, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(p.hash) < 16 || len(p.hash) > hashBytesMax {
		return p, false
	}
	return p, true
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }
