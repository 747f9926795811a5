package chat_test

import (
	"errors"
	"strings"
	"testing"

	"sarang/chat"
)

func TestParseUserNameAccepts(t *testing.T) {
	for _, c := range []struct{ in, display, key string }{
		{"minji", "minji", "minji"},
		{"MinJi", "MinJi", "minji"},
		{"민지", "민지", "민지"},
		{"\u1106\u1175\u11ab\u110c\u1175", "민지", "민지"}, // decomposed, as some file systems and keyboards give it
		{"민지_Kim", "민지_Kim", "민지_kim"},
		{"金민지", "金민지", "金민지"},
		{"さくら", "さくら", "さくら"},
		{"山田サクラ-Y", "山田サクラ-Y", "山田サクラ-y"},
		{"アルファ・ベータ", "アルファ・ベータ", "アルファ・ベータ"},
		{"ﾊﾝｶｸ", "ハンカク", "ハンカク"},
		{"ＦｕｌｌＷｉｄｔｈ", "FullWidth", "fullwidth"},
		{"Привет", "Привет", "привет"},
		{"Ωμέγα", "Ωμέγα", "ωμέγα"},
		{"Straße", "Straße", "straße"},
		{"\u212bngstro\u0308m", "Ångström", "ångström"}, // the Ångström sign, and a combining mark
		{"שלום", "שלום", "שלום"},
		{"สมชายX", "สมชายX", "สมชายx"},
		{"a.b-c_9", "a.b-c_9", "a.b-c_9"},
		{"_x", "_x", "_x"},
		{"지민.", "지민.", "지민."},
		{"지민＿", "지민_", "지민_"},
		{"サラ・", "サラ・", "サラ・"},
		{"ｻﾗ･", "サラ・", "サラ・"},
		{"été_", "été_", "été_"},
		{"ΣΑΣ", "ΣΑΣ", "σασ"}, // with and without a final sigma
		{"σας", "σας", "σασ"},
		{"ılgaz", "ılgaz", "ılgaz"}, // Turkish: another letter than i
		{"7", "7", "7"},
		{strings.Repeat("한", 32), strings.Repeat("한", 32), strings.Repeat("한", 32)},
		{strings.Repeat("ａ", 32), strings.Repeat("a", 32), strings.Repeat("a", 32)},
	} {
		display, key, err := chat.ParseUserName(c.in)
		if err != nil || display != c.display || key != c.key {
			t.Errorf("ParseUserName(%q) = %q, %q, %v; want %q, %q", c.in, display, key, err, c.display, c.key)
		}
	}
}

func TestParseUserNameRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, say string }{
		{"empty", "", "empty"},
		{"space", "min ji", "space"},
		{"ideographic space", "民　芝", "space"},
		{"no-break space", "a\u00a0b", "space"},
		{"newline", "a\nb", "space"},
		{"control", "a\x07b", "control"},
		{"nul", "a\x00b", "control"},
		{"zero width joiner", "a\u200db", "invisible"},
		{"right-to-left override", "a\u202eb", "invisible"},
		{"not UTF-8", "a\xffb", "UTF-8"},
		{"too many runes", strings.Repeat("a", 33), "32 characters"},
		{"too many bytes", strings.Repeat("𐐀", 25), "96 bytes"},
		{"far too long", strings.Repeat("x", 1<<20), "too long"},
		{"emoji", "mi😀", "not allowed"},
		{"symbol", "a+b", "letters, digits"},
		{"channel sign", "#room", "begin with"},
		{"at sign", "a@b", "letters, digits"},
		{"slash", "a/b", "letters, digits"},
		{"leading dot", ".hidden", "begin with"},
		{"leading dash", "-flag", "begin with"},
		{"leading mark", "\u0301a", "not allowed"},
		{"bidi rule", "אa", "writing directions"},
		{"digit before hebrew", "1א", "writing directions"},
		{"old hangul", "ᄀᄀ", "not allowed"},
		{"ligature", "ﬁsh", "not allowed"},
		{"cyrillic a among latin", "аdmin", "scripts"},
		{"greek among latin", "αlpha", "scripts"},
		{"two others", "กД", "scripts"},
		{"hangul with kana", "민さ", "scripts"},
		{"reserved", "server", "reserved"},
		{"reserved in capitals", "ADMIN", "reserved"},
		{"reserved in full width", "Ｓｙｓｔｅｍ", "reserved"},
		{"reserved, ours", "Sarang", "reserved"},
		{"reserved, Korean", "관리자", "reserved"},
		{"reserved, dotless", "admın", "reserved"},
		{"reserved, alpha", "ɑdmin", "reserved"},
		{"reserved, small capital", "ꜱerver", "reserved"},
		{"reserved, small capitals", "ᴀᴅᴍɪɴ", "reserved"},
		{"reserved, with a dot", "admin.", "reserved"},
		{"reserved, with a line", "_admin", "reserved"},
		{"reserved, with lines", "__root--", "reserved"},
		{"reserved, Korean with a dot", "관리자.", "reserved"},
		{"reserved, with digits", "r00t", "reserved"},
		{"reserved, one for i", "ADM1N", "reserved"},
		{"reserved, l for i", "adrnln", "reserved"},
		{"middle dot alone", "server・", "kana or Han"},
		{"middle dot in Korean", "지・민", "kana or Han"},
		{"hebrew with a dot", "אב.", "writing directions"},
	} {
		display, key, err := chat.ParseUserName(c.in)
		if err == nil {
			t.Errorf("%s: ParseUserName(%.40q) = %q, %q; want an error", c.name, c.in, display, key)
			continue
		}
		wantNameError(t, c.name, err, c.say)
		if display != "" || key != "" {
			t.Errorf("%s: forms returned with an error: %q, %q", c.name, display, key)
		}
	}
}

func wantNameError(t *testing.T, name string, err error, say string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeBadName {
		t.Errorf("%s: error %v, want CodeBadName", name, err)
		return
	}
	if !strings.Contains(e.Message, say) {
		t.Errorf("%s: the sentence %q does not say %q", name, e.Message, say)
	}
}

func TestParseRoomName(t *testing.T) {
	for _, c := range []struct{ in, name, key string }{
		{"lobby", "lobby", "lobby"},
		{"Lobby-2", "Lobby-2", "lobby-2"},
		{"사랑방", "사랑방", "사랑방"},
		{"server", "server", "server"},
		{"日本語", "日本語", "日本語"},
		{strings.Repeat("r", 64), strings.Repeat("r", 64), strings.Repeat("r", 64)},
	} {
		name, key, err := chat.ParseRoomName(c.in)
		if err != nil || name != c.name || key != c.key {
			t.Errorf("ParseRoomName(%q) = %q, %q, %v; want %q, %q", c.in, name, key, err, c.name, c.key)
		}
	}
	for _, c := range []struct{ name, in, say string }{
		{"empty", "", "empty"},
		{"sign", "#lobby", "without the leading #"},
		{"too long", strings.Repeat("r", 65), "64 bytes"},
		{"too long in Korean", strings.Repeat("방", 22), "64 bytes"},
		{"space", "my room", "space"},
		{"parent folder", "..", "begin with"},
		{"comma", "a,b", "letters, digits"},
	} {
		if _, _, err := chat.ParseRoomName(c.in); err == nil {
			t.Errorf("%s: ParseRoomName(%q) was accepted", c.name, c.in)
		} else {
			wantNameError(t, c.name, err, c.say)
		}
	}
}

func TestCheckText(t *testing.T) {
	const maxBytes = 12
	for _, s := range []string{"a", "안녕하세", "line\nbreak\t", strings.Repeat("x", maxBytes)} {
		if err := chat.CheckText(s, maxBytes); err != nil {
			t.Errorf("CheckText(%q) = %v", s, err)
		}
	}
	for _, c := range []struct{ s, say string }{
		{"", "empty"},
		{strings.Repeat("x", maxBytes+1), "13 bytes, at most 12"},
		{"a\x00b", "NUL"},
		{"a\xed\xa0\x80", "UTF-8"}, // half of a surrogate pair
		{"안녕하세"[:11], "UTF-8"},
	} {
		err := chat.CheckText(c.s, maxBytes)
		if chat.CodeOf(err) != chat.CodeBadText || !strings.Contains(err.Error(), c.say) {
			t.Errorf("CheckText(%q) = %v; want CodeBadText with %q", c.s, err, c.say)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	inner := errors.New("disk")
	err := error(&chat.Error{Code: chat.CodeUnavailable, Message: "try later", Err: inner})
	if err.Error() != "try later: disk" || !errors.Is(err, inner) {
		t.Errorf("error %v does not carry its cause", err)
	}
	if c := chat.CodeOf(err); c != chat.CodeUnavailable {
		t.Errorf("CodeOf = %d", c)
	}
	if chat.CodeOf(nil) != 0 || chat.CodeOf(inner) != chat.CodeInternal {
		t.Error("CodeOf of nil must be 0, of a foreign error CodeInternal")
	}
}

// Two names that look alike have one skeleton, and a skeleton is its own. What differs in
// ASCII alone is left to the reader's eyes.
func TestSkeleton(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"admin", "admın"},
		{"paypal", "раураӏ"},
		{"capa", "сара"},
		{"oo", "οο"},
		{"été", "e\u0301te\u0301"},
		{"minji", "mınjı"},
	} {
		if a, b := chat.Skeleton(c.a), chat.Skeleton(c.b); a != b || chat.Skeleton(a) != a {
			t.Errorf("%q has the skeleton %q and %q has %q", c.a, a, c.b, b)
		}
	}
	for _, c := range []struct{ a, b string }{{"corn", "com"}, {"a1", "al"}, {"민지", "민자"}, {"ena", "eña"}, {"kim.", "kim"}} {
		if a, b := chat.Skeleton(c.a), chat.Skeleton(c.b); a == b {
			t.Errorf("%q and %q have one skeleton, %q", c.a, c.b, a)
		}
	}
}
