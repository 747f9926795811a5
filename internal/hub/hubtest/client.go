package hubtest

import (
	"fmt"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
)

// Client is a session at the hub and the far end of its connection.
type Client struct {
	Session *hub.Session
	User    chat.User
	Token   []byte
	Device  chat.DeviceID
	Records []Record     // what the hub has told, in order
	Events  []chat.Event // room events that have arrived, in order
	Forms   []string     // the format of each
	Over    bool         // the connection is gone

	// Arrived, if set, is told of all that arrives at the far end, in order.
	Arrived func(Arrival)

	rig     *Rig
	number  int // in rig.clients
	format  *hub.Format
	shard   *hub.Shard
	far     *engine.Session
	request uint32
}

// Record is one thing that the hub has told a session. Kind is the method of hub.Client.
type Record struct {
	Kind     string
	Ref      hub.RequestRef
	Info     hub.RoomInfo
	Seq      chat.Seq  // Ack, Joined (after), Gap (to), History (as of)
	From     chat.Seq  // Gap
	Start    hub.Start // Joined
	Rooms    []hub.RoomInfo
	Mine     []hub.MyRoom
	Muted    bool
	Followed hub.Followed
	Events   []chat.Event
	States   []chat.State // History
	Threads  []chat.Thread
	Messages []hub.StatedMessage // Mentions
	Next     chat.MentionPlace   // Mentions
	Found    hub.SearchPage
	Users    []chat.User
	Sessions []hub.DeviceInfo
	Total    int
	More     bool
	Err      *chat.Error
	Reports  []hub.ReportInfo
	Audit    []chat.AuditEntry
	Links    []hub.LinkInfo // Links, MadeLink
	Code     string         // MadeLink
	Filter   chat.RoomFilter
	Members  []hub.MemberInfo
	Profile  hub.UserInfo
	Name     string // Renamed
	Removed  bool   // Blocked
	Marks    []hub.SeenMark
}

// Arrival is a line that has arrived: an event, or the border between what belongs to a
// room and what does not.
type Arrival struct {
	Joined, Left bool // if neither: Event
	Room         chat.RoomID
	After        chat.Seq // Joined: the number before that of the first event
	Format       string
	Event        chat.Event
}

// Connect begins to connect a client whose events are to come in format f, or the first
// if nil. It is usable as soon as it is Up.
func (r *Rig) Connect(f *hub.Format) *Client {
	if f == nil {
		f = r.config.Formats[0]
	}
	c := &Client{rig: r, number: len(r.clients), format: f}
	r.clients = append(r.clients, c)
	r.check(r.far.Connect(r.at, r.client, c))
	return c
}

// Dial is Connect, and waits until the client is up.
func (r *Rig) Dial(f *hub.Format) *Client {
	c := r.Connect(f)
	r.Settle()
	if !c.Up() {
		r.config.Fail("a client does not get in")
	}
	return c
}

// Up reports whether the client has a session at the hub that can make requests.
func (c *Client) Up() bool { return c.Session != nil && !c.Over && !c.Session.Engine.Closing() }

// Enter is Dial and Login; the login must succeed.
func (r *Rig) Enter(name string, f *hub.Format) *Client {
	c := r.Dial(f)
	c.Login(name, nil)
	r.Settle()
	if c.User.ID == 0 {
		r.config.Fail("%s can not log in: %+v", name, c.Last())
	}
	return c
}

func (c *Client) ref(room chat.RoomID) hub.RequestRef {
	c.request++
	return hub.RequestRef{Kind: 1, Request: c.request, Room: room}
}

// Last is the newest record, the zero one if there is none.
func (c *Client) Last() Record {
	if len(c.Records) == 0 {
		return Record{}
	}
	return c.Records[len(c.Records)-1]
}

// Login asks for a name.
func (c *Client) Login(name string, token []byte) {
	c.LoginAs(hub.LoginRequest{Name: name, Token: token})
}

// LoginAs is Login with everything that can be said.
func (c *Client) LoginAs(r hub.LoginRequest) {
	c.shard.Login(c.Session, hub.RequestRef{Kind: 1}, r)
}

// Register makes the user an account.
func (c *Client) Register(password string) { c.shard.Register(c.Session, c.ref(0), password, "") }

// ChangePassword gives the user another password.
func (c *Client) ChangePassword(r hub.PasswordRequest) {
	c.shard.ChangePassword(c.Session, c.ref(0), r)
}

// Sessions asks where the user has logged in.
func (c *Client) Sessions() { c.shard.Sessions(c.Session, c.ref(0)) }

// EndSessions ends some of these.
func (c *Client) EndSessions(which chat.DeviceID, others bool) {
	c.shard.EndSessions(c.Session, c.ref(0), which, others)
}

// Join joins a room by name, which it makes if there is none.
func (c *Client) Join(name string) { c.JoinAs(0, hub.JoinRequest{Name: name, Create: true}) }

// JoinAs is Join with everything that can be said. It returns what the answer names.
func (c *Client) JoinAs(room chat.RoomID, j hub.JoinRequest) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Join(c.Session, ref, j)
	return ref
}

// Leave leaves a room.
func (c *Client) Leave(room chat.RoomID) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Leave(c.Session, ref)
	return ref
}

// LeaveForGood leaves a room, and belongs to it no more.
func (c *Client) LeaveForGood(room chat.RoomID) hub.RequestRef {
	ref := c.ref(room)
	c.shard.LeaveForGood(c.Session, ref)
	return ref
}

// Mark says how far the user has read.
func (c *Client) Mark(room chat.RoomID, seq chat.Seq) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Mark(c.Session, ref, seq)
	return ref
}

// Mute says whether the user wants to be told of a room.
func (c *Client) Mute(room chat.RoomID, muted bool) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Mute(c.Session, ref, muted)
	return ref
}

// MyRooms asks for a page of the rooms that the user belongs to.
func (c *Client) MyRooms(after chat.RoomID, items int) {
	c.shard.MyRooms(c.Session, c.ref(0), after, items)
}

// Direct opens the direct room with others.
func (c *Client) Direct(with ...hub.Whom) { c.shard.Direct(c.Session, c.ref(0), with) }

// SetTopic gives a room a topic.
func (c *Client) SetTopic(room chat.RoomID, n chat.Nonce, topic string) {
	c.shard.SetTopic(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, topic)
}

// Set changes a setting of a room.
func (c *Client) Set(room chat.RoomID, n chat.Nonce, set chat.Setting) {
	c.shard.Set(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, set)
}

// Typing says that the user types in a room.
func (c *Client) Typing(room chat.RoomID) { c.shard.Typing(c.Session, room) }

// Publish sends a text.
func (c *Client) Publish(room chat.RoomID, n chat.Nonce, text string) {
	c.PublishAs(room, n, hub.Message{Text: text})
}

// PublishAs is Publish with everything that can be said.
func (c *Client) PublishAs(room chat.RoomID, n chat.Nonce, m hub.Message) {
	c.shard.Publish(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, m)
}

// GiveRole gives a user a role.
func (c *Client) GiveRole(room chat.RoomID, n chat.Nonce, subject chat.UserID, role chat.Role) {
	c.shard.GiveRole(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, hub.RoleRequest{Whom: hub.Whom{ID: subject}, Role: role})
}

// GiveRoleAs is GiveRole with everything that can be said.
func (c *Client) GiveRoleAs(room chat.RoomID, n chat.Nonce, r hub.RoleRequest) {
	c.shard.GiveRole(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, r)
}

// Kick sends a user out of a room.
func (c *Client) Kick(room chat.RoomID, n chat.Nonce, r hub.KickRequest) {
	c.shard.Kick(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, r)
}

// Change changes a message.
func (c *Client) Change(room chat.RoomID, n chat.Nonce, ch hub.Change) {
	c.shard.Change(c.Session, hub.RequestRef{Kind: 1, Room: room, Nonce: n}, ch)
}

// Create makes a room.
func (c *Client) Create(name string, ephemeral bool) {
	c.shard.Create(c.Session, c.ref(0), hub.NewRoom{Name: name, Ephemeral: ephemeral})
}

// CreateAs is Create with everything that can be said.
func (c *Client) CreateAs(n hub.NewRoom) { c.shard.Create(c.Session, c.ref(0), n) }

// List asks for a page of rooms.
func (c *Client) List(after chat.RoomID, items int) { c.shard.List(c.Session, c.ref(0), after, items) }

// History asks for a page of events.
func (c *Client) History(room chat.RoomID, after, before chat.Seq, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.History(c.Session, ref, after, before, items)
	return ref
}

// Follow follows a thread, or does not any more: Followed.
func (c *Client) Follow(room chat.RoomID, root chat.Seq, remove bool) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Follow(c.Session, ref, root, remove)
	return ref
}

// ReadThread says how far a thread was read: Followed.
func (c *Client) ReadThread(room chat.RoomID, root, seq chat.Seq) hub.RequestRef {
	ref := c.ref(room)
	c.shard.ReadThread(c.Session, ref, root, seq)
	return ref
}

// UnreadThreads asks for a page of the threads of a room that are followed and not read: History.
func (c *Client) UnreadThreads(room chat.RoomID, before chat.Seq, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Threads(c.Session, ref, before, items, true)
	return ref
}

// Threads asks for a page of a room's threads: History.
func (c *Client) Threads(room chat.RoomID, before chat.Seq, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Threads(c.Session, ref, before, items, false)
	return ref
}

// Thread asks for a page of a thread: History.
func (c *Client) Thread(room chat.RoomID, root, after, before chat.Seq, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Thread(c.Session, ref, root, after, before, items)
	return ref
}

// Pins asks for a page of what is pinned: History.
func (c *Client) Pins(room chat.RoomID, before chat.Seq, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Pins(c.Session, ref, before, items)
	return ref
}

// Mentions asks for a page of where the user is mentioned.
func (c *Client) Mentions(before chat.MentionPlace, items int) hub.RequestRef {
	ref := c.ref(0)
	c.shard.Mentions(c.Session, ref, before, items)
	return ref
}

// Members asks for a page of who is present.
func (c *Client) Members(room chat.RoomID, after chat.UserID, items int) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Members(c.Session, ref, after, items)
	return ref
}

// Search looks for something in a room, or, for 0, in all rooms of the user.
func (c *Client) Search(room chat.RoomID, r hub.SearchRequest) hub.RequestRef {
	ref := c.ref(room)
	c.shard.Search(c.Session, ref, r)
	return ref
}

// Hangup ends the connection from the far end.
func (c *Client) Hangup() {
	if c.far != nil {
		c.far.Abort()
	}
}

// Pause has the client read nothing until Resume.
func (c *Client) Pause() {
	if c.far != nil {
		c.far.Pause()
	}
}

// Resume ends a Pause.
func (c *Client) Resume() {
	if c.far != nil {
		c.far.Resume()
	}
}

// Acked returns where the hub has said that an event of the client is, 0 if it has not.
func (c *Client) Acked(room chat.RoomID, n chat.Nonce) chat.Seq {
	for _, r := range c.Records {
		if r.Kind == "Ack" && r.Ref.Room == room && r.Ref.Nonce == n {
			return r.Seq
		}
	}
	return 0
}

// reader is the handler of the clients' ends.
type reader struct {
	engine.NopHandler
	rig *Rig
}

// Connected notes the far end, and says which client it is: connections may arrive in
// another order than they were begun.
func (h *reader) Connected(s *engine.Session) {
	c := s.Data.(*Client)
	c.far = s
	h.rig.check(s.Send(fmt.Appendf(nil, "%d\n", c.number)))
}

// Received reads a line.
func (h *reader) Received(s *engine.Session, frame []byte) {
	c := s.Data.(*Client)
	a, err := parse(string(frame[:len(frame)-1]))
	if err != nil {
		h.rig.config.Fail("a line that means nothing: %v", err)
	}
	if !a.Joined && !a.Left {
		c.Events, c.Forms = append(c.Events, a.Event), append(c.Forms, a.Format)
	}
	if c.Arrived != nil {
		c.Arrived(a)
	}
}

// Disconnected notes the end.
func (h *reader) Disconnected(s *engine.Session, _ engine.Reason) {
	c := s.Data.(*Client)
	c.far, c.Over = nil, true
}

// DeleteRoom deletes a room.
func (c *Client) DeleteRoom(room chat.RoomID) { c.shard.DeleteRoom(c.Session, c.ref(room)) }

// Purge deletes what a user has said of late.
func (c *Client) Purge(room chat.RoomID, user chat.UserID, last time.Duration) {
	c.shard.Purge(c.Session, c.ref(room), user, last)
}

// MakeLink makes a link into a private room.
func (c *Client) MakeLink(room chat.RoomID, last time.Duration, usesMax int) {
	c.shard.MakeLink(c.Session, c.ref(room), last, usesMax)
}

// Links asks for a page of the links of a room.
func (c *Client) Links(room chat.RoomID, after uint64, items int) {
	c.shard.Links(c.Session, c.ref(room), after, items)
}

// RevokeLink revokes a link of a room.
func (c *Client) RevokeLink(room chat.RoomID, id uint64) {
	c.shard.RevokeLink(c.Session, c.ref(room), id)
}

// JoinLink comes into a room by a link.
func (c *Client) JoinLink(code string) { c.shard.JoinLink(c.Session, c.ref(0), code) }

// Filter asks what a room does not take, or changes it.
func (c *Client) Filter(room chat.RoomID, set *chat.RoomFilter) {
	c.shard.Filter(c.Session, c.ref(room), set)
}
