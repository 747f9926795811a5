package server_test

import (
	"log/slog"
	"testing"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
)

// Somebody who was away finds where he is mentioned, what was answered, and what is pinned.
func TestMentionsOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		dialAs := func(name string) *client.Client {
			t.Helper()
			c, err := client.Dial(t.Context(), client.Config{
				Addr: s.Addrs()[0].Addr.String(), Name: name, DiscardEvents: true, Logger: slog.New(slog.DiscardHandler), Debug: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		ann, ben := dialAs("ann"), dialAs("ben")
		in, err := ben.Join(t.Context(), client.Join{Name: "lobby", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		room := in.Room.ID
		if _, err := ann.Join(t.Context(), client.Join{Room: room}); err != nil {
			t.Fatal(err)
		}
		text := "look, " + chat.MentionText(ben.Self().User, "ben")
		seq, err := ann.Publish(t.Context(), room, "look")
		if err != nil {
			t.Fatal(err)
		}
		edited, err := ann.Edit(t.Context(), room, seq, text)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := ben.Reply(t.Context(), room, client.Reply{Target: seq, Text: "oh"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ben.Pin(t.Context(), room, reply, false); err != nil {
			t.Fatal(err)
		}
		m, err := ben.Mentions(t.Context(), chat.MentionPlace{}, 0)
		if err != nil || m.More || len(m.Messages) != 1 || m.Messages[0].Seq != seq || m.Messages[0].Room != room ||
			m.Messages[0].Text != text || m.Messages[0].State.Edited != edited || m.Messages[0].Name != "ann" {
			t.Errorf("he is mentioned in %+v, %v", m, err)
		}
		mine, err := ben.MyRooms(t.Context())
		if err != nil || len(mine) != 1 || mine[0].Mentions != 1 || mine[0].Last.Text != "oh" {
			t.Errorf("his rooms are %+v, %v", mine, err)
		}
		threads, err := ben.Threads(t.Context(), room, 0, 0)
		if err != nil || len(threads.Threads) != 1 || threads.Threads[0].Root.Text != text || threads.Threads[0].Root.State.Edited != edited ||
			threads.Threads[0].Replies != 1 || threads.Threads[0].Last != reply || threads.AsOf < reply {
			t.Errorf("threads are %+v, %v", threads, err)
		}
		thread, err := ben.Thread(t.Context(), seq, client.History{Room: room})
		if err != nil || len(thread.Events) != 2 || thread.Events[0].Text != text || thread.Events[1].Text != "oh" || len(thread.States) != 2 {
			t.Errorf("the thread is %+v, %v", thread, err)
		}
		// Ann has said its first message, and follows it; Ben has read what he has said himself.
		if x := threads.Threads[0]; !x.Followed || x.Mark != reply || x.Unread != 0 {
			t.Errorf("ben has to do with the thread: %+v", x)
		}
		news, err := ann.UnreadThreads(t.Context(), room, 0, 0)
		if err != nil || len(news.Threads) != 1 || news.Threads[0].Root.Seq != seq || news.Threads[0].Unread != 1 || news.Threads[0].Mark != seq {
			t.Errorf("ann has not read %+v, %v", news, err)
		}
		f, err := ann.ReadThread(t.Context(), room, seq, reply)
		if want := (client.Followed{Room: room, Root: seq, Followed: true, Mark: reply}); err != nil || f != want {
			t.Errorf("ann has read it: %+v, %v", f, err)
		}
		if news, err = ann.UnreadThreads(t.Context(), room, 0, 0); err != nil || len(news.Threads) != 0 {
			t.Errorf("ann has read all, and is told %+v, %v", news, err)
		}
		f, err = ann.Follow(t.Context(), room, seq, true)
		if want := (client.Followed{Room: room, Root: seq, Mark: reply}); err != nil || f != want {
			t.Errorf("ann does not follow it any more: %+v, %v", f, err)
		}
		if _, err := ann.Follow(t.Context(), room, 1<<40, false); chat.CodeOf(err) != chat.CodeNoMessage {
			t.Errorf("ann follows nothing: %v", err)
		}
		pins, err := ann.Pins(t.Context(), room, 0, 0)
		if err != nil || len(pins.Events) != 1 || pins.Events[0].Seq != reply || pins.States[0].Pinned == 0 {
			t.Errorf("pinned is %+v, %v", pins, err)
		}
	})
}
