package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/lock"
)

// What whoever operates the server does to rooms goes the way of what their owners do, by the
// room's home, without a session and without asking for a right.

// operated are the requests of that kind that have no outcome yet, by their nonces. A request of
// no session that is not among them is one whose outcome nobody waits for.
type operated struct {
	mu      lock.Mutex
	waiting map[chat.Nonce]chan *chat.Error
}

func (o *operated) init() {
	o.mu.Init(lock.NewClass("hub.operated"))
	o.waiting = map[chat.Nonce]chan *chat.Error{}
}

func (o *operated) begin(n chat.Nonce) <-chan *chat.Error {
	outcome := make(chan *chat.Error, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[n] = outcome
	return outcome
}

func (o *operated) end(n chat.Nonce) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, n)
}

// tell tells the outcome of a request, nil if it is done, and reports whether the request is of
// no session, so that there is nobody else to be told.
func (o *operated) tell(session engine.SessionID, n chat.Nonce, err *chat.Error) bool {
	if session != 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if outcome := o.waiting[n]; outcome != nil {
		outcome <- err
		delete(o.waiting, n)
	}
	return true
}

// SetRoom changes a setting of a room for whoever operates the server, and returns when that is
// in the room's log. CodeUncertain if ctx ends before: it may be done, or not. Any goroutine but
// a worker may call it.
func (h *Hub) SetRoom(ctx context.Context, room chat.RoomID, set chat.Setting) error {
	if err := set.Check(); err != nil {
		return err
	}
	p := publishRequest{kind: set.Kind, text: set.Text, value: set.Value, operator: true}
	if set.Kind == chat.EventName {
		name, key, err := chat.ParseRoomName(set.Text)
		if err != nil {
			return err
		}
		p.text, p.key = name, key
	}
	return h.operate(ctx, room, func(n chat.Nonce) roomRequest {
		p.nonce = n
		return roomRequest{room: room, publish: p}
	})
}

// DeleteRoom deletes a room for whoever operates the server. When it returns nobody is in the
// room, and nothing of it is shown to anybody any more. CodeUncertain if ctx ends before: it may
// be done, or not. Any goroutine but a worker may call it.
func (h *Hub) DeleteRoom(ctx context.Context, room chat.RoomID) error {
	return h.operate(ctx, room, func(n chat.Nonce) roomRequest {
		return roomRequest{room: room, other: &deleteRequest{asker{ref: RequestRef{Room: room, Nonce: n}}}}
	})
}

func (h *Hub) operate(ctx context.Context, room chat.RoomID, request func(chat.Nonce) roomRequest) error {
	if h.draining.Load() {
		return draining()
	}
	s := h.shards[h.homeOf(room)]
	if s == nil {
		return draining() // the workers have not started
	}
	n := chat.Nonce(h.Uint64() | 1)
	outcome := h.operated.begin(n)
	defer h.operated.end(n)
	if !s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.request(request(n)) })) {
		return draining()
	}
	select {
	case err := <-outcome:
		if err != nil {
			return err
		}
		return nil
	case <-ctx.Done():
		return &chat.Error{Code: chat.CodeUncertain, Message: "the server did not do it in time; it may still", Err: ctx.Err()}
	}
}
