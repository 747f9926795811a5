package session_test

import (
	"fmt"
	"net/netip"
	"testing"

	"sarang/chat"
	"sarang/client/internal/clienttest"
	"sarang/client/session"
	"sarang/engine"
	sarangv1 "sarang/proto/sarang/v1"
)

// teller writes a line for everything that a session is told. LoggedIn and
// Disconnected aside, a line has the fields that matter.
type teller struct{ lines chan string }

func (r *teller) tell(format string, args ...any) { r.lines <- fmt.Sprintf(format, args...) }

func (r *teller) LoggedIn(_ *session.Session, in session.LoggedIn) {
	r.tell("login %s %d token=%s resumed=%t texts=%d idle=%v", in.Name, in.User, in.Token, in.Resumed, in.Limits.TextBytesMax, in.Limits.IdleMax)
}
func (r *teller) Resumed(*session.Session) { r.tell("resumed") }
func (r *teller) Joined(_ *session.Session, j session.Joined) {
	r.tell("joined #%d %s id=%d epoch=%d after=%d rejoin=%t", j.Request, j.Room.Name, j.Room.ID, j.Room.Epoch, j.After, j.Rejoin)
}

func (r *teller) Left(_ *session.Session, l session.Left) {
	if l.Err != nil {
		r.tell("left #%d %d code=%d by %d until %d: %s", l.Request, l.Room, l.Err.Code, l.Seq, l.UntilMs, l.Err.Message)
		return
	}
	r.tell("left #%d %d", l.Request, l.Room)
}

func (r *teller) Created(_ *session.Session, c session.Created) {
	r.tell("created #%d %s ephemeral=%t", c.Request, c.Room.Name, c.Room.Ephemeral)
}

func (r *teller) Event(_ *session.Session, e *chat.Event) {
	r.tell("event %d/%d kind=%d %s: %s", e.Room, e.Seq, e.Kind, e.Name, e.Text)
}
func (r *teller) Ack(_ *session.Session, a session.Ack) { r.tell("ack %d/%d", a.Room, a.Seq) }
func (r *teller) Refused(_ *session.Session, f session.Refused) {
	r.tell("refused %d code=%d retrying=%t", f.Room, f.Err.Code, f.Retrying)
}

func (r *teller) Error(_ *session.Session, f session.Failure) {
	r.tell("error packet=%d #%d room=%d code=%d %q wait=%v rejoin=%t retrying=%t", f.Packet, f.Request, f.Room, f.Err.Code, f.Err.Message, f.Err.RetryAfter, f.Rejoin, f.Retrying)
}

func (r *teller) Gap(_ *session.Session, g session.Gap) {
	r.tell("gap %d epoch=%d %d..%d changed=%t", g.Room, g.Epoch, g.From, g.To, g.EpochChanged)
}

func (r *teller) RoomPage(_ *session.Session, p session.RoomPage) {
	r.tell("rooms #%d %v more=%t", p.Request, p.Rooms, p.More)
}

func (r *teller) HistoryPage(_ *session.Session, p session.HistoryPage) {
	r.tell("history #%d room=%d epoch=%d %d more=%t", p.Request, p.Room, p.Epoch, len(p.Events), p.More)
}

func (r *teller) MemberPage(_ *session.Session, p session.MemberPage) {
	r.tell("members #%d room=%d %v of %d more=%t", p.Request, p.Room, p.Members, p.Total, p.More)
}

func (r *teller) Marked(_ *session.Session, m session.Marked) {
	r.tell("marked #%d room=%d %d", m.Request, m.Room, m.Seq)
}

func (r *teller) Followed(_ *session.Session, f session.Followed) {
	r.tell("followed #%d room=%d root=%d %t mark=%d", f.Request, f.Room, f.Root, f.Followed, f.Mark)
}

func (r *teller) Muted(_ *session.Session, m session.Muted) {
	r.tell("muted #%d room=%d %t", m.Request, m.Room, m.Muted)
}

func (r *teller) MyRoomPage(_ *session.Session, p session.MyRoomPage) {
	for _, m := range p.Rooms {
		r.tell("mine %d %s %v mark=%d unread=%d muted=%t last=%d %q", m.Room.ID, m.Room.Name, m.Role, m.Mark, m.Unread, m.Muted, m.Last.Seq, m.Last.Text)
	}
	r.tell("mine #%d %d more=%t", p.Request, len(p.Rooms), p.More)
}

func (r *teller) Reported(_ *session.Session, p session.Reported) {
	r.tell("reported #%d %d room=%d %d %q %v", p.Request, p.Report.ID, p.Report.Room, p.Report.Seq, p.Report.Reason, p.Report.Outcome)
}

func (r *teller) Filtered(_ *session.Session, f session.Filtered) {
	r.tell("filtered #%d room=%d %q links=%t", f.Request, f.Room, f.Filter.Words, f.Filter.Links)
}

func (r *teller) MadeLink(_ *session.Session, m session.MadeLink) {
	r.tell("made link #%d %d room=%d %s uses=%d/%d code=%s", m.Request, m.Link.ID, m.Link.Room, m.Link.ByName, m.Link.Uses, m.Link.UsesMax, m.Code)
}

func (r *teller) LinkPage(_ *session.Session, p session.LinkPage) {
	r.tell("links #%d room=%d %d more=%t", p.Request, p.Room, len(p.Links), p.More)
}

func (r *teller) ReportPage(_ *session.Session, p session.ReportPage) {
	r.tell("reports #%d room=%d %d more=%t", p.Request, p.Room, len(p.Reports), p.More)
}

func (r *teller) AuditPage(_ *session.Session, p session.AuditPage) {
	r.tell("audit #%d room=%d %d more=%t", p.Request, p.Room, len(p.Entries), p.More)
}

func (r *teller) SearchPage(_ *session.Session, p session.SearchPage) {
	for _, h := range p.Hits {
		r.tell("hit %d %d %s %q %v", h.Room, h.Seq, h.RoomName, h.Text, h.Where)
	}
	r.tell("search #%d room=%d %d next=%q partial=%t", p.Request, p.Room, len(p.Hits), p.Next, p.Partial)
}
func (r *teller) Belongs(_ *session.Session, room chat.RoomID) { r.tell("belongs room=%d", room) }
func (r *teller) Typing(_ *session.Session, x session.Typing) {
	r.tell("typing room=%d %d %s", x.Room, x.User, x.Name)
}
func (r *teller) Pong(_ *session.Session, v uint64) { r.tell("pong %d", v) }
func (r *teller) Goodbye(_ *session.Session, g session.Goodbye) {
	r.tell("goodbye code=%d wait=%v", g.Err.Code, g.Err.RetryAfter)
}
func (r *teller) Fault(_ *session.Session, err error) { r.tell("fault %T %v", err, err) }
func (r *teller) Disconnected(_ *session.Session, why engine.Reason) {
	r.tell("disconnected %v", why.Code)
}

// rig is a service with one session after the other, on one State.
type rig struct {
	t      *testing.T
	server *clienttest.Server
	svc    *engine.Service
	speaks *engine.Protocol
	state  *session.State
	told   *teller
	now    *session.Session
}

func newRig(t *testing.T) *rig {
	t.Helper()
	config := session.ServiceConfig()
	config.Logger, config.Debug = clienttest.Quiet(), true
	svc, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, server: clienttest.NewServer(t), svc: svc, speaks: session.NewProtocol(nil), told: &teller{make(chan string, 1000)},
		state: session.NewState(session.StateConfig{Name: "mina", Program: "test/1", Seed: 42}),
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
	r.now = session.New(r.state, r.told)
	if err := r.svc.Connect(netip.MustParseAddrPort(r.server.Addr()), r.speaks, r.now); err != nil {
		r.t.Fatal(err)
	}
}

// login connects a session and lets it log in for the first time.
func (r *rig) login() *clienttest.Peer {
	r.t.Helper()
	r.connect()
	p := r.server.AcceptLogin()
	r.wants("login Mina 9 token=secret resumed=false texts=100 idle=1m30s")
	return p
}

// resume connects another session, which must log in with the token.
func (r *rig) resume() *clienttest.Peer {
	r.t.Helper()
	r.connect()
	p := r.server.AcceptResume()
	r.wants("login Mina 9 token=secret resumed=true texts=100 idle=1m30s")
	return p
}

// disconnect breaks the connection of p and waits until the session is told.
func (r *rig) disconnect(p *clienttest.Peer) {
	r.t.Helper()
	p.Reset()
	r.wants("disconnected broken")
}

// reconnect breaks the connection of p; another session resumes.
func (r *rig) reconnect(p *clienttest.Peer) *clienttest.Peer {
	r.t.Helper()
	r.disconnect(p)
	return r.resume()
}

// join joins room 7 in epoch 3, where its log ends at seq 10.
func (r *rig) join(p *clienttest.Peer) {
	r.t.Helper()
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Name: "lobby"}) })
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: id, Name: "lobby"})
	p.Joined(id, 3, 10)
	r.wants(fmt.Sprintf("joined #%d lobby id=7 epoch=3 after=10 rejoin=false", id))
}

// wants checks the next lines that the session is told.
func (r *rig) wants(lines ...string) {
	r.t.Helper()
	for _, want := range lines {
		if got := clienttest.Get(r.t, r.told.lines); got != want {
			r.t.Fatalf("the session was told\n  %s\nwant\n  %s", got, want)
		}
	}
}

// on runs f on the session's worker and waits for it.
func (r *rig) on(f func(s *session.Session)) {
	r.t.Helper()
	done := make(chan struct{})
	r.svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) { defer close(done); f(r.now) }))
	<-done
}

func (r *rig) request(f func(s *session.Session) (uint32, error)) uint32 {
	r.t.Helper()
	var id uint32
	var err error
	r.on(func(s *session.Session) { id, err = f(s) })
	if err != nil {
		r.t.Fatalf("request: %v", err)
	}
	return id
}

func (r *rig) publish(text string) chat.Nonce {
	r.t.Helper()
	var nonce chat.Nonce
	var err error
	r.on(func(s *session.Session) { nonce, err = s.Publish(7, text) })
	if err != nil {
		r.t.Fatalf("publish: %v", err)
	}
	return nonce
}

func (r *teller) MentionPage(_ *session.Session, p session.MentionPage) {
	r.tell("mentions #%d %d more=%t next=%v", p.Request, len(p.Messages), p.More, p.Next)
}

func (r *teller) ThreadPage(_ *session.Session, p session.ThreadPage) {
	r.tell("threads #%d room=%d %d more=%t", p.Request, p.Room, len(p.Threads), p.More)
}
