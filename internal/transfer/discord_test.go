package transfer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

func TestDiscord(t *testing.T) {
	s := storesim.NewDisk(nil).Open()
	file := filepath.Join("testdata", "discord-tea.json")
	r := mustImport(t, s, Options{}, file)
	same(t, logOf(t, s, "tea-talk"), `
01 09:00:00.123 describe: All about tea
01 09:00:00.123 ann: Welcome, [@bob](user:2) and [@carol](user:3)! [@room](user:all) is here, @Bobbyfan not⏎[menu (1).pdf] https://cdn.example/menu.pdf
01 09:00:00.123 bob react >2: 👍
01 09:00:00.123 carol react >2: 👍
01 09:00:00.123 ann pin >2: `+`
01 09:01:00.000 bob >2: 안녕하세요
01 09:02:00.000 Server-discord >6 thread 2: to the answer
01 09:03:00.000 ann: to something that is gone
`)
	if r.Format != "discord" || r.UsersMade != 4 || r.LeftOut["reactions that are no emojis here"] != 1 ||
		r.LeftOut["reactions of which the file does not say whose they are"] != 1 || r.LeftOut["references to messages that are not in the file, or far before"] != 1 ||
		r.LeftOut["messages of the program about joins, pins and the like"] != 1 || r.LeftOut["messages' previews and stickers"] != 1 {
		t.Errorf("%+v", r)
	}
	threads, err := s.Threads(t.Context(), chat.ThreadQuery{Room: 1, ItemsMax: 10})
	if err != nil || len(threads) != 1 || threads[0] != (chat.Thread{Root: 2, Replies: 2, Last: 7}) {
		t.Errorf("threads: %v, %v", threads, err)
	}
	if p, err := s.Profiles(t.Context(), []chat.UserID{1, 2, 3}); err != nil || len(p) != 2 || p[0].DisplayName != "Ann B." || p[1].DisplayName != "Bobby" {
		t.Errorf("profiles: %v, %v", p, err)
	}
	if r := mustImport(t, s, Options{}, file); r.EventsThere != 8 || r.EventsWritten+r.UsersMade+r.RoomsMade != 0 {
		t.Errorf("a second time: %+v", r)
	}
	mapped := newHistory(t)
	annie := mapped.user("annie", 1)
	r = mustImport(t, mapped.s, Options{Users: map[string]string{"ann": "annie", "Server#0042": "id:1"}, Into: "here"}, file)
	if r.UsersMade != 2 || r.UsersThere != 2 || !strings.Contains(logOf(t, mapped.s, "here"), "annie >6 thread 2: to the answer") || annie != 1 {
		t.Errorf("%+v\n%s", r, logOf(t, mapped.s, "here"))
	}
}

// A file that is cut off, or no JSON, or hides a huge value, is told so.
func TestBadDiscord(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "discord-tea.json"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for what, text := range map[string]string{
		"cut off":              whole[:len(whole)/2],
		"no channel":           `{"messages":[]}`,
		"another type":         strings.Replace(whole, `"content": "안녕하세요"`, `"content": 7`, 1),
		"no time":              strings.Replace(whole, `2024-05-01T11:01:00+02:00`, `yesterday`, 1),
		"no id":                strings.Replace(whole, `"id": "1100000000000000003"`, `"id": "x"`, 1),
		"no user":              strings.Replace(whole, `"author": {"id": "300000000000000002"`, `"author": {"id": ""`, 1),
		"no JSON":              strings.Replace(whole, `"type": "Reply"`, `"type: "Reply"`, 1),
		"messages are none":    `{"channel":{"id":"1"},"messages":{}}`,
		"a huge value":         strings.Replace(whole, "안녕하세요", strings.Repeat("x", 2*valueBytesMax), 1),
		"a huge value outside": strings.Replace(whole, `"messageCount"`, `"x": "`+strings.Repeat("x", 2*valueBytesMax)+`", "messageCount"`, 1),
	} {
		s := storesim.NewDisk(nil).Open()
		r, err := importInto(s, Options{Format: "discord"}, fileOf(t, "x.json", text))
		if !errors.Is(err, ErrNotWritten) || r.Faults != 1 || len(r.Told) == 0 {
			t.Errorf("%s: %v\n%+v", what, err, r)
		}
		if users, _ := s.Users(t.Context(), 0, 1); len(users) > 0 {
			t.Errorf("%s: something was written", what)
		}
	}
}
