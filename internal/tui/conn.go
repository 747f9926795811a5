package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/engine"
)

// Conn is what this package needs of a *client.Client.
type Conn interface {
	Events() <-chan client.Event
	Self() client.LoggedIn
	Join(ctx context.Context, j client.Join) (client.Joined, error)
	LeaveForGood(ctx context.Context, room chat.RoomID) error
	MyRooms(ctx context.Context) ([]client.MyRoom, error)
	Typing(room chat.RoomID)
	SetTopic(ctx context.Context, room chat.RoomID, topic string) (chat.Seq, error)
	Filter(ctx context.Context, room chat.RoomID) (chat.RoomFilter, error)
	SetFilter(ctx context.Context, room chat.RoomID, f chat.RoomFilter) (chat.RoomFilter, error)
	MakeLink(ctx context.Context, room chat.RoomID, last time.Duration, usesMax int) (client.RoomLink, string, error)
	Links(ctx context.Context, room chat.RoomID) ([]client.RoomLink, error)
	RevokeLink(ctx context.Context, room chat.RoomID, link uint64) error
	JoinLink(ctx context.Context, code string) (client.RoomInfo, error)
	DeleteRoom(ctx context.Context, room chat.RoomID) error
	Set(ctx context.Context, room chat.RoomID, set chat.Setting) (chat.Seq, error)
	Direct(ctx context.Context, names ...string) (client.RoomInfo, error)
	Mark(ctx context.Context, room chat.RoomID, seq chat.Seq) (chat.Seq, error)
	Mute(ctx context.Context, room chat.RoomID, muted bool) error
	CreateRoom(ctx context.Context, n client.NewRoom) (client.RoomInfo, error)
	Rooms(ctx context.Context) ([]client.RoomInfo, error)
	History(ctx context.Context, h client.History) (client.HistoryPage, error)
	MemberPage(ctx context.Context, room chat.RoomID, after chat.UserID, itemsMax int) (client.MemberPage, error)
	GiveRole(ctx context.Context, room chat.RoomID, g client.GiveRole) (chat.Seq, error)
	Register(ctx context.Context, password, invitation string) error
	ChangePassword(ctx context.Context, old, fresh string, keepSessions bool) error
	Sessions(ctx context.Context) ([]client.DeviceSession, error)
	LookUp(ctx context.Context, name string) (client.Profile, error)
	SetProfile(ctx context.Context, p chat.ProfileChange) (client.Profile, error)
	Rename(ctx context.Context, name string) (string, error)
	SetAway(ctx context.Context, away bool) error
	Block(ctx context.Context, name string) (chat.UserID, error)
	Unblock(ctx context.Context, name string) (chat.UserID, error)
	Blocks(ctx context.Context) ([]client.Member, error)
	SeenBy(ctx context.Context, room chat.RoomID) ([]client.SeenMark, error)
	EndSession(ctx context.Context, which chat.DeviceID) error
	EndOtherSessions(ctx context.Context) error
	Upload(ctx context.Context, f client.NewFile) (chat.FileInfo, error)
	Download(ctx context.Context, f client.NamedFile, w io.Writer) (int64, error)
	Reply(ctx context.Context, room chat.RoomID, y client.Reply) (chat.Seq, error)
	Edit(ctx context.Context, room chat.RoomID, target chat.Seq, text string) (chat.Seq, error)
	Delete(ctx context.Context, room chat.RoomID, target chat.Seq) (chat.Seq, error)
	React(ctx context.Context, room chat.RoomID, target chat.Seq, emoji string, remove bool) (chat.Seq, error)
	Search(ctx context.Context, q client.Search) (client.SearchPage, error)
	Pin(ctx context.Context, room chat.RoomID, target chat.Seq, remove bool) (chat.Seq, error)
	Mentions(ctx context.Context, before chat.MentionPlace, itemsMax int) (client.MentionPage, error)
	Threads(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (client.ThreadPage, error)
	Thread(ctx context.Context, root chat.Seq, h client.History) (client.HistoryPage, error)
	UnreadThreads(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (client.ThreadPage, error)
	Follow(ctx context.Context, room chat.RoomID, root chat.Seq, remove bool) (client.Followed, error)
	ReadThread(ctx context.Context, room chat.RoomID, root, seq chat.Seq) (client.Followed, error)
	Pins(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (client.HistoryPage, error)
	Kick(ctx context.Context, room chat.RoomID, k client.Kick) (chat.Seq, error)
	Report(ctx context.Context, room chat.RoomID, seq chat.Seq, reason string) (client.Report, error)
	Reports(ctx context.Context, room chat.RoomID, after uint64, all bool) (client.ReportPage, error)
	Resolve(ctx context.Context, room chat.RoomID, id uint64, outcome chat.ReportOutcome, note string) (client.Report, error)
	Purge(ctx context.Context, room chat.RoomID, user chat.UserID, last time.Duration) error
	PublishNonce(ctx context.Context, room chat.RoomID, nonce chat.Nonce, text string) (chat.Seq, error)
}

var _ Conn = (*client.Client)(nil)

// message translates an event of a client for a Model; nil if it means nothing to the
// user.
func message(e client.Event, now time.Time) any {
	switch e := e.(type) {
	case client.RoomEvent:
		return e.Event
	case client.Online:
		return e.LoggedIn
	case client.Offline:
		return Lost{Why: sentence(e.Err), RetryAt: now.Add(e.RetryIn), Final: e.Final}
	case client.Gap, client.Left, client.Marked, client.Muted, client.Belongs, client.Typing,
		client.ProfileChanged, client.Renamed, client.Blocked:
		return e
	case client.Failure:
		return failed(e)
	case client.Fault:
		return fault(e.Err)
	}
	return nil
}

func failed(f client.Failure) any {
	if f.Retrying || f.Err == nil {
		return nil // the client retries by itself
	}
	if f.Rejoin {
		return Batch{client.Left{Room: f.Room}, Warning{Text: "the server does not let us in again: " + sentence(f.Err)}}
	}
	return Warning{Room: f.Room, Text: sentence(f.Err)}
}

func fault(err error) Warning {
	var order *client.SequenceError
	if errors.As(err, &order) {
		return Warning{order.Room, fmt.Sprintf("the server broke the order of this room: event %d was due, %d came", order.Want, order.Got)}
	}
	return Warning{Text: "the server has broken the protocol: " + sentence(err)}
}

// sentence is an error as the user reads it: without what only a programmer wants, and
// clean, for most of it is what a server has said.
func sentence(err error) string { return CleanLine(plainSentence(err)) }

func plainSentence(err error) string {
	var (
		said *chat.Error
		gone *client.DisconnectedError
		away *client.ConnectError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &said):
		return said.Message
	case errors.As(err, &gone):
		return "the connection broke (" + gone.Reason.Code.String() + ")"
	case errors.As(err, &away):
		return "the server can not be reached"
	case errors.Is(err, client.ErrDeadline):
		return "the server does not answer"
	case errors.Is(err, engine.ErrClosed), errors.Is(err, client.ErrClosed):
		return "closed"
	}
	return err.Error()
}

// requestTimeout is how long the answer to a request is waited for. Messages are waited
// for until they are answered.
const requestTimeout = 30 * time.Second

// perform does what an effect asks for and returns what came of it. It blocks, but for
// effects that have no answer.
func perform(ctx context.Context, c Conn, effect Effect) any {
	if p, ok := effect.(Publish); ok {
		seq, err := c.PublishNonce(ctx, p.Room, p.Nonce, p.Text)
		return Published{Room: p.Room, Nonce: p.Nonce, Seq: seq, Err: plainly(err)}
	}
	if what, done := performFile(ctx, c, effect); done {
		return what
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if what, done := performAccount(ctx, c, effect); done {
		return what
	}
	if what, done := performLink(ctx, c, effect); done {
		return what
	}
	if what, done := performProfile(ctx, c, effect); done {
		return what
	}
	if what, done := performReport(ctx, c, effect); done {
		return what
	}
	switch e := effect.(type) {
	case Join:
		return join(ctx, c, client.Join{Name: e.Name, Create: e.Create, HistoryItems: historyItems}, e.Name)
	case Create:
		info, err := c.CreateRoom(ctx, client.NewRoom{Name: e.Name, Ephemeral: e.Ephemeral, Private: e.Private})
		if err != nil {
			return Failed{"#" + e.Name, plainly(err)}
		}
		return join(ctx, c, client.Join{Room: info.ID, HistoryItems: historyItems}, e.Name)
	case Leave:
		if err := c.LeaveForGood(ctx, e.Room); err != nil {
			return Failed{"leave", plainly(err)}
		}
		return client.Left{Room: e.Room}
	case Rule:
		return e.perform(ctx, c)
	case EditFilter:
		return e.perform(ctx, c)
	case Find:
		return e.perform(ctx, c)
	case Change:
		return e.perform(ctx, c)
	case Pick:
		return e.perform(ctx, c)
	case Rooms:
		mine, err := c.MyRooms(ctx)
		if err != nil {
			return RoomsListed{Err: plainly(err)}
		}
		rooms, err := c.Rooms(ctx)
		return RoomsListed{rooms, mine, plainly(err)}
	case Direct:
		info, err := c.Direct(ctx, e.Name)
		if err != nil {
			return Failed{"msg", plainly(err)}
		}
		joined, err := c.Join(ctx, client.Join{Room: info.ID, HistoryItems: historyItems})
		if err != nil { // it is joined already, or saying it fails as well
			return Opened{info.ID, e.Text}
		}
		return Batch{joined, Opened{info.ID, e.Text}}
	case SetTopic:
		if _, err := c.SetTopic(ctx, e.Room, e.Text); err != nil {
			return Failed{"topic", plainly(err)}
		}
	case DeleteRoom:
		if err := c.DeleteRoom(ctx, e.Room); err != nil {
			return Failed{"the deletion", plainly(err)}
		}
	case Set:
		if _, err := c.Set(ctx, e.Room, e.Setting); err != nil {
			return Failed{"the setting", plainly(err)}
		}
	case Open:
		joined, err := c.Join(ctx, client.Join{Room: e.Room, HistoryItems: historyItems})
		if err != nil {
			return nil // it is joined already, or left again
		}
		return joined
	case Type:
		c.Typing(e.Room)
	case MyRooms:
		mine, err := c.MyRooms(ctx)
		if err != nil {
			return nil // as with an older server, which does not know the question
		}
		return Mine{mine}
	case Mark:
		_, _ = c.Mark(ctx, e.Room, e.Seq) // the next one says it, too
	case Hush:
		if err := c.Mute(ctx, e.Room, e.Muted); err != nil {
			return Failed{"hush", plainly(err)}
		}
		return client.Muted{Room: e.Room, Muted: e.Muted}
	case Members:
		return members(ctx, c, e)
	case History:
		page, err := c.History(ctx, client.History{Room: e.Room, Before: e.Before, ItemsMax: e.Items})
		return HistoryLoaded{e.Room, page, plainly(err)}
	}
	return nil
}

// members asks for as many names as are wanted, or for nothing but the number.
func members(ctx context.Context, c Conn, e Members) MembersLoaded {
	all := MembersLoaded{Room: e.Room}
	for after, more := chat.UserID(0), true; more; {
		p, err := c.MemberPage(ctx, e.Room, after, max(1, e.Names-len(all.Members)))
		if err != nil {
			return MembersLoaded{Room: e.Room, Err: plainly(err)}
		}
		all.Total = p.Total
		all.Members = append(all.Members, p.Members...)
		more = p.More && len(p.Members) > 0 && len(all.Members) < e.Names
		if more {
			after = p.Members[len(p.Members)-1].User
		}
	}
	if e.Names == 0 {
		all.Members = nil
	}
	return all
}

func join(ctx context.Context, c Conn, j client.Join, name string) any {
	joined, err := c.Join(ctx, j)
	if err != nil {
		return Failed{"#" + name, plainly(err)}
	}
	return joined
}

// plainly keeps the sentence of an error for the screen, and err for who asks.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{err}
}

type shownError struct{ err error }

func (e *shownError) Error() string { return sentence(e.err) }
func (e *shownError) Unwrap() error { return e.err }
