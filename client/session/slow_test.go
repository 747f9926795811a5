package session_test

import (
	"fmt"
	"testing"

	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// A server that finds us too fast gets the messages later, one at a time and in their
// order; when nothing waits any more, they go as ever.
func TestTooFastKeepsTheOrder(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	texts := []string{"one", "two", "three", "four"}
	for _, text := range texts {
		r.publish(text)
	}
	for range 2 { // the server's limit
		m := p.Publish()
		p.Send(sarangv1.SError, &sarangv1.Error{
			Code: uint32(chat.CodeTooFast), RetryAfterMs: 30, PacketId: sarangv1.CChat, Room: 7, Nonce: m.Nonce,
		})
	}
	r.wants("refused 7 code=15 retrying=true", "refused 7 code=15 retrying=true")
	for i, text := range texts {
		m := p.Publish()
		if m.Text != text {
			t.Fatalf("%q came, want %q", m.Text, text)
		}
		p.Barrier() // nothing else came
		if i == 1 { // once more
			p.Send(sarangv1.SError, &sarangv1.Error{
				Code: uint32(chat.CodeTooFast), RetryAfterMs: 20, PacketId: sarangv1.CChat, Room: 7, Nonce: m.Nonce,
			})
			r.wants("refused 7 code=15 retrying=true")
			if again := p.Publish(); again.Nonce != m.Nonce || again.Text != text {
				t.Fatalf("%v came, want %v again", again, m)
			}
		}
		p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: m.Nonce, Seq: uint64(11 + i)})
		r.wants(fmt.Sprintf("ack 7/%d", 11+i))
	}
	r.publish("five")
	r.publish("six")
	for _, text := range []string{"five", "six"} {
		if m := p.Publish(); m.Text != text {
			t.Fatalf("%q came, want %q", m.Text, text)
		}
	}
}
