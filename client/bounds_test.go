package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/internal/clienttest"
	sarangv1 "sarang/proto/sarang/v1"
)

// A program that does not read holds up the server, and loses nothing.
func TestClientBackPressure(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.EventsBuffer = 8
	c, p := dialJoined(t, s, config)
	text := strings.Repeat("x", 60000)
	var sent uint64
	for { // until no more is taken
		_ = p.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		b := clienttest.Frame(t, sarangv1.SChat, &sarangv1.Event{Room: 7, Seq: 11 + sent, Text: text})
		n, err := p.Conn.Write(b)
		if err == nil {
			if sent++; sent > 10000 {
				t.Fatal("the client takes events without end while nobody reads them")
			}
			continue
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatal(err)
		}
		rest := make(chan error, 1)
		go func() { // the rest of the packet that was cut
			_ = p.Conn.SetWriteDeadline(time.Now().Add(clienttest.Patience))
			_, err := p.Conn.Write(b[n:])
			rest <- err
		}()
		sent++
		for i := range sent {
			if e := next[client.RoomEvent](t, c); uint64(e.Seq) != 11+i || len(e.Text) != len(text) {
				t.Fatalf("event %d came, want %d", e.Seq, 11+i)
			}
		}
		if err := clienttest.Get(t, rest); err != nil {
			t.Fatal(err)
		}
		break
	}
	p.Barrier() // and the client receives again
}

// A client that waits for its reader keeps the connection alive, and comes back when
// it is lost all the same.
func TestClientStalled(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.EventsBuffer = 4
	var p *clienttest.Peer
	c := dial(t, s, config, func() {
		p = s.Accept()
		p.Read()
		p.Send(sarangv1.SLogin, &sarangv1.LoggedIn{Version: 1, User: 9, Name: "Mina", Token: []byte("secret"), Limits: &sarangv1.Limits{HeartbeatSeconds: 1}})
	})
	joined := do(func() (client.Joined, error) { return c.Join(within(t), client.Join{Name: "lobby"}) })
	p.Read()
	p.Joined(1, 3, 10)
	clienttest.Get(t, joined)
	var all []byte // in one piece: what the client has not taken is lost with the connection
	for i := range uint64(6) {
		all = append(all, clienttest.Frame(t, sarangv1.SChat, &sarangv1.Event{Room: 7, Seq: 11 + i, TimeMs: 5, Text: "x"})...)
	}
	p.Write(all)
	p.Want(sarangv1.CPing, &sarangv1.Ping{})
	p.Want(sarangv1.CPing, &sarangv1.Ping{})
	p.Reset()
	next[client.Online](t, c)
	for i := range uint64(6) {
		if e := next[client.RoomEvent](t, c); uint64(e.Seq) != 11+i {
			t.Fatalf("event %d came, want %d", e.Seq, 11+i)
		}
	}
	next[client.Offline](t, c)
	rejoin(s.AcceptResume(), 16)
}

// Calls that were canceled leave nothing behind that would surprise the program.
func TestClientCanceledRequest(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	ctx, cancel := context.WithCancel(context.Background())
	page := do(func() (client.HistoryPage, error) { return c.History(ctx, client.History{Room: 7}) })
	p.Want(sarangv1.CHistory, &sarangv1.History{Request: 2, Room: 7})
	cancel()
	if got := clienttest.Get(t, page); !errors.Is(got.err, context.Canceled) {
		t.Errorf("History: %v", got.err)
	}
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 10, PacketId: sarangv1.CHistory, Request: 2})
	p.Says(11, "x")
	next[client.RoomEvent](t, c)

	// What waits while there is no connection can be canceled, too.
	p.Reset()
	next[client.Offline](t, c)
	ctx, cancel = context.WithCancel(context.Background())
	page = do(func() (client.HistoryPage, error) { return c.History(ctx, client.History{Room: 7}) })
	p = s.Accept()
	cancel()
	if got := clienttest.Get(t, page); !errors.Is(got.err, context.Canceled) {
		t.Errorf("History: %v", got.err)
	}
	p.Read()
	p.Welcome()
	rejoin(p, 11)
	p.Barrier()
}

func TestClientDiscardsEvents(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.DiscardEvents, config.EventsBuffer = true, 1
	_, p := dialJoined(t, s, config)
	for i := range uint64(100) {
		p.Says(11+i, "x")
	}
	p.Barrier()
}

func TestClientContexts(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	ctx, cancel := context.WithCancel(context.Background())
	seq := do(func() (chat.Seq, error) { return c.Publish(ctx, 7, "x") })
	m := p.Publish()
	cancel()
	var failed *client.PublishError
	got := clienttest.Get(t, seq)
	if !errors.As(got.err, &failed) || !failed.Sent || uint64(failed.Nonce) != m.Nonce || !errors.Is(got.err, context.Canceled) {
		t.Errorf("Publish: %#v", got.err)
	}
	if _, err := c.Publish(ctx, 7, "x"); !errors.As(err, &failed) || failed.Sent {
		t.Errorf("Publish under a dead context: %v", err)
	}
	p.Reset()
	p = s.AcceptResume()
	rejoin(p, 10)
	p.Barrier() // what was given up is not sent again

	// A caller who waits for the limit leaves without a trace.
	waiting := make([]<-chan result[chat.Seq], 2)
	for i := range waiting {
		waiting[i] = do(func() (chat.Seq, error) { return c.PublishNonce(within(t), 7, chat.Nonce(100+i), "x") })
	}
	if _, err := c.Join(ctx, client.Join{Name: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Join: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for _, w := range waiting {
		if got := clienttest.Get(t, w); !errors.Is(got.err, client.ErrClosed) {
			t.Errorf("Publish across Close: %v", got.err)
		}
	}
	if _, err := c.Publish(within(t), 7, "x"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Publish after Close: %v", err)
	}
	for range c.Events() { // it was closed
	}
}

// More callers than messages may be pending: each gets its turn.
func TestClientPublishersWaitForTheLimit(t *testing.T) {
	s := clienttest.NewServer(t)
	config := clientConfig(s)
	config.PublishesPendingMax = 3
	c, p := dialJoined(t, s, config)
	const callers = 20
	answers := make([]<-chan result[chat.Seq], callers)
	for i := range answers {
		answers[i] = do(func() (chat.Seq, error) { return c.Publish(within(t), 7, fmt.Sprint(i)) })
	}
	texts := make(map[string]uint64)
	for i := range uint64(callers) {
		m := p.Publish()
		texts[m.Text] = 11 + i
		p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: m.Nonce, Seq: 11 + i})
	}
	for i, a := range answers {
		if got := clienttest.Get(t, a); got.err != nil || uint64(got.value) != texts[fmt.Sprint(i)] {
			t.Errorf("caller %d: %+v, want %d", i, got, texts[fmt.Sprint(i)])
		}
	}
}

func TestClientFaultsAndGaps(t *testing.T) {
	s := clienttest.NewServer(t)
	c, p := dialJoined(t, s, clientConfig(s))
	p.Says(12, "x")
	if f := next[client.Fault](t, c); !errors.As(f.Err, new(*client.SequenceError)) {
		t.Errorf("fault %v", f.Err)
	}
	next[client.RoomEvent](t, c)
	p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 3, From: 13, To: 14})
	if g := next[client.Gap](t, c); g.From != 13 || g.To != 14 {
		t.Errorf("gap %+v", g)
	}
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Room: 7})
	if l := next[client.Left](t, c); l.Room != 7 {
		t.Errorf("left %+v", l)
	}
}
