package client_test

import (
	"fmt"
	"net/netip"
	"testing"

	"sarang/chat"
	"sarang/client"
	"sarang/engine"
	sarangv1 "sarang/proto/sarang/v1"
)

// teller writes a line for everything that a session is told. LoggedIn and
// Disconnected aside, a line has the fields that matter.
type teller struct{ lines chan string }

func (r *teller) tell(format string, args ...any) { r.lines <- fmt.Sprintf(format, args...) }

func (r *teller) LoggedIn(_ *client.Session, in client.LoggedIn) {
	r.tell("login %s %d token=%s resumed=%t texts=%d idle=%v", in.Name, in.User, in.Token, in.Resumed, in.Limits.TextBytesMax, in.Limits.IdleMax)
}
func (r *teller) Resumed(*client.Session) { r.tell("resumed") }
func (r *teller) Joined(_ *client.Session, j client.Joined) {
	r.tell("joined #%d %s id=%d epoch=%d after=%d rejoin=%t", j.Request, j.Room.Name, j.Room.ID, j.Room.Epoch, j.After, j.Rejoin)
}
func (r *teller) Left(_ *client.Session, l client.Left) { r.tell("left #%d %d", l.Request, l.Room) }
func (r *teller) Created(_ *client.Session, c client.Created) {
	r.tell("created #%d %s ephemeral=%t", c.Request, c.Room.Name, c.Room.Ephemeral)
}

func (r *teller) Event(_ *client.Session, e *chat.Event) {
	r.tell("event %d/%d kind=%d %s: %s", e.Room, e.Seq, e.Kind, e.Name, e.Text)
}
func (r *teller) Ack(_ *client.Session, a client.Ack) { r.tell("ack %d/%d", a.Room, a.Seq) }
func (r *teller) Refused(_ *client.Session, f client.Refused) {
	r.tell("refused %d code=%d retrying=%t", f.Room, f.Err.Code, f.Retrying)
}

func (r *teller) Error(_ *client.Session, f client.Failure) {
	r.tell("error packet=%d #%d room=%d code=%d %q wait=%v rejoin=%t retrying=%t", f.Packet, f.Request, f.Room, f.Err.Code, f.Err.Message, f.Err.RetryAfter, f.Rejoin, f.Retrying)
}

func (r *teller) Gap(_ *client.Session, g client.Gap) {
	r.tell("gap %d epoch=%d %d..%d changed=%t", g.Room, g.Epoch, g.From, g.To, g.EpochChanged)
}

func (r *teller) RoomPage(_ *client.Session, p client.RoomPage) {
	r.tell("rooms #%d %v more=%t", p.Request, p.Rooms, p.More)
}

func (r *teller) HistoryPage(_ *client.Session, p client.HistoryPage) {
	r.tell("history #%d room=%d epoch=%d %d more=%t", p.Request, p.Room, p.Epoch, len(p.Events), p.More)
}

func (r *teller) MemberPage(_ *client.Session, p client.MemberPage) {
	r.tell("members #%d room=%d %v of %d more=%t", p.Request, p.Room, p.Members, p.Total, p.More)
}
func (r *teller) Pong(_ *client.Session, v uint64) { r.tell("pong %d", v) }
func (r *teller) Goodbye(_ *client.Session, g client.Goodbye) {
	r.tell("goodbye code=%d wait=%v", g.Err.Code, g.Err.RetryAfter)
}
func (r *teller) Fault(_ *client.Session, err error) { r.tell("fault %T %v", err, err) }
func (r *teller) Disconnected(_ *client.Session, why engine.Reason) {
	r.tell("disconnected %v", why.Code)
}

// rig is a service with one session after the other, on one State.
type rig struct {
	t      *testing.T
	server *server
	svc    *engine.Service
	state  *client.State
	told   *teller
	now    *client.Session
}

func newRig(t *testing.T) *rig {
	t.Helper()
	config := client.ServiceConfig()
	config.Logger, config.Debug = quiet(), true
	svc, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, server: newServer(t), svc: svc, told: &teller{make(chan string, 1000)},
		state: client.NewState(client.StateConfig{Name: "mina", Program: "test/1", Seed: 42}),
	}
	t.Cleanup(func() {
		if err := svc.Close(); err != nil {
			t.Errorf("close of the service: %v", err)
		}
	})
	return r
}

// connect starts a session on the rig's state.
func (r *rig) connect() {
	r.t.Helper()
	r.now = client.NewSession(r.state, r.told)
	if err := r.svc.Connect(netip.MustParseAddrPort(r.server.addr()), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// login connects a session and lets it log in for the first time.
func (r *rig) login() *peer {
	r.t.Helper()
	r.connect()
	p := r.server.acceptLogin()
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=1m30s")
	return p
}

// resume connects another session, which must log in with the token.
func (r *rig) resume() *peer {
	r.t.Helper()
	r.connect()
	p := r.server.acceptResume()
	r.wants("login Mina 9 token=secret resumed=true texts=100 idle=1m30s")
	return p
}

// join joins room 7 in epoch 3, where its log ends at seq 10.
func (r *rig) join(p *peer) {
	r.t.Helper()
	id := r.request(func(s *client.Session) (uint32, error) { return s.Join(client.Join{Name: "lobby"}) })
	p.want(sarangv1.CJoin, &sarangv1.Join{Request: id, Name: "lobby"})
	p.joined(id, 3, 10)
	r.wants(fmt.Sprintf("joined #%d lobby id=7 epoch=3 after=10 rejoin=false", id))
}

// wants checks the next lines that the session is told.
func (r *rig) wants(lines ...string) {
	r.t.Helper()
	for _, want := range lines {
		if got := get(r.t, r.told.lines); got != want {
			r.t.Fatalf("the session was told\n  %s\nwant\n  %s", got, want)
		}
	}
}

// on runs f on the session's worker and waits for it.
func (r *rig) on(f func(s *client.Session)) {
	r.t.Helper()
	done := make(chan struct{})
	r.svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) { defer close(done); f(r.now) }))
	<-done
}

func (r *rig) request(f func(s *client.Session) (uint32, error)) uint32 {
	r.t.Helper()
	var id uint32
	var err error
	r.on(func(s *client.Session) { id, err = f(s) })
	if err != nil {
		r.t.Fatalf("request: %v", err)
	}
	return id
}

func (r *rig) publish(text string) chat.Nonce {
	r.t.Helper()
	var nonce chat.Nonce
	var err error
	r.on(func(s *client.Session) { nonce, err = s.Publish(7, text) })
	if err != nil {
		r.t.Fatalf("publish: %v", err)
	}
	return nonce
}
