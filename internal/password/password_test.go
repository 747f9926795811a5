package password_test

import (
	"bytes"
	"strings"
	"testing"

	"sarang/internal/password"
)

// quick costs next to nothing.
func quick() password.Cost { return password.Cost{MemoryKiB: 8, Passes: 1} }

func TestHash(t *testing.T) {
	salt := []byte("0123456789abcdef")
	for _, c := range []password.Cost{quick(), {MemoryKiB: 64, Passes: 3}, password.DefaultCost()} {
		h := password.Hash(password.Own, "correct horse", c, salt)
		if !strings.HasPrefix(h, "$argon2id$v=19$m=") || strings.Count(h, "$") != 5 {
			t.Errorf("the hash is %q", h)
		}
		if is, current := password.Is(password.Own, "correct horse", h, c); !is || !current {
			t.Errorf("%+v: the password is not recognized", c)
		}
		if is, _ := password.Is(password.Own, "correct horsE", h, c); is {
			t.Errorf("%+v: another password is recognized", c)
		}
		if is, current := password.Is(password.Own, "correct horse", h, password.Cost{MemoryKiB: 16, Passes: 1}); !is || current {
			t.Errorf("%+v: with another cost of today: %t, current %t", c, is, current)
		}
		if password.Hash(password.Own, "correct horse", c, []byte("0123456789abcdeg")) == h {
			t.Error("the salt does not matter")
		}
	}
}

// A hash that another program has made: the argon2 tool of the reference implementation, with
// "argon2 somesalt -id -v 13 -t 2 -m 8 -p 1".
func TestHashOfOthers(t *testing.T) {
	const made = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if is, current := password.Is(password.Own, "password", made, password.DefaultCost()); !is || current {
		t.Errorf("recognized %t, current %t", is, current)
	}
}

func TestHashThatIsNone(t *testing.T) {
	h := password.Hash(password.Own, "x", quick(), bytes.Repeat([]byte{1}, password.SaltBytes))
	for _, bad := range []string{
		"", "$", "x", strings.Replace(h, "argon2id", "argon2i", 1), strings.Replace(h, "v=19", "v=16", 1),
		strings.Replace(h, "m=8", "m=7", 1), strings.Replace(h, "m=8", "m=99999999", 1), strings.Replace(h, "t=1", "t=0", 1),
		strings.Replace(h, "p=1", "p=0", 1), strings.Replace(h, "p=1", "p=257", 1), h + "=", h + "$", h[:40], strings.Repeat(h, 9),
		strings.Replace(h, "m=8", "m=08", 1), strings.Replace(h, "m=8", "m=8 ", 1),
	} {
		if is, current := password.Is(password.Own, "x", bad, quick()); is || current {
			t.Errorf("%q is the hash of a password", bad)
		}
	}
	// Nobody's password is that of a hash of zeros.
	for _, guess := range []string{"", "x", "\x00"} {
		if is, _ := password.Is(password.Own, guess, "", quick()); is {
			t.Errorf("%q is the password of who has none", guess)
		}
	}
}

func FuzzIs(f *testing.F) {
	h := password.Hash(password.Own, "x", quick(), bytes.Repeat([]byte{1}, password.SaltBytes))
	f.Add("x", h)
	f.Add("y", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, guess, hashed string) {
		if strings.Contains(hashed, "m=") && len(hashed) > 24 && !strings.Contains(hashed, "m=8,t=1,") {
			t.Skip("it costs what it says")
		}
		is, current := password.Is(password.Own, guess, hashed, quick())
		if current && !is {
			t.Fatal("current, and not his")
		}
		if again, _ := password.Is(password.Own, guess, hashed, quick()); again != is {
			t.Fatalf("%t, and then %t", is, again)
		}
	})
}
