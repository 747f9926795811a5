package simulate

import (
	"fmt"
	"slices"
	"strings"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// wrong is a stranger who says what a client must not say. It has to be told so each time,
// with the right code and nothing else, and may go on; but for the last time, after which no
// packet can be found any more.
type wrong struct {
	run    *run
	driver *aiosim.Driver
	events []aio.Event
	socket aio.Socket
	in     framer
	said   int           // steps
	wants  []wrongAnswer // to the last one
	room   uint64        // its own
	there  bool          // it is connected
	over   bool          // it is not any more
	steps  []wrongStep   // what it says, one after the other has been answered
}

// wrongStep is what is said at once, and what has to be answered, in any order.
type wrongStep struct {
	say   func(*wrong) []byte
	wants []wrongAnswer
}

// wrongAnswer is a packet from the server: of an error or a goodbye the code counts, too.
type wrongAnswer struct {
	id   int
	code chat.Code
}

// probeWrong has such a stranger come. Where there are limits it would meet these first.
func (r *run) probeWrong() {
	if r.plan.limits.any || r.server.svc.Sessions() >= r.plan.sessionsMax {
		return
	}
	x := &wrong{
		run: r, driver: r.world.NewDriver(aio.Config{EventsMax: 64}), events: make([]aio.Event, 64),
		steps: wrongSteps(r.plan.textBytesMax),
	}
	socket, err := x.driver.Connect(r.plan.limits.foreign[0], aio.SocketOptions{}, 0)
	if err != nil {
		r.fail("a stranger can not connect: %v", err)
	}
	x.socket = socket
	r.until("who says wrong things is answered", 0, func() string {
		x.tick()
		if x.over {
			return ""
		}
		return fmt.Sprintf("step %d waits for %v", x.said, x.wants)
	})
	if x.said < len(x.steps) || len(x.wants) > 0 {
		r.fail("who says wrong things was sent away after step %d, waiting for %v", x.said, x.wants)
	}
	if err := x.driver.Release(); err != nil {
		r.fail("the driver of who says wrong things: %v", err)
	}
	r.until("all are well beside who says wrong things", 0, r.unsettled)
}

func (x *wrong) tick() {
	if x.there && len(x.wants) == 0 && x.said < len(x.steps) {
		s := x.steps[x.said]
		x.said++
		x.wants = slices.Clone(s.wants)
		x.run.note("who is wrong: step %d", x.said)
		_ = x.driver.Send(x.socket, [][]byte{s.say(x)}) // else the connection is over, which an event tells
	}
	n, err := x.driver.Wait(x.events, 0)
	if err != nil {
		x.run.fail("the driver of who says wrong things: %v", err)
	}
	for _, e := range x.events[:n] {
		switch {
		case e.Kind == aio.KindConnect && e.Err != nil, e.Kind == aio.KindDisconnect:
			x.over = true
		case e.Kind == aio.KindConnect:
			_ = x.driver.Recv(x.socket)
			x.there = true
		case e.Kind == aio.KindRecv && e.More:
			x.in.feed(e.Data, func(int) bool { return true }, x.hears)
		case e.Kind == aio.KindRecv:
			_ = x.driver.Close(x.socket)
		}
	}
}

func (x *wrong) hears(f frame) {
	a := wrongAnswer{id: f.id}
	var why string
	switch f.id {
	case sarangv1.SChat, sarangv1.SPing:
		return // it is in a room, and slow
	case sarangv1.SError:
		var m sarangv1.Error
		x.parsed(m.UnmarshalVT(f.payload))
		a.code, why = chat.Code(m.Code), m.Message
	case sarangv1.SGoodbye:
		var m sarangv1.Goodbye
		x.parsed(m.UnmarshalVT(f.payload))
		a.code, why = chat.Code(m.Code), m.Message
	case sarangv1.SCreate:
		var m sarangv1.Created
		x.parsed(m.UnmarshalVT(f.payload))
		x.room = m.Room.GetId()
	}
	x.run.note("who is wrong: has packet %d, code %d %s", a.id, a.code, why)
	i := slices.Index(x.wants, a)
	if i < 0 {
		x.run.fail("who says wrong things has packet %d, code %d (%s) after step %d, waiting for %v", a.id, a.code, why, x.said, x.wants)
	}
	x.wants = slices.Delete(x.wants, i, i+1)
	x.run.counts.WrongAnswered++
}

func (x *wrong) parsed(err error) {
	if err != nil {
		x.run.fail("a packet for who says wrong things does not parse: %v", err)
	}
}

// wrongSteps is everything that can be wrong with a request, as far as somebody can say it
// who knows nothing of others, and a few that are right in between.
func wrongSteps(textBytesMax int) []wrongStep {
	const nowhere = 1 << 40
	type message interface{ MarshalVT() ([]byte, error) }
	frame := func(id int, m message) []byte {
		body, err := m.MarshalVT()
		if err != nil {
			panic(err) // a message that is made here
		}
		return packetOf(id, body)
	}
	says := func(id int, m message) func(*wrong) []byte { return func(*wrong) []byte { return frame(id, m) } }
	inRoom := func(make func(room uint64) []byte) func(*wrong) []byte {
		return func(x *wrong) []byte { return make(x.room) }
	}
	fails := func(codes ...chat.Code) (all []wrongAnswer) {
		for _, c := range codes {
			all = append(all, wrongAnswer{id: sarangv1.SError, code: c})
		}
		return all
	}
	and := func(ids ...int) (all []wrongAnswer) {
		for _, id := range ids {
			all = append(all, wrongAnswer{id: id})
		}
		return all
	}
	login := func(name string, token []byte) message {
		return &sarangv1.Login{VersionMin: sarangv1.Version, VersionMax: sarangv1.Version, Name: name, Token: token}
	}
	chats := func(room, nonce uint64, text string) []byte {
		return frame(sarangv1.CChat, &sarangv1.Publish{Room: room, Nonce: nonce, Text: text})
	}
	garbage := []byte{0xff, 0xff, 0xff}
	const name = "wrong"
	steps := []wrongStep{
		{ // all at once, for there is a deadline for the login
			func(*wrong) []byte {
				return slices.Concat(
					packetOf(998, nil), packetOf(sarangv1.SChat, nil), packetOf(sarangv1.CLogin, garbage),
					frame(sarangv1.CJoin, &sarangv1.Join{Name: name}), frame(sarangv1.CLeave, &sarangv1.Leave{Room: 1}),
					frame(sarangv1.CCreate, &sarangv1.Create{Name: name}), frame(sarangv1.CList, &sarangv1.List{}),
					frame(sarangv1.CHistory, &sarangv1.History{Room: 1}), frame(sarangv1.CMembers, &sarangv1.Members{Room: 1}),
					chats(1, 1, "hello"),
					frame(sarangv1.CLogin, &sarangv1.Login{VersionMin: 900, VersionMax: 999, Name: name}),
					frame(sarangv1.CLogin, login("", nil)), frame(sarangv1.CLogin, login("two words", nil)),
					frame(sarangv1.CLogin, login(name, []byte("short"))),
				)
			},
			fails(
				chat.CodeUnknownPacket, chat.CodeUnknownPacket, chat.CodeMalformed,
				chat.CodeNotLoggedIn, chat.CodeNotLoggedIn, chat.CodeNotLoggedIn, chat.CodeNotLoggedIn,
				chat.CodeNotLoggedIn, chat.CodeNotLoggedIn, chat.CodeNotLoggedIn,
				chat.CodeVersion, chat.CodeBadName, chat.CodeBadName, chat.CodeBadToken,
			),
		},
		{
			func(*wrong) []byte {
				return append(frame(sarangv1.CLogin, login(name, nil)), frame(sarangv1.CLogin, login(name, nil))...)
			},
			append(and(sarangv1.SLogin), fails(chat.CodeAlreadyLogged)...),
		},
		{says(sarangv1.CLogin, login(name, nil)), fails(chat.CodeAlreadyLogged)},
		{func(*wrong) []byte { return packetOf(sarangv1.CChat, garbage) }, fails(chat.CodeMalformed)},
		{says(sarangv1.CJoin, &sarangv1.Join{Name: "no room at all!"}), fails(chat.CodeBadName)},
		{says(sarangv1.CJoin, &sarangv1.Join{Name: "nowhere"}), fails(chat.CodeNoRoom)},
		{says(sarangv1.CJoin, &sarangv1.Join{Room: nowhere}), fails(chat.CodeNoRoom)},
		{says(sarangv1.CLeave, &sarangv1.Leave{Room: nowhere}), fails(chat.CodeNotMember)},
		{says(sarangv1.CCreate, &sarangv1.Create{Name: "no room at all!"}), fails(chat.CodeBadName)},
		{says(sarangv1.CHistory, &sarangv1.History{Room: nowhere}), fails(chat.CodeNoRoom)},
		{says(sarangv1.CMembers, &sarangv1.Members{Room: nowhere}), fails(chat.CodeNoRoom)},
		{func(*wrong) []byte { return chats(nowhere, 1, "hello") }, fails(chat.CodeNotMember)},
		{says(sarangv1.CCreate, &sarangv1.Create{Name: name, Ephemeral: true}), and(sarangv1.SCreate)},
		{says(sarangv1.CCreate, &sarangv1.Create{Name: name}), fails(chat.CodeRoomExists)},
		{
			inRoom(func(room uint64) []byte {
				return append(frame(sarangv1.CJoin, &sarangv1.Join{Room: room}), frame(sarangv1.CLeave, &sarangv1.Leave{Room: room})...)
			}),
			and(sarangv1.SJoin, sarangv1.SLeave), // the leave waits for the answer to the join
		},
		{
			inRoom(func(room uint64) []byte {
				join := frame(sarangv1.CJoin, &sarangv1.Join{Room: room})
				return append(join, join...)
			}),
			append(and(sarangv1.SJoin), fails(chat.CodeBadRequest)...),
		},
		{inRoom(func(room uint64) []byte { return frame(sarangv1.CJoin, &sarangv1.Join{Room: room}) }), fails(chat.CodeBadRequest)},
		{inRoom(func(room uint64) []byte { return chats(room, 0, "hello") }), fails(chat.CodeBadRequest)},
		{inRoom(func(room uint64) []byte { return chats(room, 1, "") }), fails(chat.CodeBadText)},
		{inRoom(func(room uint64) []byte { return chats(room, 1, "\xff") }), fails(chat.CodeBadText)},
		{inRoom(func(room uint64) []byte { return append(chats(room, 1, "hello"), chats(room, 1, "hello")...) }), and(sarangv1.SAck, sarangv1.SAck)},
		{inRoom(func(room uint64) []byte { return frame(sarangv1.CLeave, &sarangv1.Leave{Room: room}) }), and(sarangv1.SLeave)},
		{func(*wrong) []byte { return []byte{3, 0, 0, 0} }, []wrongAnswer{{id: sarangv1.SGoodbye, code: chat.CodeFrame}}},
	}
	if textBytesMax < 1000 { // a longer one takes a slow line longer than the server waits for a packet
		steps = slices.Insert(steps, len(steps)-2, wrongStep{
			func(x *wrong) []byte { return chats(x.room, 1, strings.Repeat("x", textBytesMax+1)) },
			fails(chat.CodeBadText),
		})
	}
	return steps
}

// packetOf puts the header of docs/PROTOCOL.md before a payload.
func packetOf(id int, body []byte) []byte {
	size := headerBytes + len(body)
	return append([]byte{byte(size), byte(size >> 8), byte(id), byte(id >> 8)}, body...)
}
