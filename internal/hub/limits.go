package hub

import (
	"fmt"
	"net/netip"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/lock"
)

// Limits say how fast a session, and all sessions of an address, may be. 0 is no such
// limit, but for AddressesMax. The rates and the counts of an address do not hold for
// Trusted addresses.
type Limits struct {
	Trusted limit.Trust

	AddressesMax              int // addresses, and networks of IPv6, that are remembered at once
	AddressConnectionsMax     int // connections at once of an address (one of IPv4, a /64 of IPv6)
	AddressConnectsPerSecond  int // new connections of an address
	AddressConnectsBurst      int
	AddressLoginsPerMinute    int // logins of an address, successful or not
	AddressLoginsBurst        int
	AddressRoomsPerHour       int // rooms that an address makes, and so many at once
	AddressRoomsPerDay        int
	AddressStoredBytesPerHour int // bytes of events that an address has stored
	AddressStoredBytesBurst   int
	Network56Addresses        int // a /56 of IPv6 may do as much as so many addresses; 0: it is not counted
	Network48Addresses        int // likewise a /48
	FarewellsPerSecond        int // refused connections that are told why; the others are closed without a word

	PasswordTriesPerMinute        int // of a name, from one address
	PasswordTriesBurst            int
	AddressPasswordTriesPerMinute int // of an address, for all names
	AddressPasswordTriesBurst     int
	NamePasswordTriesPerHour      int // of a name, from addresses where its owner was never seen
	NamePasswordTriesBurst        int

	AddressLinkTriesPerMinute int // invitation links that let nobody in, of an address
	AddressLinkTriesBurst     int

	LoginsFailedMax       int // of a session, then it is ended
	MessagesPerSecond     int // of a session
	MessagesBurst         int
	RequestsPerSecond     int // of a session: joins, creations, lists, histories, members
	RequestsBurst         int
	ReceiveBytesPerSecond int // of a session; beyond it the server does not read from it
	ReceiveBytesBurst     int
}

// defaultTrusted is this machine.
func defaultTrusted() limit.Trust {
	return limit.Trust{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// limits are the Limits at work.
type limits struct {
	config    Limits
	addresses *limit.Addresses
	messages  limit.Rate
	requests  limit.Rate
	bytes     limit.Rate
	farewell  struct {
		mu   lock.Mutex
		rate limit.Rate
		used limit.Meter
	}
	refused [limitedCount]limit.Sample
}

const day = 24 * time.Hour

func (x *limits) init(c Limits) {
	x.config = c
	x.addresses = limit.NewAddresses(limit.AddressConfig{
		AddressesMax:   max(c.AddressesMax, 1),
		ConnectionsMax: c.AddressConnectionsMax,
		Connects:       limit.NewRate(c.AddressConnectsPerSecond, time.Second, c.AddressConnectsBurst),
		Logins:         limit.NewRate(c.AddressLoginsPerMinute, time.Minute, c.AddressLoginsBurst),
		Left: limit.LeftConfig{
			RoomsPerHour: limit.NewRate(c.AddressRoomsPerHour, time.Hour, c.AddressRoomsPerHour),
			RoomsPerDay:  limit.NewRate(c.AddressRoomsPerDay, day, c.AddressRoomsPerDay),
			Bytes:        limit.NewRate(c.AddressStoredBytesPerHour, time.Hour, c.AddressStoredBytesBurst),
		},

		Network56Addresses: c.Network56Addresses,
		Network48Addresses: c.Network48Addresses,
	})
	x.messages = limit.NewRate(c.MessagesPerSecond, time.Second, c.MessagesBurst)
	x.requests = limit.NewRate(c.RequestsPerSecond, time.Second, c.RequestsBurst)
	x.bytes = limit.NewRate(c.ReceiveBytesPerSecond, time.Second, c.ReceiveBytesBurst)
	x.farewell.mu.Init(lock.NewClass("hub.farewell"))
	x.farewell.rate = limit.NewRate(c.FarewellsPerSecond, time.Second, c.FarewellsPerSecond)
}

// mayTell reports whether one more refused connection is told why.
func (x *limits) mayTell(now time.Duration) bool {
	x.farewell.mu.Lock()
	defer x.farewell.mu.Unlock()
	return x.farewell.used.Take(x.farewell.rate, now) == 0
}

// now is the time of the limits: since the hub was made.
func (h *Hub) now() time.Duration { return h.config.Now().Sub(h.started) }

// now is the hub's time, looked up once a tick.
func (s *Shard) now() time.Duration {
	if at := s.worker.Now(); at != s.nowAt || s.nowIs == 0 {
		s.nowAt, s.nowIs = at, s.hub.now()
	}
	return s.nowIs
}

// addressesBound reports whether there is any limit for addresses.
func (l *Limits) addressesBound() bool {
	return l.AddressConnectionsMax > 0 || l.AddressConnectsPerSecond > 0 || l.AddressLoginsPerMinute > 0
}

// Gate is what the engine is to ask about new connections.
func (h *Hub) Gate() engine.Gate { return (*gate)(h) }

// gate lets connections in, as the limits of addresses and the load allow.
type gate Hub

// Enter counts a connection, or says why it can not come in.
func (g *gate) Enter(peer netip.AddrPort) engine.Refusal {
	h := (*Hub)(g)
	now := h.now()
	if refusal, banned := h.keepBannedOut(peer.Addr(), now); banned {
		return refusal
	}
	if h.load.now() >= limit.LevelEntries {
		return h.keepOut(limitedEntries, now, peer.Addr(), overloaded("the server has too much to do to let anybody in"))
	}
	if h.free(peer.Addr()) {
		return engine.Refusal{}
	}
	c := &h.limits.config
	switch v, wait, of := h.limits.addresses.Enter(peer.Addr(), now); v {
	case limit.TooMany:
		return h.keepOut(limitedConnections, now, peer.Addr(), &chat.Error{
			Code: chat.CodeTooMany, RetryAfter: retryLater,
			Message: fmt.Sprintf("your %s may have %d connections at once", nameOf(of), c.times(of)*c.AddressConnectionsMax),
		})
	case limit.TooFast:
		return h.keepOut(limitedConnects, now, peer.Addr(), &chat.Error{
			Code: chat.CodeTooFast, RetryAfter: wait,
			Message: fmt.Sprintf("your %s may connect %d times per second", nameOf(of), c.times(of)*c.AddressConnectsPerSecond),
		})
	case limit.Full:
		return h.keepOut(limitedAddresses, now, peer.Addr(), overloaded("too many addresses are connected"))
	}
	return engine.Refusal{}
}

// times is how many addresses' worth an address, or the network that it is in, may do.
func (l *Limits) times(of netip.Prefix) int {
	if of.Addr().Is6() && of.Bits() == 56 {
		return l.Network56Addresses
	}
	if of.Addr().Is6() && of.Bits() == 48 {
		return l.Network48Addresses
	}
	return 1
}

// nameOf tells a person what is at its bound: his address, or a network of others, too.
func nameOf(of netip.Prefix) string {
	if of.Addr().Is6() && of.Bits() < 64 {
		return "network " + of.String()
	}
	return "address"
}

func (h *Hub) keepOut(why Limited, now time.Duration, from netip.Addr, err *chat.Error) engine.Refusal {
	h.noteLimited(why, now, from, 0)
	return engine.Refusal{Err: err, Farewell: h.limits.mayTell(now)}
}

// Leave forgets a connection.
func (g *gate) Leave(peer netip.AddrPort) {
	if h := (*Hub)(g); !h.free(peer.Addr()) {
		h.limits.addresses.Leave(peer.Addr())
	}
}

// free reports whether the limits of addresses do not hold for one.
func (h *Hub) free(a netip.Addr) bool {
	return !h.limits.config.addressesBound() || h.limits.config.Trusted.Contains(a)
}

// RefusedBytes is what a packet counts for Received in addition when it was answered as
// nonsense or as too fast: who goes on all the same is slowed down.
const RefusedBytes = 1 << 10

// packetBytesLeast is what a packet counts at least, as it costs more than its bytes.
const packetBytesLeast = 128

// Packet counts a packet of so many bytes. When the session has used up its bytes, it is
// not read from, and what has arrived is not handled, until they have come back. The
// gateway calls it.
func (s *Shard) Packet(o *Session, bytes int) { s.charge(o, max(bytes, packetBytesLeast)) }

// Charge counts RefusedBytes for a packet that was nonsense.
func (s *Shard) Charge(o *Session) { s.charge(o, RefusedBytes) }

func (s *Shard) charge(o *Session, bytes int) {
	if o.trusted {
		return
	}
	wait := o.bytes.Spend(s.hub.limits.bytes, s.now(), bytes)
	if wait == 0 || o.holds&holdBytes != 0 || o.Engine.Closing() {
		return
	}
	o.hold(holdBytes)
	s.limited(o, limitedBytes)
	s.worker.After(&engine.Timer{Data: &heldSession{s, o.Engine.ID()}}, wait, releaseBytes)
}

// heldSession is a session that is not read from because it sent too much.
type heldSession struct {
	shard *Shard
	id    engine.SessionID
}

// releaseBytes goes on reading from a session when its debt is paid.
func releaseBytes(t *engine.Timer) {
	held := t.Data.(*heldSession)
	s := held.shard
	o := s.session(held.id)
	if o == nil {
		return
	}
	if wait := o.bytes.Debt(s.hub.limits.bytes, s.now()); wait > 0 {
		s.worker.After(t, wait, releaseBytes)
		return
	}
	o.release(holdBytes)
}

// holds are why a session is not read from.
type holds uint8

const (
	holdInFlight holds = 1 << iota // too many of its messages have no outcome
	holdBytes                      // it sent too much
)

func (s *Session) hold(why holds) {
	if s.holds == 0 {
		s.Engine.Pause()
	}
	s.holds |= why
}

func (s *Session) release(why holds) {
	if s.holds == 0 {
		return
	}
	if s.holds &^= why; s.holds == 0 {
		s.Engine.Resume()
	}
}

// slow refuses what came too fast, if it did.
func (s *Shard) slow(o *Session, ref RequestRef, m *limit.Meter, r limit.Rate, why Limited, what string) bool {
	if o.trusted {
		return false
	}
	wait := m.Take(r, s.now())
	if wait == 0 {
		return false
	}
	s.limited(o, why)
	s.charge(o, RefusedBytes)
	s.fail(o, ref, &chat.Error{Code: chat.CodeTooFast, Message: what, RetryAfter: wait})
	return true
}

func (s *Shard) tooFastMessage(o *Session, ref RequestRef) bool {
	return s.slow(o, ref, &o.messages, s.hub.limits.messages, limitedMessages, "you publish too fast; try again with the same nonce")
}

// bearable refuses what the server does without at a level, if that is reached.
func (s *Shard) bearable(o *Session, ref RequestRef, below limit.Level) bool {
	if s.hub.load.now() < below {
		return true
	}
	s.limited(o, limitedAt(below))
	err := overloaded("the server has too much to do; try again later")
	err.RetryAfter += s.spread(o, ref)
	s.fail(o, ref, err)
	return false
}

func overloaded(message string) *chat.Error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: message, RetryAfter: retryLater}
}

// spread is up to a second, different for different sessions and requests: those who
// were refused together are not to come back together.
func (s *Shard) spread(o *Session, ref RequestRef) time.Duration {
	x := (uint64(o.Engine.ID()) ^ uint64(ref.Nonce)<<20 ^ uint64(ref.Request)) * 0x9e3779b97f4a7c15 // Fibonacci hashing
	return time.Duration(x>>32) * time.Second >> 32
}

// loginTooFast refuses a login of an address that has had too many.
func (s *Shard) loginTooFast(o *Session, ref RequestRef) bool {
	h := s.hub
	if peer := o.Engine.Peer().Addr(); h.limits.config.AddressLoginsPerMinute > 0 && !o.trusted {
		if wait, of := h.limits.addresses.Login(peer, s.now()); wait > 0 {
			c := &h.limits.config
			s.limited(o, limitedLogins)
			s.charge(o, RefusedBytes)
			s.fail(o, ref, &chat.Error{
				Code: chat.CodeTooFast, RetryAfter: wait + s.spread(o, ref),
				Message: fmt.Sprintf("your %s may log in %d times per minute", nameOf(of), c.times(of)*c.AddressLoginsPerMinute),
			})
			return true
		}
	}
	return false
}

// countFailure ends a session that has failed to log in too often.
func (s *Shard) countFailure(o *Session, err *chat.Error) {
	if err.Code == chat.CodeUnavailable {
		return // it is our fault
	}
	if err.Code == chat.CodeTooFast {
		return // nobody has looked at it
	}
	o.failures++
	if most := s.hub.limits.config.LoginsFailedMax; most > 0 && int(o.failures) >= most {
		s.limited(o, limitedFailures)
		o.Engine.End(engine.Reason{
			Code: engine.ReasonRefused,
			Err:  chat.Errorf(chat.CodeTooMany, "%d logins have failed", most),
		})
	}
}
