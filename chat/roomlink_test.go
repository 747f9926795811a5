package chat_test

import (
	"strings"
	"testing"

	"sarang/chat"
)

func TestRoomLinkCode(t *testing.T) {
	code := chat.InvitationCode([chat.InvitationBytes]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	for text, want := range map[string]string{
		code: code, "  " + code + "\n": code,
		"https://chat.example/" + chat.RoomLinkMark + code: code,
		"http://localhost:8080/a/b?c=d" + "#/join/" + code: code,
		"": "", "general": "", "a-b-c-d": "", code[1:]: "", code + "-ABCD": "",
		"OOOO-OOOO-OOOO-OOOO": "", "AAAA-BBBB-CCCC-DDD\xff": "", strings.ToLower(code): "",
		"#/join/": "", "#/join/" + code + "/x": "", strings.Repeat(" ", 1<<20) + "#/join/" + code: code,
		strings.Repeat("x", 1<<20) + "#/join/" + code: "",
	} {
		if got, is := chat.RoomLinkCode(text); got != want || is != (want != "") {
			t.Errorf("%.60q: %q, %t; want %q", text, got, is, want)
		}
	}
}
