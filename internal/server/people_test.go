package server_test

import (
	"log/slog"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
)

// until waits for an event of a client.
func until[T client.Event](t *testing.T, c *client.Client) (e T) {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case got, open := <-c.Events():
			if e, is := got.(T); is {
				return e
			}
			if !open {
				t.Fatalf("the client has ended: %v", c.Err())
			}
		case <-late:
			t.Fatalf("no %T came", e)
		}
	}
}

// A profile, presence, another name, a block and marks, through the SDK on every driver; and all
// of it is there after a restart.
func TestPeople(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		quickPasswords(&c)
		s := start(t, c)
		ctx := t.Context()
		enter := func(config client.Config) *client.Client {
			t.Helper()
			config.Addr, config.Logger = s.Addrs()[0].Addr.String(), slog.New(slog.DiscardHandler)
			cl, err := client.Dial(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cl.Close() })
			return cl
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ann := enter(client.Config{Name: "ann", Password: "correct horse", Register: true})
		phone := enter(client.Config{Name: "ann", Password: "correct horse"})
		bob := enter(client.Config{Name: "bob"})

		_, err := ann.SetProfile(ctx, chat.ProfileChange{DisplayName: new("Ann of the Hill"), Status: new("reading")})
		must(err)
		if e := until[client.ProfileChanged](t, phone); e.DisplayName != "Ann of the Hill" || e.Status != "reading" {
			t.Errorf("her telephone was told %+v", e)
		}
		must(phone.SetAway(ctx, true))
		must(ann.SetAway(ctx, true))
		p, err := bob.LookUp(ctx, "Ann")
		if err != nil || p.User != ann.Self().User || !p.Account || p.Status != "reading" || p.Presence != client.PresenceAway {
			t.Errorf("bob sees %+v, %v", p, err)
		}
		must(ann.SetAway(ctx, false))

		in, err := ann.Join(ctx, client.Join{Name: "lobby", Create: true})
		must(err)
		_, err = bob.Join(ctx, client.Join{Room: in.Room.ID})
		must(err)
		name, err := phone.Rename(ctx, "Anna")
		if err != nil || name != "Anna" || phone.Self().Name != "Anna" {
			t.Errorf("she is %q, %v", name, err)
		}
		if e := until[client.Renamed](t, ann); e.Name != "Anna" || ann.Self().Name != "Anna" {
			t.Errorf("her other session was told %+v", e)
		}
		members, err := bob.Members(ctx, in.Room.ID)
		if err != nil || len(members) != 2 || members[0] != (client.Member{
			User: p.User, Name: "Anna", DisplayName: "Ann of the Hill", Presence: client.PresenceOnline,
		}) {
			t.Errorf("those present are %+v, %v", members, err)
		}
		seq, err := ann.Publish(ctx, in.Room.ID, "hello")
		must(err)
		_, err = bob.Mark(ctx, in.Room.ID, seq)
		must(err)
		marks, err := ann.SeenBy(ctx, in.Room.ID)
		if err != nil || len(marks) != 2 || marks[1] != (client.SeenMark{User: bob.Self().User, Seq: seq}) {
			t.Errorf("the marks are %+v, %v", marks, err)
		}
		u, err := ann.Block(ctx, "bob")
		if err != nil || u != bob.Self().User {
			t.Errorf("she blocks %d, %v", u, err)
		}
		if e := until[client.Blocked](t, phone); e.User != u || e.Removed {
			t.Errorf("her telephone was told %+v", e)
		}
		stop(t, s)

		s = start(t, c)
		defer stop(t, s)
		again := enter(client.Config{Name: "ann", Password: "correct horse"}) // by the old name
		if again.Self().Name != "Anna" || again.Self().User != p.User {
			t.Errorf("by her old name she is %+v", again.Self())
		}
		blocks, err := again.Blocks(ctx)
		if err != nil || len(blocks) != 1 || blocks[0].Name != "bob" {
			t.Errorf("she blocks %+v, %v", blocks, err)
		}
		if q, err := again.LookUp(ctx, ""); err != nil || q.DisplayName != "Ann of the Hill" || q.Presence != client.PresenceOnline {
			t.Errorf("she is %+v, %v", q, err)
		}
		_, err = client.Dial(ctx, client.Config{Addr: s.Addrs()[0].Addr.String(), Name: "Ann", Logger: slog.New(slog.DiscardHandler)})
		if chat.CodeOf(err) != chat.CodeNameTaken {
			t.Errorf("her old name is given away: %v", err)
		}
		_, err = again.Unblock(ctx, "bob")
		must(err)
	})
}
