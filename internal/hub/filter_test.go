package hub_test

import (
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

func setFilter(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, f chat.RoomFilter) {
	t.Helper()
	c.Filter(room, &f)
	r.Settle()
	if x := c.Last(); x.Kind != "Filtered" {
		t.Fatalf("who sets a filter is told %+v", x)
	}
}

func TestFilter(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		config := hubtest.Config{Store: disk.Open(), Seed: uint64(workers), Workers: workers, Hub: hub.Config{RoomIdle: time.Second, AwayGrace: time.Second}}
		r := newRig(t, config)
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		bob.Publish(room, 1, "spam, before there was a filter")
		r.Settle()
		setFilter(t, r, ann, room, chat.RoomFilter{Words: []string{" Spam ", "buy  now", "spam", "Spam"}, Links: true})
		if f := ann.Last().Filter; len(f.Words) != 3 || f.Words[0] != "Spam" || f.Words[1] != "buy now" || !f.Links {
			t.Errorf("it is kept as %+v", f)
		}
		nonce := chat.Nonce(1)
		refused := func(c *hubtest.Client, text string) {
			t.Helper()
			nonce++
			c.Publish(room, nonce, text)
			r.Settle()
			wantFailed(t, c, chat.CodeFiltered)
			if c.Last().Ref.Nonce != nonce {
				t.Errorf("%+v", c.Last())
			}
		}
		taken := func(c *hubtest.Client, text string) chat.Seq {
			t.Helper()
			nonce++
			c.Publish(room, nonce, text)
			r.Settle()
			seq := c.Acked(room, nonce)
			if seq == 0 {
				t.Fatalf("%q: %+v", text, c.Last())
			}
			return seq
		}
		refused(bob, "SPÁM!")
		refused(bob, "Buy,\nnow")
		refused(bob, "see https://example.org")
		said := taken(bob, "buy it now, spammer")
		taken(ann, "no spam here, and no https://example.org")
		// An edit is looked at, too.
		nonce++
		bob.Change(room, nonce, hub.Change{Kind: chat.EventEdit, Target: said, Text: "spam"})
		r.Settle()
		wantFailed(t, bob, chat.CodeFiltered)
		nonce++
		bob.Change(room, nonce, hub.Change{Kind: chat.EventEdit, Target: said, Text: "ham"})
		r.Settle()
		if bob.Acked(room, nonce) == 0 {
			t.Errorf("an edit: %+v", bob.Last())
		}
		// What was stored before is a retry.
		before := len(bob.Records)
		bob.Publish(room, 1, "spam, before there was a filter")
		r.Settle()
		if x := bob.Records[before]; x.Kind != "Ack" {
			t.Errorf("said again: %+v", x)
		}
		bob.Filter(room, nil)
		r.Settle()
		wantFailed(t, bob, chat.CodeForbidden)
		if n := r.Hub.Stats().Filtered; n != 4 {
			t.Errorf("%d are counted", n)
		}
		// Another life of the room, and of the server, knows it.
		for _, c := range []*hubtest.Client{ann, bob} {
			c.Leave(room)
		}
		r.Pass(time.Minute)
		joined(t, r, bob, "room")
		refused(bob, "spam")
		setFilter(t, r, ann, room, chat.RoomFilter{})
		taken(bob, "spam and https://example.org")
	}
}

func TestFilterIsChecked(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "room").ID
	many := make([]string, chat.FilterWordsMax+1)
	for _, c := range []struct {
		words []string
		code  chat.Code
	}{
		{many, chat.CodeTooMany},
		{[]string{"!?"}, chat.CodeBadText},
		{[]string{"a\x00b"}, chat.CodeBadText},
		{[]string{"\xff"}, chat.CodeBadText},
		{[]string{string(make([]byte, chat.FilterWordBytesMax+1))}, chat.CodeBadText},
	} {
		ann.Filter(room, &chat.RoomFilter{Words: c.words})
		r.Settle()
		wantFailed(t, ann, c.code)
	}
	ann.Direct(hub.Whom{ID: bob.User.ID})
	r.Settle()
	ann.Filter(ann.Last().Info.ID, &chat.RoomFilter{Links: true})
	r.Settle()
	wantFailed(t, ann, chat.CodeForbidden)
}

// A filter of another server of the store holds here when this one knows that others have written.
func TestFilterOfAnotherHub(t *testing.T) {
	disk := storesim.NewDisk(nil)
	here := newRig(t, hubtest.Config{Store: disk.Open(), Port: 7371})
	there := newRig(t, hubtest.Config{Store: disk.Open(), Port: 7372, Seed: 5})
	ann, bob := here.Enter("ann", nil), there.Enter("bob", nil)
	room := joined(t, here, ann, "room").ID
	here.Pass(pace)
	joined(t, there, bob, "room")
	there.Pass(pace)
	setFilter(t, here, ann, room, chat.RoomFilter{Words: []string{"spam"}})
	ann.Publish(room, 1, "hello")
	here.Pass(pace)
	there.Hub.CatchUp(room)
	there.Pass(pace)
	bob.Publish(room, 1, "spam")
	there.Pass(pace)
	wantFailed(t, bob, chat.CodeFiltered)
}
