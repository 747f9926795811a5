package words_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/words"
)

func TestFilter(t *testing.T) {
	f := words.NewFilter([]string{"spam", "buy now", "Straße", "바보", "café au lait", "!?", "", "buy now cheap", "a b c"})
	for text, want := range map[string]bool{
		"": false, "hello": false, "SPAM!": true, "spammer": false, "anti-spam": true, "s p a m": false,
		"buy": false, "buy it now": false, "Buy, now.": true, "buy\nnow": true, "buy buy now": true, "now buy": false,
		"in der STRASSE": true, "strasse": true, "너 바보야": true, "바 보": true, "바다": false,
		"Cafe\u0301 AU lait": true, "cafe au": false, "a b a b c": true, "!?": false, "ｓｐａｍ": true,
		chat.MentionText(7, "spam") + " hi": true, chat.MentionText(7, "ann") + " hi": false,
		strings.Repeat("a b ", 4000): false,
	} {
		if got := f.Finds(text); got != want {
			t.Errorf("%.40q: %t", text, got)
		}
	}
	if user := words.NewFilter([]string{"user"}); user.Finds("hi "+chat.MentionText(7, "ann")) || !user.Finds("a user") {
		t.Error("what makes a mention is taken for words")
	}
	if none := words.NewFilter([]string{"", "!"}); none.Finds("x !") {
		t.Error("a filter without words finds something")
	}
	for text, want := range map[string]bool{"": false, "!?": false, "x": true, " 바": true, "👍": false} {
		if words.HasWords(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

// What is looked for is bounded: phrases that begin alike, and a text that begins them all the time.
func TestFilterIsBounded(t *testing.T) {
	var all []string
	for n := range 200 {
		all = append(all, strings.Repeat("a ", 31)+strings.Repeat("b", n+1))
	}
	f, text := words.NewFilter(all), strings.Repeat("a ", 8<<10)
	begun := time.Now()
	if f.Finds(text) {
		t.Error("found")
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := words.NewFilter([]string{"spam", "buy now", "바보", "casino bonus"})
	text := strings.Repeat("a message as people write them, of some length. ", 4)
	b.ReportAllocs()
	for b.Loop() {
		if f.Finds(text) {
			b.Fatal("found")
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("spam", "Spam, and more")
	f.Add("바보", "[@ann](user:7) 바보")
	f.Fuzz(func(t *testing.T, phrase, text string) {
		all := words.NewFilter([]string{phrase, "buy now"})
		if found := all.Finds(text); !found && words.NewFilter([]string{phrase}).Finds(text) {
			t.Errorf("%q finds less beside another one in %q", phrase, text)
		}
		// A phrase finds itself, unless it is a mention, which is looked at as what it shows.
		if !strings.Contains(phrase, "](user:") && !strings.Contains(phrase, "[@") && words.HasWords(phrase) && !words.NewFilter([]string{phrase}).Finds(phrase) {
			t.Errorf("%q does not find itself", phrase)
		}
	})
}
