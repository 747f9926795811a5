package room

import (
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
