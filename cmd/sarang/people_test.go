package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/control"
	"sarang/internal/store"
)

// The commands work on the data of a stopped server, and say by their exit codes what is wrong.
func TestOperateStopped(t *testing.T) {
	data := t.TempDir()
	fill(t, "sqlite:"+data)
	speak(t, "sqlite:"+data)
	for _, c := range []struct {
		args string
		code int
		want string // in the output
	}{
		{"user list", 0, " u "},
		{"user search u", 0, " u "},
		{"user search x", 0, ""},
		{"user show u", 0, "3 messages"},
		{"user show id:1", 0, "3 messages"},
		{"user show u", 0, "status at tea"},
		{"user show nobody", exitNothing, ""},
		{"user show id:99", exitNothing, ""},
		{"user show", exitUsage, ""},
		{"user show !", exitUsage, ""},
		{"user operator u --reason because", 0, "u (user 1) is an operator"},
		{"user list", 0, "operator"},
		{"user operator u --off", 0, "is no operator"},
		{"user operator nobody", exitNothing, ""},
		{"user export u", 0, `{"profile":{"about":"two\nlines","status":"at tea","hidden":true}}`},
		{"room list", 0, "#r "},
		{"room show r", 0, "3 events"},
		{"room show #r", 0, "3 events"},
		{"room show id:1", 0, "3 events"},
		{"room show nowhere", exitNothing, ""},
		{"room archive r", 0, "#r                                       4 events"},
		{"room archive #r", 0, "4 events"},
		{"room list", 0, "archived"},
		{"room unarchive r", 0, "5 events"},
		{"room describe r tea", 0, "6 events"},
		{"room slow r 30s", 0, "each 30s"},
		{"room slow r 1500ms", exitUsage, ""},
		{"room slow r never", exitUsage, ""},
		{"room rename r #Tea", 0, "#Tea "},
		{"room rename r x", exitNothing, ""},
		{"room rename tea !", exitUsage, ""},
		{"room show tea", 0, "room renamed: r is Tea in #Tea, by the operator of the server"},
		{"room rename tea r", 0, "#r "},
		{"room delete nowhere", exitNothing, ""},
		{"ban u --for 2d --reason spam", 0, "of u (user 1), until "},
		{"ban 10.1.2.3", 0, "of 10.1.2.3/32, for good"},
		{"ban 2001:db8::1/32", 0, "of 2001:db8::/32, for good"},
		{"ban 0.0.0.0/0", exitUsage, ""},
		{"ban u --for never", exitUsage, ""},
		{"ban u --for -1h", exitUsage, ""},
		{"ban nobody", exitNothing, ""},
		{"ban list", 0, "ban 7 of 10.1.2.3/32"},
		{"ban remove 7 --reason mistake", 0, "taken back: ban 7"},
		{"ban remove 7", exitNothing, ""},
		{"ban remove x", exitUsage, ""},
		{"user show u", 0, "ban 6 of u"},
		{"audit", 0, "unban 10.1.2.3/32, by the operator of the server: mistake"},
		{"audit --user u --since 1h --max 1", 0, "older: --before "},
		{"audit --room nowhere", exitNothing, ""},
		{"audit --since yesterday", exitUsage, ""},
		{"audit --before x", exitUsage, ""},
		{"user reset-password u", 0, "password: "},
		{"user reset-password u --password-file nowhere", exitUsage, ""},
		{"user reset-password nobody", exitNothing, ""},
		{"user end-sessions u", 0, "no sessions any more"},
		{"invite --uses 2 --for 7d --note friends", 0, "for 2 registrations, until "},
		{"invite --uses 0", exitUsage, ""},
		{"invite list", 0, "for 2 registrations, until "},
		{"invite list --after x", exitUsage, ""},
		{"user erase nobody", exitNothing, ""},
		{"user erase id:1", 0, "is nobody now"},
		{"audit --max 1", 0, "erase"},
		{"user export id:1", 0, `{"thread":{"room":1,"root":2,"followed":false,"mark":0}}`}, // where he was, not what he has read
		{"room delete r", 0, "#r (room 1) is deleted"},
		{"room list", 0, ""},
		{"room show id:1", exitNothing, ""},
		{"audit --max 1", 0, "deleted: r"},
		{"report list", 0, ""},
		{"report resolve 1 acted", exitNothing, ""},
		{"report resolve 1 maybe", exitUsage, ""},
	} {
		args := strings.Fields(c.args)
		root := group("sarang", "", "", userCommand(), roomCommand(), banCommand(), auditCommand(), reportCommand(), inviteCommand())
		out, code, err := run(t, root, append(args, "--data", data)...)
		if code != c.code || c.code == 0 && !strings.Contains(out, c.want) {
			t.Errorf("sarang %s: exit %d, %v; want %d and %q\n%s", c.args, code, err, c.code, c.want, out)
		}
	}
	out, code, err := run(t, auditCommand(), "--json", "--max", "2", "--data", data)
	var r control.Entries
	if code != 0 || json.Unmarshal([]byte(out), &r) != nil || len(r.Entries) != 2 || r.Next == nil || r.Entries[0].What != "deleted: r" {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
}

// speak has the user u say something of himself.
func speak(t *testing.T, url string) {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.ChangeProfile(t.Context(), 1, chat.ProfileChange{Status: new("at tea"), About: new("two\nlines"), Hidden: new(true)})
	for _, k := range chat.RecordKinds() {
		if k.Name == "follows" {
			err = errors.Join(err, s.(chat.Archive).AddRecords(t.Context(), k, []chat.Record{{int64(1), int64(1), int64(2), int64(1), int64(3)}}))
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}
