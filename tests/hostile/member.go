package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// member is one of the crowd.
type member struct {
	crowd   *crowd
	number  int
	room    *room
	conn    *conn
	in      []byte
	joined  bool
	next    uint64 // number of the next event
	nonce   uint64
	unacked map[uint64]*spoken
	goodbye string
}

// spoken is a message without an outcome.
type spoken struct {
	due  time.Time
	text string
}

func (m *member) dial() {
	w := m.crowd
	c, err := w.r.dial(w.from[m.number/addressMembersMax], w.to, socketOptions{}, m)
	if err != nil {
		m.left("connecting: " + err.Error())
		return
	}
	m.conn = c
}

func (m *member) left(why string) {
	w := m.crowd
	if m.joined {
		w.online--
	}
	m.joined = false
	w.ends = append(w.ends, why)
}

func (m *member) opened(c *conn) { c.say(login(goodName(m.number), nil)) }

func (m *member) drained(*conn) {}

func (m *member) ended(_ *conn, err error) {
	if m.goodbye != "" {
		m.left(m.goodbye)
		return
	}
	m.left(fmt.Sprint("the connection: ", err))
}

// talk publishes a message that was due at a time.
func (m *member) talk(due time.Time) {
	if !m.joined {
		return
	}
	m.nonce++
	m.crowd.sent++
	s := &spoken{due, strconv.FormatInt(due.UnixNano(), 10) + " " + m.crowd.padding}
	m.unacked[m.nonce] = s
	m.publish(m.nonce, s)
}

func (m *member) publish(nonce uint64, s *spoken) {
	m.conn.say(encode(pb.CChat, &pb.Publish{Room: m.room.id, Nonce: nonce, Text: s.text}))
}

func (m *member) heard(c *conn, b []byte) {
	if len(m.in) > 0 {
		m.in = append(m.in, b...)
		b = m.in
	}
	for {
		p, n, err := packet.Split(b)
		if err != nil {
			m.wrong("what is no packet")
			c.drop(err, true)
			return
		}
		if n == 0 {
			break
		}
		m.told(p)
		b = b[n:]
	}
	m.in = append(m.in[:0:0], b...)
}

func (m *member) wrong(what string) {
	m.crowd.wrong++
	if m.crowd.wrong <= 10 {
		m.crowd.ends = append(m.crowd.ends, "it is told "+what)
	}
}

// told is a packet of the server.
func (m *member) told(p packet.Packet) {
	w := m.crowd
	switch p.ID {
	case pb.SChat:
		m.event(p)
	case pb.SAck:
		var a pb.Ack
		if a.UnmarshalVT(p.Payload) != nil || m.unacked[a.Nonce] == nil {
			m.wrong("an outcome of nothing")
			return
		}
		delete(m.unacked, a.Nonce)
		w.acked++
		m.room.last = max(m.room.last, a.Seq)
	case pb.SLogin:
		m.conn.say(encode(pb.CJoin, &pb.Join{Name: m.room.name, Create: true}))
	case pb.SJoin:
		var j pb.Joined
		if j.UnmarshalVT(p.Payload) != nil || j.Room == nil {
			m.wrong("a join of nothing")
			return
		}
		m.room.id, m.next, m.joined = j.Room.Id, j.After+1, true
		w.online++
	case pb.SPing:
		var g pb.Ping
		if g.UnmarshalVT(p.Payload) == nil {
			m.conn.say(encode(pb.CPong, &g))
		}
	case pb.SError:
		m.failed(p)
	case pb.SGoodbye:
		var g pb.Goodbye
		_ = g.UnmarshalVT(p.Payload)
		m.goodbye = fmt.Sprintf("goodbye %d: %s", g.Code, g.Message)
	default:
		m.wrong(fmt.Sprintf("packet %d", p.ID))
	}
}

// failed is S_ERROR: a publish is said again when the server wants it later.
func (m *member) failed(p packet.Packet) {
	var e pb.Error
	_ = e.UnmarshalVT(p.Payload)
	s := m.unacked[e.Nonce]
	if e.PacketId != pb.CChat || s == nil {
		m.wrong(fmt.Sprintf("error %d for packet %d: %s", e.Code, e.PacketId, e.Message))
		return
	}
	switch code := chat.Code(e.Code); code {
	case chat.CodeUnavailable, chat.CodeTooFast, chat.CodeTooMany:
		m.crowd.count(e.Code)
		m.crowd.r.after(time.Duration(max(e.RetryAfterMs, 10))*time.Millisecond, func() {
			if m.joined {
				m.publish(e.Nonce, s)
			}
		})
	default:
		m.crowd.refused++
		delete(m.unacked, e.Nonce)
		m.wrong(fmt.Sprintf("a refusal %d: %s", e.Code, e.Message))
	}
}

// event checks the order, and measures.
func (m *member) event(p packet.Packet) {
	w := m.crowd
	var e pb.Event
	if e.UnmarshalVT(p.Payload) != nil || e.Room != m.room.id || !m.joined {
		m.wrong("an event of another room")
		return
	}
	switch {
	case e.Seq < m.next:
		w.doubled++
		return
	case e.Seq > m.next:
		w.lost += int(e.Seq - m.next)
	}
	m.next = e.Seq + 1
	if e.Kind != pb.EventKind_EVENT_KIND_MESSAGE || !strings.HasPrefix(e.Name, "good-") {
		return
	}
	stamp, _, _ := strings.Cut(e.Text, " ")
	due, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !strings.HasSuffix(e.Text, w.padding) {
		m.wrong("a changed text")
		return
	}
	w.phase.record(time.Unix(0, due))
}

// count notes a refusal that is to be tried again.
func (w *crowd) count(code uint32) {
	if w.phase != nil {
		w.phase.refused[code]++
	}
}
