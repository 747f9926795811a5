package room_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/room"
)

func newRoom(info chat.Room) *room.Room {
	if info.ID == 0 {
		info.ID = 1
	}
	return room.New(info, room.Config{AnnounceMembersMax: 100, AuthorsMax: 8, AwayGrace: 10 * time.Second})
}

// store plays the part of the hub: it takes the batch, writes down what is in it, and
// says that it is stored.
func store(r *room.Room, log *strings.Builder) {
	if !r.Wants() {
		return
	}
	for _, e := range r.Take(1000, outcomes{log}) {
		switch e.Kind {
		case chat.EventMessage:
			fmt.Fprintf(log, "%d %s: %s\n", e.Seq, e.Name, e.Text)
		case chat.EventJoin:
			fmt.Fprintf(log, "%d + %s\n", e.Seq, e.Name)
		case chat.EventLeave:
			fmt.Fprintf(log, "%d - %s\n", e.Seq, e.Name)
		case chat.EventRole:
			fmt.Fprintf(log, "%d u%d is %d\n", e.Seq, e.Subject, e.Role)
		}
	}
	if len(r.InFlight()) > 0 {
		r.Committed(outcomes{log}.Ack)
	}
}

// outcomes writes down what is told.
type outcomes struct{ log *strings.Builder }

func (o outcomes) Ack(a room.Ack) { fmt.Fprintf(o.log, "ack %d to %d: %d\n", a.Nonce, a.Ref, a.Seq) }

func (o outcomes) Duplicate(a room.Ack) { o.Ack(a) }

func (o outcomes) Refuse(a room.Ack, err *chat.Error) {
	fmt.Fprintf(o.log, "refused %d to %d: %d\n", a.Nonce, a.Ref, err.Code)
}

func want(t *testing.T, log *strings.Builder, lines ...string) {
	t.Helper()
	if got, want := log.String(), strings.Join(lines, "\n")+"\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	log.Reset()
}

func say(t *testing.T, r *room.Room, user chat.UserID, n chat.Nonce, text string, ref room.Ref) (room.Outcome, chat.Seq) {
	t.Helper()
	o, seq, err := r.Publish(room.Publish{Kind: chat.EventMessage, User: user, Name: fmt.Sprint("u", user), Nonce: n, Text: text, Ref: ref})
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return o, seq
}

func TestConversation(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	r.Join(2, "u2")
	say(t, r, 1, 11, "hello", 101)
	store(r, log)
	say(t, r, 2, 22, "hi", 102)
	say(t, r, 1, 12, "how are you", 101)
	store(r, log)
	r.Leave(2, true, 0)
	store(r, log)
	want(t, log,
		"1 + u1", "2 + u2", "3 u1: hello", "ack 11 to 101: 3",
		"4 u2: hi", "5 u1: how are you", "ack 22 to 102: 4", "ack 12 to 101: 5",
		"6 - u2")
}

func TestRetryIsNotASecondMessage(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	say(t, r, 1, 11, "hello", 101)
	if o, _ := say(t, r, 1, 11, "hello", 102); o != room.Queued {
		t.Errorf("a retry of a gathering message: %v", o)
	}
	r.Take(1000, outcomes{log})
	say(t, r, 1, 11, "hello", 103)
	r.Committed(outcomes{log}.Ack)
	want(t, log, "ack 11 to 101: 2", "ack 11 to 102: 2", "ack 11 to 103: 2")
	if o, seq := say(t, r, 1, 11, "hello", 104); o != room.Duplicate || seq != 2 {
		t.Errorf("a retry of a stored message: %v, seq %d", o, seq)
	}
	if r.Wants() {
		t.Error("a retry wants to be stored")
	}
}

// Retries of what is on its way wait for the outcome, up to a bound: beyond it they are told
// to come again, and have the outcome then.
func TestRetriesThatWaitAreBounded(t *testing.T) {
	log := &strings.Builder{}
	r := room.New(chat.Room{ID: 1}, room.Config{AnnounceMembersMax: 1, AuthorsMax: 8, AwayGrace: time.Second, RetriesWaitMax: 2})
	r.Join(1, "u1")
	say(t, r, 1, 11, "hello", 101)
	say(t, r, 1, 11, "hello", 102)
	say(t, r, 1, 11, "hello", 103)
	again := room.Publish{Kind: chat.EventMessage, User: 1, Name: "u1", Nonce: 11, Text: "hello", Ref: 104}
	if o, _, err := r.Publish(again); o != room.Refused || err == nil || err.Code != chat.CodeUnavailable || err.RetryAfter == 0 {
		t.Errorf("a third retry: %v, %v", o, err)
	}
	say(t, r, 1, 12, "more", 101) // the bound is for retries alone
	r.Take(1000, outcomes{log})
	r.Committed(outcomes{log}.Ack)
	want(t, log, "ack 11 to 101: 2", "ack 11 to 102: 2", "ack 11 to 103: 2", "ack 12 to 101: 3")
	if o, seq, err := r.Publish(again); o != room.Duplicate || seq != 2 || err != nil {
		t.Errorf("the third retry, again: %v, %d, %v", o, seq, err)
	}
	if n := r.PendingBytes(); n != 0 {
		t.Errorf("%d bytes count as pending", n)
	}
}

// A nonce that comes again with something else is no retry: it is refused, wherever the
// first one is, and the first one is not touched by that.
func TestNonceWithAnotherText(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	other := func(where string) {
		t.Helper()
		p := room.Publish{Kind: chat.EventMessage, User: 1, Name: "u1", Nonce: 11, Text: "other", Ref: 102}
		if o, _, err := r.Publish(p); o != room.Refused || chat.CodeOf(err) != chat.CodeNonceUsed {
			t.Errorf("while the first one is %s: %v, %v", where, o, err)
		}
	}
	say(t, r, 1, 11, "hello", 101)
	other("gathering")
	r.Take(1000, outcomes{log})
	other("in flight")
	r.Committed(outcomes{log}.Ack)
	other("stored")
	want(t, log, "ack 11 to 101: 2")
	if r.Wants() || r.PendingBytes() != 0 {
		t.Errorf("wants to store %t, %d bytes on their way", r.Wants(), r.PendingBytes())
	}
}

// So it is after a restart, when the store says what was said; but of events that it has
// no digest of, from before there were any, nothing can be told.
func TestNonceWithAnotherTextAfterARestart(t *testing.T) {
	r, log := newRoom(chat.Room{LastSeq: 9}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	log.Reset()
	for i, text := range []string{"seven", "other", "old"} {
		say(t, r, 1, chat.Nonce([]int{11, 11, 12}[i]), text, room.Ref(101+i))
	}
	first := chat.Event{Kind: chat.EventMessage, Text: "seven"}
	r.LoadAuthor(1, chat.Author{Nonces: []chat.NonceSeq{{Nonce: 12, Seq: 8}, {Nonce: 11, Seq: 7, Digest: first.Digest()}}}, outcomes{log})
	want(t, log, "ack 11 to 101: 7", "refused 11 to 102: 27", "ack 12 to 103: 8")
}

// And when it is another server that has stored the first one.
func TestNonceWithAnotherTextElsewhere(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	log.Reset()
	say(t, r, 1, 11, "mine", 101)
	say(t, r, 1, 12, "same", 102)
	r.Take(1000, outcomes{log})
	r.Overtaken([]chat.Event{
		{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 1, Nonce: 11, Text: "theirs"},
		{Room: 1, Seq: 3, Kind: chat.EventMessage, User: 1, Nonce: 12, Text: "same"},
	}, outcomes{log})
	store(r, log)
	want(t, log, "refused 11 to 101: 27", "ack 12 to 102: 3")
}

func TestNoncesComeFromTheStoreAfterARestart(t *testing.T) {
	r, log := newRoom(chat.Room{LastSeq: 9}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	log.Reset()
	if o, _ := say(t, r, 1, 11, "again", 101); o != room.NeedAuthor {
		t.Fatalf("first message of a user after a restart: %v", o)
	}
	say(t, r, 1, 12, "new", 101)
	store(r, log)
	if log.Len() > 0 {
		t.Fatalf("stored before the nonces were known:\n%s", log)
	}
	r.LoadAuthor(1, chat.Author{Nonces: []chat.NonceSeq{{Nonce: 11, Seq: 7}}}, outcomes{log})
	store(r, log)
	want(t, log, "ack 11 to 101: 7", "11 u1: new", "ack 12 to 101: 11")
}

func TestFailedBatchLeavesNoHole(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	log.Reset()
	say(t, r, 1, 11, "lost", 101)
	r.Take(1000, outcomes{log})
	say(t, r, 1, 12, "kept", 101)
	r.Failed(func(a room.Ack) { fmt.Fprintf(log, "refused %d\n", a.Nonce) })
	store(r, log)
	if o, _ := say(t, r, 1, 11, "lost", 101); o != room.Queued {
		t.Errorf("retry of a failed message: %v", o)
	}
	store(r, log)
	want(t, log, "refused 11", "2 u1: kept", "ack 12 to 101: 2", "3 u1: lost", "ack 11 to 101: 3")
}

func TestAwayUserComesBackUnnoticed(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	r.Join(2, "u2")
	store(r, log)
	log.Reset()
	if !r.Leave(1, false, 0) || !r.Leave(2, false, time.Second) {
		t.Fatal("a lost session starts no grace")
	}
	if wait := r.Expire(9 * time.Second); wait != time.Second {
		t.Errorf("wait %v", wait)
	}
	r.Join(1, "u1")
	if wait := r.Expire(10 * time.Second); wait != time.Second {
		t.Errorf("wait %v", wait)
	}
	if wait := r.Expire(11 * time.Second); wait >= 0 {
		t.Errorf("wait %v after the last one", wait)
	}
	store(r, log)
	want(t, log, "3 - u2")
	if r.Members() != 1 || !r.IsPresent(1) {
		t.Errorf("%d members", r.Members())
	}
}

func TestUserWithTwoSessionsLeavesWithTheLast(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	r.Join(1, "u1")
	r.Leave(1, true, 0)
	store(r, log)
	r.Leave(1, true, 0)
	store(r, log)
	want(t, log, "1 + u1", "2 - u1")
}

func TestRefusals(t *testing.T) {
	r := newRoom(chat.Room{})
	if _, _, err := r.Publish(room.Publish{Kind: chat.EventMessage, User: 1, Nonce: 1, Text: "x"}); chat.CodeOf(err) != chat.CodeNotMember {
		t.Errorf("stranger: %v", err)
	}
	r.Join(1, "u1")
	if _, _, err := r.Publish(room.Publish{Kind: chat.EventMessage, User: 1, Text: "x"}); chat.CodeOf(err) != chat.CodeBadRequest {
		t.Errorf("nonce 0: %v", err)
	}
	for i := range chat.NoncesPerUserMax {
		say(t, r, 1, chat.Nonce(i+1), "x", 1)
	}
	_, _, err := r.Publish(room.Publish{Kind: chat.EventMessage, User: 1, Nonce: 1000, Text: "x"})
	if chat.CodeOf(err) != chat.CodeTooMany {
		t.Errorf("too many in flight: %v", err)
	}
}

func TestStartAt(t *testing.T) {
	r := newRoom(chat.Room{Epoch: 5, LastSeq: 20})
	for _, c := range []struct {
		name    string
		epoch   chat.Epoch
		seq     chat.Seq
		history int
		want    room.Start
	}{
		{"new", 0, 0, 0, room.Start{After: 20}},
		{"with history", 0, 0, 5, room.Start{After: 15}},
		{"with more history than there is", 0, 0, 50, room.Start{After: 0}},
		{"negative history", 0, 0, -1, room.Start{After: 20}},
		{"resume", 5, 12, 0, room.Start{After: 12}},
		{"resume at the end", 5, 20, 0, room.Start{After: 20}},
		{"beyond the end", 5, 21, 0, room.Start{After: 20, Gap: true}},
		{"another epoch", 4, 12, 0, room.Start{After: 20, Gap: true}},
		{"another epoch, with history", 4, 12, 3, room.Start{After: 17, Gap: true}},
	} {
		if got := r.StartAt(c.epoch, c.seq, c.history); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestBigRoomsDoNotAnnounce(t *testing.T) {
	r := room.New(chat.Room{ID: 1}, room.Config{AnnounceMembersMax: 2, AuthorsMax: 8, AwayGrace: time.Second})
	log := &strings.Builder{}
	for u := range 4 {
		r.Join(chat.UserID(u+1), fmt.Sprint("u", u+1))
	}
	store(r, log)
	want(t, log, "1 + u1", "2 + u2")
}

func TestMemberPages(t *testing.T) {
	r := newRoom(chat.Room{})
	for u := range 5 {
		r.Join(chat.UserID(u+1), fmt.Sprint("u", u+1))
	}
	page, more := r.MemberPage(0, 2)
	if len(page) != 2 || !more || page[1].User != 2 {
		t.Errorf("first page %v, more %t", page, more)
	}
	page, more = r.MemberPage(2, 3)
	if len(page) != 3 || more || page[2].Name != "u5" {
		t.Errorf("last page %v, more %t", page, more)
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	r := newRoom(chat.Room{LastSeq: 9, LastMs: 5000})
	for _, c := range []struct{ now, want int64 }{{1000, 5000}, {6000, 6000}, {4000, 6000}} {
		r.Join(chat.UserID(c.now), "somebody")
		if got := r.Take(c.now, outcomes{})[0].TimeMs; got != c.want {
			t.Errorf("at %d an event has the time %d, want %d", c.now, got, c.want)
		}
		r.Committed(func(room.Ack) {})
	}
}

// An event from a time when the clock was wrong dates no more than those of a minute.
func TestTimeIsSetRight(t *testing.T) {
	const minute = 60_000
	r := newRoom(chat.Room{LastSeq: 9, LastMs: 1000 * minute})
	for i, c := range []struct{ now, want int64 }{
		{10 * minute, 10 * minute},               // far ahead: the clock was wrong
		{9*minute + 1, 10 * minute},              // within a minute: it may be another server's clock
		{11 * minute, 11 * minute},               // as ever
		{10*minute - 1, 10*minute - 1},           // more than a minute
		{2_000 * minute, 2_000 * minute},         // wrong
		{20 * minute, 20 * minute},               // and right again
		{19 * minute, 20 * minute},               // just a minute
		{19*minute - 30_000, 19*minute - 30_000}, // and more
	} {
		r.Join(chat.UserID(i+1), "somebody")
		if got := r.Take(c.now, outcomes{})[0].TimeMs; got != c.want {
			t.Errorf("%d: at %d an event has the time %d, want %d", i, c.now, got, c.want)
		}
		r.Committed(func(room.Ack) {})
		if r.Info().LastMs != c.want {
			t.Errorf("%d: the log ends at %d, want %d", i, r.Info().LastMs, c.want)
		}
	}
	// What failed leaves no time behind.
	r.Join(100, "somebody")
	r.Take(3_000*minute, outcomes{})
	r.Failed(func(room.Ack) {})
	if got := r.Info().LastMs; got != 19*minute-30_000 {
		t.Errorf("after a failure the log ends at %d", got)
	}
}

// A batch is bounded; what is behind it follows, with everybody who waits for it.
func TestBatchIsBounded(t *testing.T) {
	r, log := newRoom(chat.Room{}), &strings.Builder{}
	r.Join(1, "u1")
	r.Join(2, "u2")
	store(r, log)
	for u := range chat.UserID(2) {
		for n := range chat.Nonce(200) {
			say(t, r, u+1, n+1, strings.Repeat("x", 6000), room.Ref(u+1))
		}
	}
	say(t, r, 2, 200, strings.Repeat("x", 6000), 77) // the last one: its outcome goes to 77, too
	var acks []room.Ack
	batches, last := 0, chat.Seq(2)
	for ; r.Wants(); batches++ {
		text := 0
		for _, e := range r.Take(5, outcomes{}) {
			last++
			if text += len(e.Text); e.Seq != last || text > 256<<10+6000 {
				t.Fatalf("event %d after %d, %d bytes of text in one batch", e.Seq, last-1, text)
			}
		}
		if batches == 1 {
			r.Failed(func(a room.Ack) { acks = append(acks, a) })
			last = r.Info().LastSeq // the numbers are given again
			continue
		}
		r.Committed(func(a room.Ack) { acks = append(acks, a) })
	}
	if batches != 10 || len(acks) != 401 || acks[400].Ref != 77 && acks[399].Ref != 77 {
		t.Errorf("%d batches, %d outcomes, the last of them %+v", batches, len(acks), acks[len(acks)-1])
	}
	if !r.Idle() || r.PendingBytes() != 0 {
		t.Errorf("idle %t, %d bytes on their way", r.Idle(), r.PendingBytes())
	}
}

// A crowd that comes and goes does not hold up what is said.
func TestCrowdAnnouncesOneBatch(t *testing.T) {
	r := newRoom(chat.Room{})
	r.Join(1, "u1")
	for range 2000 {
		r.Join(2, "u2")
		r.Leave(2, true, 0)
	}
	say(t, r, 1, 1, "after all", 1)
	events := 0
	for r.Wants() {
		events += len(r.Take(5, outcomes{}))
		r.Committed(func(room.Ack) {})
	}
	if events != 1025 || r.PendingBytes() != 0 {
		t.Errorf("%d events, %d bytes on their way", events, r.PendingBytes())
	}
}

// Pages are right in a room of any size, whoever comes and goes in between.
func TestMemberPagesOfACrowd(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := newRoom(chat.Room{})
	var present []chat.UserID // in order
	for range 6000 {
		u := chat.UserID(1 + rng.IntN(4000))
		i, there := slices.BinarySearch(present, u)
		switch {
		case !there:
			r.Join(u, "somebody")
			present = slices.Insert(present, i, u)
		case rng.IntN(4) == 0:
			r.Leave(u, true, 0)
			present = slices.Delete(present, i, i+1)
		}
	}
	for range 200 {
		after, most := chat.UserID(rng.IntN(4100)), 1+rng.IntN(700)
		i, there := slices.BinarySearch(present, after)
		if there {
			i++
		}
		want := present[i:min(i+most, len(present))]
		page, more := r.MemberPage(after, most)
		if more != (i+most < len(present)) || !slices.EqualFunc(page, want, func(m room.Member, u chat.UserID) bool { return m.User == u }) {
			t.Fatalf("%d after %d: %d members and more %t, want %d", most, after, len(page), more, len(want))
		}
	}
}

// A role that waits for its author keeps its subject in memory, who is known already.
func TestHeldRoleKeepsItsSubject(t *testing.T) {
	r, log := newRoom(chat.Room{LastSeq: 9, Creator: 1}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	log.Reset()
	publish := func(n chat.Nonce, subject chat.UserID) {
		t.Helper()
		r.LoadAuthor(subject, chat.Author{}, outcomes{log})
		if _, _, err := r.Publish(room.Publish{Kind: chat.EventRole, User: 1, Nonce: n, Subject: subject, Role: chat.RoleReader, Ref: 101}); err != nil {
			t.Fatal(err)
		}
	}
	publish(11, 2)
	publish(12, 3)
	for u := chat.UserID(20); u < 60; u++ {
		r.LoadAuthor(u, chat.Author{}, outcomes{log})
	}
	r.LoadAuthor(1, chat.Author{}, outcomes{log})
	store(r, log)
	want(t, log, "11 u2 is 2", "12 u3 is 2", "ack 11 to 101: 11", "ack 12 to 101: 12")
	for u := chat.UserID(20); u < 60; u++ {
		r.LoadAuthor(u, chat.Author{}, outcomes{log})
	}
	if r.Loaded(2) {
		t.Error("the subject is kept for good")
	}
}

// A ban with the nonce of another that was for another time is no retry of it, wherever the
// first one is.
func TestNonceWithAnotherTime(t *testing.T) {
	r, log := newRoom(chat.Room{Creator: 1}), &strings.Builder{}
	r.Join(1, "u1")
	store(r, log)
	ban := func(forMs int64) (room.Outcome, *chat.Error) {
		o, _, err := r.Publish(room.Publish{Kind: chat.EventRole, User: 1, Nonce: 11, Subject: 2, Role: chat.RoleBanned, ForMs: forMs, Ref: 101})
		return o, err
	}
	other := func(where string, retry room.Outcome) {
		t.Helper()
		for _, forMs := range []int64{0, 500, 1001} {
			if o, err := ban(forMs); o != room.Refused || chat.CodeOf(err) != chat.CodeNonceUsed {
				t.Errorf("for %d ms, while the first one is %s: %v, %v", forMs, where, o, err)
			}
		}
		if o, err := ban(1000); o != retry || err != nil {
			t.Errorf("the same again, while the first one is %s: %v, %v", where, o, err)
		}
	}
	ban(1000)
	other("gathering", room.Queued)
	r.Take(1000, outcomes{log})
	other("in flight", room.Queued)
	r.Overtaken([]chat.Event{{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 3, Nonce: 1, Text: "x"}}, outcomes{log})
	r.LoadAuthor(2, chat.Author{}, outcomes{log})
	other("gathering again", room.Queued)
	r.Take(2000, outcomes{log})
	r.Committed(outcomes{log}.Ack)
	other("stored", room.Duplicate)
}
