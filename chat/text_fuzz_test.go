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
