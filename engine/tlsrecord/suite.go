package tlsrecord

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is a cipher suite of TLS 1.3, by its number (RFC 8446, appendix B.4).
type Suite uint16

// The suites that there are. Those of CCM are for small devices, and nobody offers them.
const (
	AES128GCMSHA256        Suite = 0x1301
	AES256GCMSHA384        Suite = 0x1302
	ChaCha20Poly1305SHA256 Suite = 0x1303
)

// secretBytesMax is the length of the longest secret: as long as the suite's hash.
const secretBytesMax = sha512.Size384

// nonceBytes is the length of a nonce, and of an IV, with each suite.
const nonceBytes = 12

// tagBytes is by how much each suite's cipher makes longer what it encrypts.
const tagBytes = 16

// SecretBytes is how long the suite's traffic secrets are; 0: the suite is not known.
func (s Suite) SecretBytes() int {
	switch s {
	case AES128GCMSHA256, ChaCha20Poly1305SHA256:
		return sha256.Size
	case AES256GCMSHA384:
		return sha512.Size384
	default:
		return 0
	}
}

// keyBytesMax is the length of the longest key.
const keyBytesMax = 32

func (s Suite) keyBytes() int {
	if s == AES128GCMSHA256 {
		return 16
	}
	return keyBytesMax
}

// aead opens a key.
func (s Suite) aead(key []byte) (cipher.AEAD, error) {
	if s == ChaCha20Poly1305SHA256 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// The labels of what is made of a traffic secret (RFC 8446, sections 7.2 and 7.3).
const (
	labelKey    = "key"
	labelIV     = "iv"
	labelUpdate = "traffic upd"
)

// expandLabel is HKDF-Expand-Label (RFC 8446, section 7.1) without a context, into dst, which is
// no longer than the suite's hash. It is one block of HKDF-Expand (RFC 5869, section 2.3), and
// written out because crypto/hkdf allocates twenty times for it; tests compare the two.
func (s Suite) expandLabel(dst, secret []byte, label string) {
	const prefix = "tls13 "
	var room [32]byte
	info := binary.BigEndian.AppendUint16(room[:0], uint16(len(dst)))
	info = append(info, byte(len(prefix)+len(label)))
	info = append(info, prefix...)
	info = append(info, label...)
	info = append(info, 0, 1) // no context; the number of the block
	if s == AES256GCMSHA384 {
		mac := hmac384(secret, info)
		copy(dst, mac[:])
		clear(mac[:])
		return
	}
	mac := hmac256(secret, info)
	copy(dst, mac[:])
	clear(mac[:])
}

// What HMAC turns the key over with (RFC 2104, section 2).
const (
	innerPad = 0x36
	outerPad = 0x5c
)

// hmac256 is HMAC-SHA-256 with a key of a hash's length.
func hmac256(key, message []byte) [sha256.Size]byte {
	var in [sha256.BlockSize + 32]byte
	var out [sha256.BlockSize + sha256.Size]byte
	pad(in[:sha256.BlockSize], out[:sha256.BlockSize], key)
	inner := sha256.Sum256(append(in[:sha256.BlockSize], message...))
	mac := sha256.Sum256(append(out[:sha256.BlockSize], inner[:]...))
	clear(in[:])
	clear(out[:])
	return mac
}

// hmac384 is hmac256 with SHA-384.
func hmac384(key, message []byte) [sha512.Size384]byte {
	var in [sha512.BlockSize + 32]byte
	var out [sha512.BlockSize + sha512.Size384]byte
	pad(in[:sha512.BlockSize], out[:sha512.BlockSize], key)
	inner := sha512.Sum384(append(in[:sha512.BlockSize], message...))
	mac := sha512.Sum384(append(out[:sha512.BlockSize], inner[:]...))
	clear(in[:])
	clear(out[:])
	return mac
}

// pad lays out the key for both hashes.
func pad(in, out, key []byte) {
	copy(in, key)
	copy(out, key)
	for i := range in {
		in[i] ^= innerPad
		out[i] ^= outerPad
	}
}

// check returns an error for a secret that the suite can not have.
func (s Suite) check(secret []byte) error {
	switch n := s.SecretBytes(); {
	case n == 0:
		return fmt.Errorf("tlsrecord: there is no cipher suite %#04x", uint16(s))
	case n != len(secret):
		return fmt.Errorf("tlsrecord: a secret of suite %#04x has %d bytes, not %d", uint16(s), n, len(secret))
	default:
		return nil
	}
}
