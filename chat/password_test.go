package chat_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/chat"
)

func TestParsePassword(t *testing.T) {
	for s, want := range map[string]string{
		"correct horse":  "correct horse",
		" spaces stay ":  " spaces stay ",
		"e\u0301clair":   "\u00e9clair", // composed
		"a\u00a0b":       "a b",         // any space is a space
		"비밀번호는 길게":       "비밀번호는 길게",
		"Ａbc":            "Ａbc", // widths are kept
		"UPPER and ẞ 🔑 ": "UPPER and ẞ 🔑 ",
	} {
		if got, err := chat.ParsePassword(s); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", "a\x00b", "tab\t", "\xff", strings.Repeat("x", chat.PasswordBytesMax+1)} {
		_, err := chat.ParsePassword(s)
		if chat.CodeOf(err) != chat.CodeBadRequest || s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"seven77", "1234567", "aaaaaaaaaaaa", "MinJiLee", "가나다라마바사"} {
		if _, err := chat.ParseNewPassword(s, "minjilee"); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"eight888", "가나다라마바사아", "minjilee2"} {
		if p, err := chat.ParseNewPassword(s, "minjilee"); err != nil || p != s {
			t.Errorf("%q: %q, %v", s, p, err)
		}
	}
}

func TestDeviceName(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"", " ", "sarang chat 1"}, "sarang chat 1"},
		{[]string{"laptop", "x"}, "laptop"},
		{[]string{" a\x00\x1b[2Jb\xff\u202e"}, "a[2Jb"},
		{[]string{strings.Repeat("안", 30)}, strings.Repeat("안", 21)},
	} {
		if got := chat.DeviceName(c.names...); got != c.want {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
}

func FuzzPassword(f *testing.F) {
	f.Add("correct horse", "ann")
	f.Add("e\u0301\u1100\u1161 a\u3000b", "")
	f.Fuzz(func(t *testing.T, s, name string) {
		p, err := chat.ParsePassword(s)
		if err == nil {
			if again, err := chat.ParsePassword(p); err != nil || again != p {
				t.Fatalf("%q is %q, and that is %q, %v", s, p, again, err)
			}
		}
		if d := chat.DeviceName(s, name); len(d) > chat.DeviceNameBytesMax || !utf8.ValidString(d) || chat.DeviceName(d) != d {
			t.Fatalf("the device %q is %q", s, d)
		}
	})
}
