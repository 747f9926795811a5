package load

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	pb "sarang/proto/sarang/v1"
	"sarang/tests/internal/wire"
)

// Codes of refusals that are no end; docs/PROTOCOL.md, section 8.
const (
	codeTooFast     = 15
	codeUnavailable = 16
	codeDraining    = 17
)

// errEnd is a connection that is given up for a good reason: the server is draining, or
// can not let us in now.
var errEnd = errors.New("load: the connection ends")

// silenceMax is how long a server may leave a question of ours without an answer. It is
// longer than its heartbeat, so that a quiet room is no fault.
const silenceMax = 45 * time.Second

func (m *member) login() error {
	return m.conn.Send(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: m.name, Token: m.token, Client: "load"})
}

// readOne takes the next packet.
func (m *member) readOne(conn *wire.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(silenceMax)); err != nil {
		return err
	}
	p, err := conn.Read()
	if err != nil {
		return err
	}
	switch p.ID {
	case pb.SLogin:
		return take(m, p, m.loggedIn)
	case pb.SJoin:
		return take(m, p, m.entered)
	case pb.SChat:
		return take(m, p, m.event)
	case pb.SAck:
		return take(m, p, m.ack)
	case pb.SError:
		return take(m, p, m.refused)
	case pb.SPing:
		return take(m, p, func(v *pb.Ping) error { return conn.Send(pb.CPong, v) })
	case pb.SGap:
		return take(m, p, func(g *pb.Gap) error {
			return fmt.Errorf("a durable room has a gap: %v", g)
		})
	case pb.SGoodbye:
		m.load.counts.add(goodbye)
	}
	return nil
}

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

// take decodes a packet and hands it on, holding the member's lock.
func take[T any, M message[T]](m *member, p wire.Packet, do func(M) error) error {
	v := M(new(T))
	if err := p.Decode(v); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return do(v)
}

// loggedIn asks for the room, from where the member stands.
func (m *member) loggedIn(in *pb.LoggedIn) error {
	if m.user != 0 && m.user != in.User {
		return fmt.Errorf("was user %d and is user %d", m.user, in.User)
	}
	m.user = in.User
	if n := uint64(m.acks); in.SentCount < n || in.SentCount > uint64(m.made) {
		return fmt.Errorf("%d messages are acknowledged and %d made, and the server counts %d", n, m.made, in.SentCount)
	}
	join := &pb.Join{Name: m.room.name, Create: true}
	if m.next > 0 {
		_, epoch := m.room.identity()
		join.Cursor = &pb.Cursor{Epoch: epoch, Seq: m.next - 1}
	}
	return m.conn.Send(pb.CJoin, join)
}

// entered is the room: events follow, and what has no ack is sent again.
func (m *member) entered(j *pb.Joined) error {
	if err := m.room.enter(j.Room.Id, j.Room.Epoch); err != nil {
		return err
	}
	if m.next == 0 {
		m.start, m.next = j.After+1, j.After+1
	}
	if j.After+1 != m.next {
		return fmt.Errorf("asked for room %s from %d, and get it from %d", m.room.name, m.next, j.After+1)
	}
	if j.Room.LastSeq+1 < m.next || j.Room.LastSeq < m.highest {
		return fmt.Errorf("room %s ends at %d, and %d was shown", m.room.name, j.Room.LastSeq, m.highest)
	}
	m.joined = true
	m.load.counts.add(Joined)
	for _, counter := range m.flying {
		m.load.counts.add(resent)
		if err := m.send(counter); err != nil {
			return err
		}
	}
	return nil
}

// event is one entry of the room's log, which has to be the next one.
func (m *member) event(e *pb.Event) error {
	switch id, _ := m.room.identity(); {
	case !m.joined || e.Room != id:
		return fmt.Errorf("an event of room %d, which was not joined", e.Room)
	case e.Seq != m.next:
		return fmt.Errorf("room %s goes on with %d, not with %d", m.room.name, e.Seq, m.next)
	case e.TimeMs < m.lastMs:
		return fmt.Errorf("room %s: the time goes back at %d", m.room.name, e.Seq)
	}
	m.next, m.lastMs = e.Seq+1, e.TimeMs
	if e.Seq <= m.highest {
		m.load.counts.add(reread)
	}
	m.highest = max(m.highest, e.Seq)
	m.load.counts.add(Delivery)
	return m.room.saw(e)
}

// ack gives a message its place, for ever.
func (m *member) ack(a *pb.Ack) error {
	counter, err := m.counterOf(a.Nonce)
	if err != nil {
		return err
	}
	if at := m.acked[counter-1]; at != 0 {
		if at != a.Seq {
			return fmt.Errorf("message %d was acknowledged at %d and now at %d", counter, at, a.Seq)
		}
		return nil
	}
	m.acked[counter-1] = a.Seq
	m.acks++
	m.lastAcked = max(m.lastAcked, a.Seq)
	m.flying = slices.DeleteFunc(m.flying, func(c int) bool { return c == counter })
	delete(m.waiting, counter)
	m.answered(counter)
	m.load.counts.add(Acked)
	return nil
}

// answered notes how long a message waited for an answer, whatever that says.
func (m *member) answered(counter int) {
	if at, asked := m.asked[counter]; asked {
		m.load.counts.waited(time.Since(at))
		delete(m.asked, counter)
	}
}

// counterOf returns which of our messages a nonce is of.
func (m *member) counterOf(nonce uint64) (int, error) {
	counter := int64(nonce - m.nonceBase)
	if counter < 1 || counter > int64(m.made) {
		return 0, fmt.Errorf("an answer for nonce %d, which was never sent", nonce)
	}
	return int(counter), nil
}

// refused takes an error. Some say: later.
func (m *member) refused(e *pb.Error) error {
	temporary := e.Code == codeUnavailable || e.Code == codeDraining || e.Code == codeTooFast
	switch {
	case e.Nonce != 0 && e.PacketId != pb.CChat:
		return fmt.Errorf("the error for nonce %d says that it answers packet %d: %s", e.Nonce, e.PacketId, e.Message)
	case !temporary:
		return fmt.Errorf("packet %d was refused: code %d, %s", e.PacketId, e.Code, e.Message)
	case e.PacketId != pb.CChat:
		return errEnd // the login or the join: once more, on a new connection
	}
	counter, err := m.counterOf(e.Nonce)
	if err != nil {
		return err
	}
	if m.acked[counter-1] != 0 {
		return fmt.Errorf("message %d was acknowledged and is now refused: %s", counter, e.Message)
	}
	m.answered(counter)
	m.load.counts.add(Refused)
	m.waiting[counter] = time.Now().Add(time.Duration(e.RetryAfterMs) * time.Millisecond)
	return nil
}
