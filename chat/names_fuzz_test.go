package chat_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"sarang/chat"
)

// The two parsers promise that what they return is final: parsing it again changes
// nothing, and the key is a name with the same key.
func FuzzParseUserName(f *testing.F) {
	for _, s := range []string{"minji", "민지", "ＦｕｌｌＷｉｄｔｈ", "ﾊﾝｶｸ", "İstanbul", "ΣΑΣ", "אבג", "аdmin", "a\u0301\u0323", "\xff", "ͅ", "Ⱥ", "ﾞ", "σας.", "지민・", "ｻ･", "ᲀа", "ᾳ", "a\u0345", "сара_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		display, key, err := chat.ParseUserName(s)
		if !nameIsSound(t, s, display, key, err, chat.UserNameBytesMax) {
			return
		}
		if n := utf8.RuneCountInString(display); n > chat.UserNameRunesMax {
			t.Fatalf("%q has %d code points", display, n)
		}
		if look := chat.Skeleton(key); chat.Skeleton(look) != look || look == "" {
			t.Fatalf("the skeleton %q of %q has the skeleton %q", look, key, chat.Skeleton(look))
		}
		again, sameKey, err := chat.ParseUserName(display)
		if err != nil || again != display || sameKey != key {
			t.Fatalf("%q gave %q, %q; parsed again %q, %q, %v", s, display, key, again, sameKey, err)
		}
		ofKey, keyOfKey, err := chat.ParseUserName(key)
		if err != nil || ofKey != key || keyOfKey != key {
			t.Fatalf("the key %q of %q parses as %q, %q, %v", key, s, ofKey, keyOfKey, err)
		}
	})
}

func FuzzParseRoomName(f *testing.F) {
	for _, s := range []string{"lobby", "사랑방", "#x", "a b", "Ｒｏｏｍ", ".."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, key, err := chat.ParseRoomName(s)
		if !nameIsSound(t, s, name, key, err, chat.RoomNameBytesMax) {
			return
		}
		again, sameKey, err := chat.ParseRoomName(name)
		if err != nil || again != name || sameKey != key {
			t.Fatalf("%q gave %q, %q; parsed again %q, %q, %v", s, name, key, again, sameKey, err)
		}
		ofKey, keyOfKey, err := chat.ParseRoomName(key)
		if err != nil || ofKey != key || keyOfKey != key {
			t.Fatalf("the key %q of %q parses as %q, %q, %v", key, s, ofKey, keyOfKey, err)
		}
	})
}

// FuzzNameForms writes a name in other ways that people take for the same: with an "é"
// of one code point or of two, with the full-width letters of Japanese keyboards, or with
// other capitals. They must be one name, or one of them be refused.
func FuzzNameForms(f *testing.F) {
	for _, s := range []string{"Minji", "민지", "Ünsal", "ＦｕｌｌＷｉｄｔｈ", "ﾊﾝｶｸ", "ΣΑΣ", "Ǆ", "café"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		display, key, err := chat.ParseUserName(s)
		if err != nil {
			return
		}
		if !norm.NFC.IsNormalString(display) || width.Fold.String(display) != display {
			t.Fatalf("%q is shown as %q", s, display)
		}
		for _, form := range []string{norm.NFD.String(s), norm.NFC.String(s), width.Fold.String(s), swapCase(s), strings.ToUpper(s), strings.ToLower(s)} {
			_, other, err := chat.ParseUserName(form)
			if err == nil && other != key {
				t.Fatalf("%q has the key %q, and %q has %q", s, key, form, other)
			}
		}
		if _, other, err := chat.ParseRoomName(s); err == nil && other != key {
			t.Fatalf("%q has the key %q as a user and %q as a room", s, key, other)
		}
	})
}

// swapCase makes capitals of the letters a to z, and the other way round.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r ^ 0x20
		}
		return r
	}, s)
}

// nameIsSound checks what holds for every answer; false means that s was refused.
func nameIsSound(t *testing.T, s, display, key string, err error, bytesMax int) bool {
	t.Helper()
	if err != nil {
		if chat.CodeOf(err) != chat.CodeBadName || display != "" || key != "" {
			t.Fatalf("%q refused with %q, %q, %v", s, display, key, err)
		}
		return false
	}
	for _, form := range []string{display, key} {
		if form == "" || len(form) > bytesMax || !utf8.ValidString(form) {
			t.Fatalf("%q has the form %q", s, form)
		}
		if strings.ContainsAny(form, " #@:,/\\\x00\r\n") {
			t.Fatalf("%q has the form %q with a delimiter", s, form)
		}
	}
	return true
}
