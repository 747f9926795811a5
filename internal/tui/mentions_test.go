package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/client"
)

// Who writes @name means somebody who is there; who reads sees a name, and the one that he has now.
func TestMentionsAreWrittenAndRead(t *testing.T) {
	r := newRoom(client.Joined{Room: client.RoomInfo{ID: 1, Name: "lobby", Epoch: 5}})
	r.members[7], r.members[8] = "Ann", "J.R."
	for typed, sent := range map[string]string{
		"hi @Ann!":            "hi [@Ann](user:7)!",
		"@ann: so?":           "[@ann](user:7): so?",
		"@Ann.":               "[@Ann](user:7).",
		"@J.R. @J.R..":        "[@J.R.](user:8) [@J.R.](user:8).",
		"@Anna, a@Ann, @":     "@Anna, a@Ann, @",
		"@room":               "[@room](user:all)",
		"@@Ann @Ann@Ann":      "@[@Ann](user:7) [@Ann](user:7)[@Ann](user:7)",
		"[@Ann](user:9)":      "[@Ann](user:9)",
		"nobody":              "nobody",
		"안녕 @Ann, mail a@b.c": "안녕 [@Ann](user:7), mail a@b.c",
	} {
		if got := r.mentioning(typed); got != sent {
			t.Errorf("%q is sent as %q, want %q", typed, got, sent)
		}
	}
	r.event(chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: 2, Name: "ben", Text: "hi [@Old](user:7) and [@Gone](user:9)[@room](user:all)"}, 1)
	if got := r.entries[0].text; got != "hi @Ann and @Gone@room" {
		t.Errorf("it is shown as %q", got)
	}
	if got := withMentions("[@a\x1b](user:7)", nil); !strings.HasPrefix(got, "@a") {
		t.Errorf("%q", got)
	}
}

// threadsOf answers as a server that knows one thread with three new messages, of which one was deleted.
type threadsOf struct {
	Conn
	told []string
}

func (c *threadsOf) UnreadThreads(context.Context, chat.RoomID, chat.Seq, int) (client.ThreadPage, error) {
	root := client.StatedMessage{Event: chat.Event{Seq: 4, Kind: chat.EventMessage, Name: "ann", Text: "why?"}}
	return client.ThreadPage{Threads: []client.Thread{{Root: root, Replies: 5, Last: 12, Followed: true, Mark: 7, Unread: 2}}}, nil
}

func (c *threadsOf) Thread(_ context.Context, root chat.Seq, h client.History) (client.HistoryPage, error) {
	c.told = append(c.told, fmt.Sprint("thread ", root, " after ", h.After))
	return client.HistoryPage{Events: []chat.Event{
		{Seq: 9, Kind: chat.EventMessage, Name: "ben", Text: "so"},
		{Seq: 10, Kind: chat.EventMessage, Name: "ben"},
		{Seq: 12, Kind: chat.EventMessage, Name: "cho", Text: "[@Ann](user:7)!"},
	}}, nil
}

func (c *threadsOf) ReadThread(_ context.Context, room chat.RoomID, root, seq chat.Seq) (client.Followed, error) {
	c.told = append(c.told, fmt.Sprint("room ", room, ", thread ", root, " read to ", seq))
	return client.Followed{}, nil
}

func (c *threadsOf) Follow(_ context.Context, room chat.RoomID, root chat.Seq, remove bool) (client.Followed, error) {
	c.told = append(c.told, fmt.Sprint("room ", room, ", thread ", root, " followed no more: ", remove))
	return client.Followed{}, nil
}

// What is new in threads is shown, and is read then.
func TestUnreadThreadsAreShown(t *testing.T) {
	c := &threadsOf{}
	got := Pick{Room: 1, Verb: VerbUnread}.perform(t.Context(), c)
	want := Notice{"ann: why?  ↪ 5, 2 new\n    ben: so\n    cho: @Ann!"}
	if got != want {
		t.Errorf("it shows %q, want %q", got, want)
	}
	if told := strings.Join(c.told, "; "); told != "thread 4 after 7; room 1, thread 4 read to 12" {
		t.Errorf("the server is told %s", told)
	}
}

// A thread is followed by any of its messages.
func TestThreadsAreFollowed(t *testing.T) {
	m := New(Options{})
	m.Update(client.Joined{Room: client.RoomInfo{ID: 1, Name: "lobby", Epoch: 5}})
	m.Update(chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: 2, Name: "ann", Text: "why?"})
	m.Update(chat.Event{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 3, Name: "ben", Text: "so", Target: 1})
	for line, want := range map[string]string{
		"/follow":      "room 1, thread 1 followed no more: false",
		"/unfollow ^2": "room 1, thread 1 followed no more: true",
	} {
		command, err := ParseCommand(line)
		if err != nil {
			t.Fatal(err)
		}
		effects := m.changing(command)
		if len(effects) != 1 {
			t.Fatalf("%s: %v, %s", line, effects, m.hint)
		}
		c := &threadsOf{}
		effects[0].(Change).perform(t.Context(), c)
		if got := strings.Join(c.told, "; "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if _, err := ParseCommand("/follow me"); err == nil {
		t.Error("/follow with words is taken")
	}
}
