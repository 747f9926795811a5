package chat_test

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"

	"sarang/chat"
)

// FuzzCheckText gives any bytes for the text of a message. It is good exactly if it
// keeps all four rules, and never told to be good because of how long it may be.
func FuzzCheckText(f *testing.F) {
	for _, s := range []string{"", "hello", "안녕", "a\x00b", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u2028\x1b[2J", "a\xc3"} {
		f.Add([]byte(s), len(s))
		f.Add([]byte(s), len(s)-1)
	}
	f.Add([]byte("x"), -1)
	f.Fuzz(func(t *testing.T, b []byte, bytesMax int) {
		err := chat.CheckText(string(b), bytesMax)
		good := len(b) > 0 && len(b) <= bytesMax && !bytes.Contains(b, []byte{0}) && utf8.Valid(b)
		if (err == nil) != good {
			t.Fatalf("%q of at most %d bytes: %v", b, bytesMax, err)
		}
		var typed *chat.Error
		if err != nil && (!errors.As(err, &typed) || typed.Code != chat.CodeBadText || !utf8.ValidString(typed.Message)) {
			t.Fatalf("%q of at most %d bytes: %v", b, bytesMax, err)
		}
	})
}

// FuzzDigest says that the digest looks at what an event says, and at nothing else.
func FuzzDigest(f *testing.F) {
	f.Add("a", "b", uint64(1), uint64(2))
	f.Add("", "\x00", uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, a, b string, target, subject uint64) {
		e := chat.Event{Kind: chat.EventMessage, Text: a, Target: chat.Seq(target), Subject: chat.UserID(subject)}
		same := e
		same.Seq, same.TimeMs, same.Nonce, same.User, same.Name, same.Room = 7, 8, 9, 10, "n", 11
		if e.Digest() != same.Digest() || e.Digest() == 0 {
			t.Errorf("digests %d and %d of one thing said", e.Digest(), same.Digest())
		}
		banned := chat.Event{Kind: chat.EventRole, Role: chat.RoleBanned, Text: a, UntilMs: -int64(1 + target>>2)}
		stored := banned
		stored.TimeMs, stored.UntilMs = int64(subject>>2), int64(subject>>2)-banned.UntilMs
		if banned.Digest() != stored.Digest() {
			t.Errorf("a ban for %d ms has digest %d, and stored %d", -banned.UntilMs, banned.Digest(), stored.Digest())
		}
		if stored.UntilMs++; stored.UntilMs > 0 && banned.Digest() == stored.Digest() {
			t.Errorf("a ban for %d ms and one for another ms have one digest", -banned.UntilMs)
		}
		other := e
		if other.Text = b; a != b && len(a) == len(b) && len(a) < 4 && e.Digest() == other.Digest() {
			t.Errorf("%q and %q have one digest", a, b)
		}
	})
}
