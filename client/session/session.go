package session

import (
	"math"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Bounds of a Session.
const (
	// RequestsMax is how many requests (not counting publishes) may be without an
	// answer at once.
	RequestsMax = 64

	// sendQueueBytes is how much may wait in the direct queue before publishes are
	// held back. One more packet may join it, so a service for sessions wants a
	// DirectQueueBytesMax of at least that plus packet.SizeMax, and the requests.
	sendQueueBytes = 32 << 10
)

// Session is one connection to a server: it logs in, rejoins the rooms of its State,
// sends what was unacknowledged, and calls its Events. It is to be the Data of an engine
// session whose worker has a Handler of this package. Only that worker may call its
// methods.
type Session struct {
	handler  *Handler
	es       *engine.Session // nil before Connected and after Disconnected
	state    *State
	events   Events
	requests []request // without an answer
	last     uint32    // the last request id
	limits   Limits
	retry    engine.Timer // the earliest retryAt
	retryAt  time.Duration
	login    step          // stepNone, stepSent; stepDropped: answered
	online   bool          // logged in
	held     bool          // publishes wait for the direct queue to go out
	slow     bool          // the server finds us too fast: publishes go one at a time, in order
	slowTill time.Duration // and not before this, the worker's time
	resuming bool          // Events.Resumed is still to be called
	goodbye  *chat.Error
	removed  map[chat.RoomID]bool // rooms that the server has taken us out of; see wasRemoved

	// Data is the program's.
	Data any
}

// New makes a session that goes on with state, which no other session may be using any
// more when this one is connected.
func New(state *State, events Events) *Session {
	return &Session{state: state, events: events}
}

// State returns what survives the session.
func (s *Session) State() *State { return s.state }

// Engine returns the engine session; nil before it is connected and after Disconnected.
func (s *Session) Engine() *engine.Session { return s.es }

// Online reports whether the session is logged in.
func (s *Session) Online() bool { return s.online }

// Limits returns what the server allows; zero before the login.
func (s *Session) Limits() Limits { return s.limits }

// Goodbye returns why the server ends the connection; nil if it did not announce that.
func (s *Session) Goodbye() *chat.Error { return s.goodbye }

// Close ends the connection in order: what was sent still goes out.
func (s *Session) Close() {
	if s.es != nil {
		s.es.Close()
	}
}

// Abort ends the connection at once.
func (s *Session) Abort() {
	if s.es != nil {
		s.es.Abort()
	}
}

// connected is the start: the login goes out at once.
func (s *Session) connected(h *Handler, es *engine.Session) {
	engine.Invariant(s.es == nil, "a client session is connected twice")
	s.state.attach(s)
	s.handler, s.es = h, es
	// Whether the login takes too long is the server's to say: no deadline here.
	es.Admit()
	if err := s.Login(); err != nil {
		s.events.Fault(s, err)
		es.Abort()
	}
}

// disconnected is the end.
func (s *Session) disconnected(why engine.Reason) {
	if s.es != nil {
		s.es.Worker().Stop(&s.retry)
		s.es, s.online = nil, false
		for _, r := range s.state.detach() {
			s.refuseAll(r, chat.Errorf(chat.CodeNotMember, "the room was left"))
		}
	}
	s.requests = nil
	s.events.Disconnected(s, why)
}

// Login asks for the State's name. A session does it by itself when it is connected;
// it is for trying again after the server has refused (SetName).
func (s *Session) Login() error {
	if s.es == nil || s.login != stepNone {
		return ErrOffline
	}
	c := &s.state.config
	err := s.handler.encoder.Send(s.es, sarangv1.CLogin, &sarangv1.Login{
		VersionMin: sarangv1.Version, VersionMax: sarangv1.Version,
		Name: c.Name, Token: c.Token, Client: c.Program, Capabilities: c.Capabilities,
		Password: c.Password, Register: c.Register, Invitation: c.Invitation, Device: c.Device, Jwt: c.JWT,
	})
	if err == nil {
		s.login = stepSent
	}
	return err
}

// SetName changes the name and token that the next login asks for.
func (s *Session) SetName(name string, token []byte) {
	s.state.config.Name, s.state.config.Token = name, append([]byte(nil), token...)
}

// SetPassword changes the password that the next login shows. With it the name's owner is let
// in without a token; register is for a name that nobody has.
func (s *Session) SetPassword(password string, register bool, invitation string) {
	c := &s.state.config
	c.Password, c.Register, c.Invitation = password, register, invitation
}

// loggedIn handles S_LOGIN.
func (s *Session) loggedIn(m *sarangv1.LoggedIn) error {
	if s.login != stepSent {
		return &UnexpectedError{Packet: sarangv1.SLogin, What: "no login was asked for"}
	}
	s.login = stepDropped
	if m.Version != sarangv1.Version {
		s.es.Close()
		return &VersionError{m.Version}
	}
	st := s.state
	s.resuming = st.user != 0
	st.user = chat.UserID(m.User)
	st.config.Name = clean(m.Name)
	if len(m.Token) > 0 {
		st.config.Token = append([]byte(nil), m.Token...)
	}
	st.config.JWT = ""
	st.config.Password, st.config.Register, st.config.Invitation = "", false, "" // the token is enough from here on
	s.online = true
	s.limits = limitsOf(m.Limits)
	in := LoggedIn{
		Version: m.Version, User: st.user, Name: st.config.Name, Token: st.config.Token,
		SentCount: m.SentCount, Server: clean(m.Server), Limits: s.limits, Resumed: s.resuming,
		Session: chat.DeviceID(m.Session), Account: m.Account,
	}
	for _, c := range m.Capabilities {
		in.Capabilities = append(in.Capabilities, clean(c))
	}
	s.events.LoggedIn(s, in)
	s.pump()
	return nil
}

func limitsOf(m *sarangv1.Limits) Limits {
	return Limits{
		TextBytesMax:         int(m.GetTextBytesMax()),
		RoomsJoinedMax:       int(m.GetRoomsJoinedMax()),
		PublishesInFlightMax: int(m.GetPublishesInFlightMax()),
		IdleMax:              time.Duration(m.GetIdleSecondsMax()) * time.Second,
		HeartbeatInterval:    time.Duration(m.GetHeartbeatSeconds()) * time.Second,
		HistoryItemsMax:      int(m.GetHistoryItemsMax()),
		PasswordRunesMin:     int(m.GetPasswordRunesMin()),
		PasswordBytesMax:     int(m.GetPasswordBytesMax()),
		EditFor:              time.Duration(m.GetEditSecondsMax()) * time.Second,
		FileBytesMax:         int64(min(m.GetFileBytesMax(), math.MaxInt64)),
		FilesPerMessageMax:   int(m.GetFilesPerMessageMax()),
		WebPort:              uint16(min(m.GetWebPort(), math.MaxUint16)),
		WebTLS:               m.GetWebTls(),
	}
}

// pump sends what is to be sent and may be sent: joins of rooms that the State had,
// then publishes. It calls Events.Resumed when nothing of an earlier connection is left.
func (s *Session) pump() {
	if !s.online || s.es == nil || s.es.Closing() {
		return
	}
	s.held = false
	rejoined := true
	for _, r := range s.state.order {
		if r.leaving {
			continue
		}
		if r.rejoin == stepWanted {
			s.rejoin(r)
		}
		if r.unsent > 0 && r.joined {
			s.pumpRoom(r)
		}
		rejoined = rejoined && r.rejoin == stepNone
	}
	if s.resuming && rejoined {
		s.resuming = false
		s.events.Resumed(s)
	}
}

// later schedules a retry of what waits at the worker's time at.
func (s *Session) later(at time.Duration) {
	if s.es == nil || s.retry.Running() && s.retryAt <= at {
		return
	}
	w := s.es.Worker()
	s.retryAt = at
	s.retry.Data = s
	w.After(&s.retry, max(at-w.Now(), 0), retryTimer)
}

// retryTimer takes up what has waited long enough.
func retryTimer(t *engine.Timer) {
	s := t.Data.(*Session)
	now := s.es.Worker().Now()
	for _, r := range s.state.order {
		if r.rejoin == stepWaiting {
			if r.retryAt <= now {
				r.rejoin = stepWanted
			} else {
				s.later(r.retryAt)
			}
		}
		for i := range r.pending {
			if p := &r.pending[i]; p.step == stepWaiting {
				if p.retryAt <= now {
					r.move(i, stepWanted)
				} else {
					s.later(p.retryAt)
				}
			}
		}
	}
	s.pump()
}

// send sends a packet that is no request.
func (s *Session) send(id packet.ID, m packet.Marshaler) error {
	if s.es == nil {
		return ErrOffline
	}
	return s.handler.encoder.Send(s.es, id, m)
}
