package emoji

import (
	"strings"
	"testing"
)

func TestIs(t *testing.T) {
	for _, s := range []string{
		"👍", "👍🏽", "❤️", "❤", "🙂", "🇰🇷", "👩‍👩‍👧‍👦", "🧑🏿‍🤝‍🧑🏻", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "1️⃣", "#️⃣", "©️", "‼️", "↩️", "🏳️‍🌈", "⭐", "㊗️",
	} {
		if !Is(s) {
			t.Errorf("%q is no emoji", s)
		}
	}
	for _, s := range []string{
		"", "a", "👍👍", "👍a", "a👍", " ", "👍 ", "가", "1", "#", "🇰", "🇰🇷🇰🇷", "🏽", "\u200d", "\ufe0f", "👍\x00", "\xff", "⠀",
		"e\u0301", "👍\u0301", strings.Repeat("👍\u200d", 20) + "👍", "\u202e", "中",
	} {
		if Is(s) {
			t.Errorf("%q is an emoji", s)
		}
	}
}

func FuzzIs(f *testing.F) {
	f.Add("👍🏽")
	f.Fuzz(func(t *testing.T, s string) {
		if Is(s) && (len(s) > 64 || strings.ContainsAny(s, "\x00\n\r\u202e ")) {
			t.Errorf("%q is an emoji", s)
		}
	})
}
