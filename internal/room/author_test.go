package room

import (
	"reflect"
	"testing"

	"sarang/chat"
)

// What is on its way, and what fails, takes no place among the nonces from what is
// stored.
func TestOnlyStoredNoncesPushOthersOut(t *testing.T) {
	a := author{most: 3}
	for n := chat.Nonce(1); n <= 4; n++ { // the ring has turned: 2, 3, 4
		a.remember(chat.NonceSeq{Nonce: n, Seq: chat.Seq(n)})
	}
	known := func(n chat.Nonce, want chat.Seq) {
		t.Helper()
		if at, known := a.find(n); !known || at.Seq != want {
			t.Errorf("nonce %d is at %d (%t), want %d", n, at.Seq, known, want)
		}
	}
	a.begin(&chat.Event{Nonce: 5})
	known(5, 0)
	known(2, 2)
	a.end(5)
	if _, known := a.find(5); known {
		t.Error("a nonce that failed is known")
	}
	a.remember(chat.NonceSeq{Nonce: 6, Seq: 5})
	known(3, 3)
	known(4, 4)
	known(6, 5)
}

// A crowd whose roles are asked for, all at once, is not looked through again and again;
// and when it is known, those who were active last are kept and no others.
func TestCrowdOfBusyAuthors(t *testing.T) {
	const crowd, most = 20_000, 64
	c := newAuthorCache(most, 4, false)
	looks := 0
	get := func(u chat.UserID) *author {
		old, before := len(c.old), reflect.ValueOf(c.old).Pointer()
		a := c.get(u)
		if reflect.ValueOf(c.old).Pointer() != before {
			looks += old
		}
		return a
	}
	for u := chat.UserID(1); u <= crowd; u++ {
		get(u).awaited = true
	}
	for u := chat.UserID(1); u <= crowd; u++ {
		if a := c.peek(u); a == nil || !a.awaited {
			t.Fatalf("author %d is forgotten, for whom the store is asked", u)
		}
		get(u).awaited = false
	}
	if each := looks / crowd; each > 2*(busyPerTurn+1) {
		t.Errorf("each one that came cost %d looks at others", each)
	}
	for u := chat.UserID(crowd + 1); u <= 2*crowd; u++ {
		get(u)
	}
	if n := len(c.young) + len(c.old); n > most {
		t.Errorf("%d authors are kept", n)
	}
	if looks > 4*crowd*(busyPerTurn+1) {
		t.Errorf("%d looks for %d authors", looks, 3*crowd)
	}
}
