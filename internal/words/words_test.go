package words_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/internal/words"
)

func find(t *testing.T, query, text string) (marked string, found bool) {
	t.Helper()
	q, err := words.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	where, found := q.Find(text)
	var b strings.Builder
	at := 0
	for _, r := range where {
		b.WriteString(text[at:r.From] + "[" + text[r.From:r.To] + "]")
		at = r.To
	}
	return b.String() + text[at:], found
}

// What is found, with the hits marked; "-" where nothing is.
func TestFind(t *testing.T) {
	for _, c := range []struct{ query, text, want string }{
		{"hello", "Hello, world", "[Hello], world"},
		{"HELLO wörld", "hello World", "[hello] [World]"},
		{"hell", "hello", "-"},
		{"hell*", "hello hell Hellas", "[hello] [hell] [Hellas]"},
		{"cafe", "Café au lait", "[Café] au lait"},
		{"café", "cafe\u0301 CAFE", "[cafe\u0301] [CAFE]"},
		{"strasse", "Die Straße", "Die [Straße]"},
		{"lodz", "Łódź", "[Łódź]"},
		{"ο θεοσ", "Ὁ Θεός", "[Ὁ] [Θεός]"},
		{"елка", "Ёлка", "[Ёлка]"},
		{"istanbul", "İSTANBUL", "[İSTANBUL]"},
		{"été", "l'été", "l'[été]"},
		{"don't", "I don't know", "I [don't] know"},
		{`"white house"`, "a white house, the white big house", "a [white house], the white big house"},
		{`"white house`, "white house", "[white house]"},
		{`„white house“`, "white-house", "[white-house]"},
		{`"white hou"*`, "white houses", "[white houses]"},
		{"white house", "the house is white", "the [house] is [white]"},
		{"white house", "the house is black", "-"},
		{"foo_bar.go:12", "see foo_bar.go:12 there", "see [foo_bar.go:12] there"},
		{"v1 0", "v1.0", "[v1].[0]"},
		{"ｆｕｌｌ", "full width", "[full] width"},
		{"fluß", "ﬂuss", "[ﬂuss]"},
		// Korean: words carry endings.
		{"한국", "한국어를 배운다", "[한국]어를 배운다"},
		{"한국", "남한국토", "남[한국]토"},
		{"국", "한국", "한[국]"},
		{"한국", "한 국", "-"},
		{"배운다 한국어", "한국어를 배운다", "[한국어]를 [배운다]"},
		{"\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국", "[한국]"}, // decomposed, as file names of macOS are
		// Japanese: no spaces at all.
		{"東京", "今日は東京都へ行く", "今日は[東京]都へ行く"},
		{"京都", "東京都", "東[京都]"},
		{"東都", "東京都", "-"},
		{"ガ", "カガミ", "カ[ガ]ミ"},
		{"カガミ", "ｶﾞｶﾞﾐ ｶｶﾞﾐ カガミ", "ｶﾞｶﾞﾐ [ｶｶﾞﾐ] [カガミ]"},
		{"サーバー", "サーバーを起動", "[サーバー]を起動"},
		{"キロ", "5㌔ですよ", "5[㌔]ですよ"},
		// Chinese.
		{"上海", "我在上海工作", "我在[上海]工作"},
		{"海", "上海", "上[海]"},
		{"「上海工作」", "我在上海工作。上海，工作", "我在[上海工作]。上海，工作"},
		{"go语言", "用Go语言写的", "用[Go语言]写的"},
		{"ไทย", "ภาษาไทย", "ภาษา[ไทย]"},
		{"", "anything", "anything"},
		{"!!! ...", "anything", "anything"},
	} {
		marked, found := find(t, c.query, c.text)
		if !found {
			marked = "-"
		}
		if marked != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.text, marked, c.want)
		}
	}
}

// A text is found by each word of it, and each pair of characters, through the index and in the
// text; and what is found has the terms by which it is looked up.
func check(t *testing.T, query, text string) {
	t.Helper()
	q, err := words.Parse(query)
	if err != nil {
		return
	}
	terms := words.Terms(text)
	where, found := q.Find(text)
	at := 0
	for _, r := range where {
		if r.From < at || r.To <= r.From || r.To > len(text) || !utf8.ValidString(text[r.From:r.To]) && utf8.ValidString(text) {
			t.Fatalf("%q in %q: ranges %v", query, text, where)
		}
		at = r.To
	}
	if !found {
		return
	}
	for _, want := range q.Terms() {
		has := slices.ContainsFunc(terms, func(s string) bool {
			return s == want.Text || want.Prefix && strings.HasPrefix(s, want.Text)
		})
		if !has {
			t.Fatalf("%q is in %q, which has no term %v: %q", query, text, want, terms)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"Hello wörld", "東京都 カガミ ｶﾞ ㌔", "한국어 \u1112\u1161\u11ab", `"a b"* c*`, "Straße ﬂ İ ½ ²", "\xff a\u0301\u0301"} {
		f.Add(seed, seed)
		f.Add("a*", seed)
	}
	f.Fuzz(func(t *testing.T, query, text string) {
		check(t, query, text)
		for _, s := range words.Terms(text) {
			if len(s) > words.TermBytesMax || strings.ContainsAny(s, " \"*:'") || s == "" || !utf8.ValidString(s) {
				t.Fatalf("term %q of %q", s, text)
			}
		}
		// A text finds itself, and any piece of it does between spaces.
		for _, piece := range strings.Fields(text) {
			q, err := words.Parse(piece)
			if err != nil || strings.ContainsAny(piece, "\"“”„«»「」『』＂*") {
				continue
			}
			if _, found := q.Find(text); !found {
				t.Fatalf("%q is not found in %q", piece, text)
			}
			check(t, piece, text)
		}
	})
}

// corpus is testdata/corpus.json: for each language texts, and queries with the texts that they find.
type corpus struct {
	Language string
	Texts    []string
	Queries  []struct {
		Query string
		Finds []int
	}
}

// The corpora of Korean, Japanese and Chinese have the hits that somebody who reads them expects.
func TestCorpora(t *testing.T) {
	b, err := os.ReadFile("testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []corpus
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, c := range all {
		for _, q := range c.Queries {
			queries++
			parsed, err := words.Parse(q.Query)
			if err != nil {
				t.Fatal(err)
			}
			got := []int{}
			for i, text := range c.Texts {
				if _, found := parsed.Find(text); found {
					got = append(got, i)
				}
				check(t, q.Query, text)
			}
			if !slices.Equal(got, q.Finds) {
				t.Errorf("%s: %q finds %v, want %v", c.Language, q.Query, got, q.Finds)
			}
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries", queries)
	}
}

func TestParseBounds(t *testing.T) {
	for _, s := range []string{strings.Repeat("a", words.QueryBytesMax+1), strings.Repeat("a ", words.QueryTermsMax+1)} {
		if _, err := words.Parse(s); err == nil {
			t.Errorf("%d bytes: no error", len(s))
		}
	}
	if _, err := words.Parse(strings.Repeat("a ", words.QueryTermsMax)); err != nil {
		t.Error(err)
	}
}

func TestHasLink(t *testing.T) {
	for text, want := range map[string]bool{
		"see https://example.org/x": true, "HTTP://a": true, "http://[::1]/": true, "(http://ä.example)": true,
		"": false, "https://": false, "ftp://example.org": false, "xhttp: //a": false, "https:// a": false,
	} {
		if got := words.HasLink(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func BenchmarkTerms(b *testing.B) {
	for name, text := range map[string]string{
		"latin":  "The quick brown fox jumps over the lazy dog, and then some more words follow it here.",
		"korean": "오늘은 서울에서 친구를 만나 점심을 먹고 한강 공원을 걸었다.",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				words.Terms(text)
			}
		})
	}
}
