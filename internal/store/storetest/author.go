package storetest

import (
	"math"
	"testing"

	"sarang/chat"
)

// roleEvent is what by says as event seq of r: whose is given role.
func roleEvent(r chat.Room, seq chat.Seq, by, whose chat.User, role chat.Role) chat.Event {
	e := message(r, seq, by, "")
	e.Kind, e.Subject, e.Role = chat.EventRole, whose.ID, role
	return e
}

// wantAuthor expects all that the store knows of u in r.
func (f *fixture) wantAuthor(t *testing.T, r chat.Room, u chat.User, want chat.Author) {
	t.Helper()
	got, err := f.store.Author(f.ctx, r.ID, u.ID, chat.NoncesPerUserMax)
	if err != nil || got.Role != want.Role {
		t.Fatalf("Author %q = %+v, %v; want role %d", u.Name, got, err, want.Role)
	}
	wantSame(t, got.Nonces, want.Nonces)
}

func (f *fixture) wantRole(t *testing.T, r chat.Room, u chat.User, want chat.Role) {
	t.Helper()
	got, err := f.store.Author(f.ctx, r.ID, u.ID, 0)
	if err != nil || got.Role != want {
		t.Fatalf("the role of %q in %q is %d, %v; want %d", u.Name, r.Name, got.Role, err, want)
	}
}

func (f *fixture) wantRuled(t *testing.T, r chat.Room, want bool) {
	t.Helper()
	got, err := f.store.Room(f.ctx, r.ID)
	if err != nil || got.Ruled != want {
		t.Fatalf("room %q is ruled: %t, %v; want %t", r.Name, got.Ruled, err, want)
	}
}

func testRolesAreKept(t *testing.T, f *fixture) {
	a, b := f.room(t, "a"), f.room(t, "b")
	mina, jun, sora := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "sora")
	f.commit(t, run(a, 1, 1, mina, "x"))
	f.wantRuled(t, a, false)
	f.wantRole(t, a, mina, chat.RoleNone)

	f.commit(t, these(a, 2, roleEvent(a, 2, mina, mina, chat.RoleOwner), roleEvent(a, 3, mina, jun, chat.RoleBanned),
		message(a, 4, mina, "between"), roleEvent(a, 5, mina, jun, chat.RoleModerator)))
	check := func() {
		t.Helper()
		f.wantRuled(t, a, true)
		f.wantRuled(t, b, false)
		f.wantRole(t, a, mina, chat.RoleOwner)
		f.wantRole(t, a, jun, chat.RoleModerator)
		f.wantRole(t, a, sora, chat.RoleNone)
		f.wantRole(t, b, jun, chat.RoleNone)
	}
	check()
	f.reopen(t)
	check()

	// One that is too late gives no role.
	late := these(a, 5, roleEvent(a, 5, mina, jun, chat.RoleBanned))
	if got, err := f.store.Commit(f.ctx, f.self.batch(late, these(b, 1, roleEvent(b, 1, mina, sora, chat.RoleReader)))); err != nil || len(got) != 1 {
		t.Fatalf("Commit: %+v, %v", got, err)
	}
	f.wantRole(t, a, jun, chat.RoleModerator)
	f.wantRole(t, b, sora, chat.RoleReader)
	f.wantRuled(t, b, true)

	// Back to none, many at once, and more than one in a commit.
	var many []chat.Event
	for i := range 40 {
		many = append(many, roleEvent(a, chat.Seq(6+i), mina, jun, chat.Role(i%6)))
	}
	many = append(many, roleEvent(a, 46, mina, jun, chat.RoleNone))
	f.commit(t, these(a, 6, many...))
	f.wantRole(t, a, jun, chat.RoleNone)
	f.wantRuled(t, a, true)
}

func testAuthor(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	f.wantAuthor(t, r, mina, chat.Author{})
	f.wantAuthor(t, chat.Room{ID: r.ID + 1}, mina, chat.Author{})
	f.wantAuthor(t, r, chat.User{ID: jun.ID + 1}, chat.Author{})

	join := message(r, 1, jun, "")
	join.Kind = chat.EventJoin
	log := []chat.Event{
		join, roleEvent(r, 2, mina, jun, chat.RoleReader), message(r, 3, jun, "x"),
		message(r, 4, mina, "y"), roleEvent(r, 5, mina, mina, chat.RoleOwner),
	}
	f.commit(t, these(r, 1, log[:3]...))
	f.commit(t, these(r, 4, log[3:]...))
	said := func(seqs ...chat.Seq) (all []chat.NonceSeq) {
		for _, s := range seqs {
			e := &log[s-1]
			all = append(all, chat.NonceSeq{Nonce: e.Nonce, Seq: s, Digest: e.Digest()})
		}
		return all
	}
	// A role event is authored by who gives the role.
	f.wantAuthor(t, r, mina, chat.Author{Role: chat.RoleOwner, Nonces: said(5, 4, 2)})
	f.wantAuthor(t, r, jun, chat.Author{Role: chat.RoleReader, Nonces: said(3)})
	f.wantSent(t, mina, 1)
	f.wantSent(t, jun, 1)
}

func testTargetMustBeEarlier(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	about := func(seq, target chat.Seq) chat.Event {
		e := message(r, seq, u, "about")
		e.Target = target
		return e
	}
	for _, target := range []chat.Seq{1, 2, 1 << 62, math.MaxUint64} {
		f.refuse(t, chat.CodeBadRequest, these(r, 1, about(1, target)))
	}
	f.wantLast(t, r, 0)
	first := []chat.Event{about(1, 0), about(2, 1), about(3, 1)}
	f.commit(t, these(r, 1, first...))
	f.refuse(t, chat.CodeBadRequest, these(r, 4, about(4, 3), about(5, 5)))
	// It is a fault also where the log ends elsewhere.
	f.refuse(t, chat.CodeBadRequest, these(r, 2, about(2, 2)))
	next := []chat.Event{about(4, 3), about(5, 4)}
	f.commit(t, these(r, 4, next...))
	f.wantHistory(t, r, 0, append(first, next...)...)
}

func testAuthorNonces(t *testing.T, f *fixture) {
	r, other := f.room(t, "r"), f.room(t, "other")
	mina, jun, quiet := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "quiet")
	var want []chat.NonceSeq // of mina in r, newest first
	last := chat.Seq(0)
	for batch := range 6 {
		a := chat.Append{Room: r.ID, After: last}
		for i := range 7 {
			last++
			e := message(r, last, mina, "x")
			switch i {
			case 2:
				e = message(r, last, jun, "y")
			case 3:
				e.Kind, e.Nonce, e.Text = chat.EventLeave, 0, ""
			case 4:
				e = roleEvent(r, last, mina, quiet, chat.RoleMember)
				fallthrough
			default:
				e.Nonce = chat.Nonce(math.MaxUint64 - uint64(last))
				want = append([]chat.NonceSeq{{Nonce: e.Nonce, Seq: last, Digest: e.Digest()}}, want...)
			}
			a.Events = append(a.Events, e)
		}
		f.commit(t, a, run(other, chat.Seq(batch+1), chat.Seq(batch+1), mina, "elsewhere"))
		if batch == 3 {
			f.reopen(t) // what the store remembers must not be in memory only
		}
	}
	for _, noncesMax := range []int{-1, 0, 1, 5, len(want), chat.NoncesPerUserMax} {
		got, err := f.store.Author(f.ctx, r.ID, mina.ID, noncesMax)
		if err != nil {
			t.Fatalf("Author: %v", err)
		}
		wantSame(t, got.Nonces, want[:min(max(noncesMax, 0), len(want))])
	}
	got, err := f.store.Author(f.ctx, other.ID, mina.ID, 100)
	if err != nil || len(got.Nonces) != 6 {
		t.Fatalf("nonces in the other room: %+v, %v", got, err)
	}
	f.wantAuthor(t, r, quiet, chat.Author{Role: chat.RoleMember})
}
