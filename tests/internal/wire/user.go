package wire

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "sarang/proto/sarang/v1"
)

// RefusedError is an S_ERROR that answers a request, or an S_GOODBYE.
type RefusedError struct {
	Code       uint32 // docs/PROTOCOL.md, section 8
	Message    string
	RetryAfter time.Duration
	Goodbye    bool
}

// Error says what the server said.
func (e *RefusedError) Error() string { return fmt.Sprintf("refused (code %d): %s", e.Code, e.Message) }

// User is a scripted user: one request at a time, each of which waits for its answer.
// Events of rooms that come meanwhile are kept in Events. It belongs to one goroutine.
type User struct {
	*Conn
	Self     *pb.LoggedIn
	Events   []*pb.Event
	patience time.Duration
}

// patienceDefault is how long a user waits for an answer.
const patienceDefault = 20 * time.Second

// Login connects and logs in. The token may be nil.
func Login(ctx context.Context, addr, name string, token []byte) (*User, error) {
	c, err := Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	u := &User{Conn: c, Self: new(pb.LoggedIn), patience: patienceDefault}
	err = u.ask(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: name, Token: token}, pb.SLogin, u.Self)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return u, nil
}

// Join enters a room by name, made if there is none.
func (u *User) Join(name string) (*pb.Joined, error) {
	j := new(pb.Joined)
	return j, u.ask(pb.CJoin, &pb.Join{Name: name, Create: true}, pb.SJoin, j)
}

// Publish sends a text and waits for its place. A refusal is a *RefusedError.
func (u *User) Publish(room, nonce uint64, text string) (seq uint64, err error) {
	ack := new(pb.Ack)
	if err := u.ask(pb.CChat, &pb.Publish{Room: room, Nonce: nonce, Text: text}, pb.SAck, ack); err != nil {
		return 0, err
	}
	if ack.Room != room || ack.Nonce != nonce {
		return 0, fmt.Errorf("an ack of room %d, nonce %d answers room %d, nonce %d", ack.Room, ack.Nonce, room, nonce)
	}
	return ack.Seq, nil
}

// Ping sends a ping and waits for the answer: everything sent before was handled.
func (u *User) Ping() error {
	const value = 7
	pong := new(pb.Ping)
	if err := u.ask(pb.CPing, &pb.Ping{Value: value}, pb.SPong, pong); err != nil {
		return err
	}
	if pong.Value != value {
		return fmt.Errorf("a ping of %d was answered with %d", value, pong.Value)
	}
	return nil
}

// Rooms lists all rooms.
func (u *User) Rooms() ([]*pb.RoomInfo, error) {
	var all []*pb.RoomInfo
	for after := uint64(0); ; {
		page := new(pb.Listed)
		if err := u.ask(pb.CList, &pb.List{After: after}, pb.SList, page); err != nil {
			return nil, err
		}
		all = append(all, page.Rooms...)
		if !page.More || len(page.Rooms) == 0 {
			return all, nil
		}
		after = page.Rooms[len(page.Rooms)-1].Id
	}
}

// History calls each for every event of a room, in order, until it returns an error.
func (u *User) History(room uint64, each func(*pb.Event) error) error {
	for after := uint64(0); ; {
		page := new(pb.HistoryPage)
		if err := u.ask(pb.CHistory, &pb.History{Room: room, After: after}, pb.SHistory, page); err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := each(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if !page.More {
			return nil
		}
		if len(page.Events) == 0 {
			return fmt.Errorf("a page of room %d after %d is empty and says that there is more", room, after)
		}
	}
}

// ask sends a request and reads until its answer.
func (u *User) ask(id uint16, m proto.Message, answer uint16, into proto.Message) error {
	if err := u.SetDeadline(time.Now().Add(u.patience)); err != nil {
		return err
	}
	if err := u.Send(id, m); err != nil {
		return err
	}
	for {
		p, err := u.Read()
		if err != nil {
			return fmt.Errorf("waiting for packet %d: %w", answer, err)
		}
		if p.ID == answer {
			return p.Decode(into)
		}
		if err := u.aside(id, p); err != nil {
			return err
		}
	}
}

// aside takes a packet that is not the answer to request id; an error ends the wait.
func (u *User) aside(id uint16, p Packet) error {
	switch p.ID {
	case pb.SChat:
		e := new(pb.Event)
		if err := p.Decode(e); err != nil {
			return err
		}
		u.Events = append(u.Events, e)
	case pb.SPing:
		m := new(pb.Ping)
		if err := p.Decode(m); err != nil {
			return err
		}
		return u.Send(pb.CPong, m)
	case pb.SError:
		m := new(pb.Error)
		if err := p.Decode(m); err != nil {
			return err
		}
		if m.PacketId == uint32(id) {
			return &RefusedError{m.Code, m.Message, time.Duration(m.RetryAfterMs) * time.Millisecond, false}
		}
	case pb.SGoodbye:
		m := new(pb.Goodbye)
		if err := p.Decode(m); err != nil {
			return err
		}
		return &RefusedError{m.Code, m.Message, time.Duration(m.RetryAfterMs) * time.Millisecond, true}
	}
	return nil
}
