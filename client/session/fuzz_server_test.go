package session_test

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// FuzzServer has a client talk to a server that says anything at all, between the
// client's own requests. Whatever it says, the client must not panic, must tell its
// events of a room in order, and must leave nothing behind.
func FuzzServer(f *testing.F) {
	login, _ := packet.AppendVT(nil, sarangv1.SLogin, &sarangv1.LoggedIn{Version: 1, User: 7, Name: "mina", Token: make([]byte, 16)})
	joined, _ := packet.AppendVT(nil, sarangv1.SJoin, &sarangv1.Joined{Request: 1, Room: &sarangv1.RoomInfo{Id: 1, Name: "r", Epoch: 5, LastSeq: 3}, After: 3})
	event, _ := packet.AppendVT(nil, sarangv1.SChat, &sarangv1.Event{Room: 1, Seq: 4, Kind: 1, User: 7, Name: "mina", Text: "hi"})
	gap, _ := packet.AppendVT(nil, sarangv1.SGap, &sarangv1.Gap{Room: 1, Epoch: 6, From: 5, To: 9})
	bad, _ := packet.AppendVT(nil, sarangv1.SError, &sarangv1.Error{Code: 16, PacketId: sarangv1.CChat, Room: 1, Nonce: 1, RetryAfterMs: 5})
	page, _ := packet.AppendVT(nil, sarangv1.SHistory, &sarangv1.HistoryPage{Request: 2, Room: 1, Events: []*sarangv1.Event{{Seq: 1}, {Seq: 2, Kind: -1}}})
	bye, _ := packet.AppendVT(nil, sarangv1.SGoodbye, &sarangv1.Goodbye{Code: 17, RetryAfterMs: 9})
	f.Add([]byte{0, 1, 6}, login, joined, event)
	f.Add([]byte{0, 1, 2, 3, 6}, append(login, joined...), gap, bad)
	f.Add([]byte{0, 3, 4, 5, 7}, append(login, joined...), page, append(event, bye...))
	f.Add([]byte{0, 8, 9}, []byte{0, 0, 3, 0}, []byte{255, 255, 5, 0}, []byte{})
	f.Fuzz(func(t *testing.T, acts, one, two, three []byte) {
		w := newFuzzWorld(t)
		w.run(acts[:min(len(acts), 60)], one, two, three)
		w.close()
	})
}

// fuzzWorld is a client on a simulated network with one that plays the server.
type fuzzWorld struct {
	t       *testing.T
	world   *aiosim.World
	svc     *engine.Service
	session *session.Session
	server  *aiosim.Driver
	conn    aio.Socket
	last    map[chat.RoomID]chat.Seq
	over    bool
	session.NopEvents
}

func newFuzzWorld(t *testing.T) *fuzzWorld {
	w := &fuzzWorld{t: t, world: aiosim.NewWorld(aiosim.Config{}), last: map[chat.RoomID]chat.Seq{}}
	w.server = w.world.NewDriver(aio.Config{RecvBuffers: 8})
	at := netip.MustParseAddrPort("10.0.0.1:7777")
	l, _, err := w.server.Listen(at, aio.SocketOptions{}, 1)
	if err == nil {
		err = w.server.Accept(l)
	}
	c := session.ServiceConfig()
	c.Manual, c.Logger = true, slog.New(slog.DiscardHandler)
	c.Driver = aio.Config{EventsMax: 64}
	c.OpenDriver = func(int) (aio.Driver, error) { return w.world.NewDriver(aio.Config{RecvBuffers: 8}), nil }
	if err == nil {
		w.svc, err = engine.New(c)
	}
	if err == nil {
		err = w.svc.Start()
	}
	if err == nil {
		w.session = session.New(session.NewState(session.StateConfig{Name: "mina", Seed: 1}), w)
		err = w.svc.Connect(at, session.NewProtocol(nil), w.session)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.rest()
	return w
}

// rest lets client and server have what was sent.
func (w *fuzzWorld) rest() {
	events := make([]aio.Event, 64)
	for range 6 {
		if err := w.svc.Step(); err != nil {
			w.t.Fatal(err)
		}
		n, err := w.server.Wait(events, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range events[:n] {
			if e.Kind == aio.KindAccept && e.Err == nil {
				if w.conn, err = w.server.Attach(e.Conn, 2); err == nil {
					err = w.server.Recv(w.conn)
				}
				if err != nil {
					w.t.Fatal(err)
				}
			}
		}
		w.world.Advance(w.world.Now())
	}
}

func (w *fuzzWorld) run(acts []byte, said ...[]byte) {
	for _, b := range acts {
		live := !w.over && w.session.Engine() != nil && !w.session.Engine().Closing()
		switch b % 14 {
		case 0, 6, 7:
			one := said[int(b%12)%len(said)]
			said[int(b%12)%len(said)] = nil
			w.say(one)
		case 1:
			if live {
				_, _ = w.session.Join(session.Join{Name: "r", Create: true})
			}
		case 2:
			if live {
				_, _ = w.session.Publish(1, "hello")
			}
		case 3:
			if live {
				_, _ = w.session.History(session.History{Room: 1, After: 2})
			}
		case 4:
			if live {
				_, _ = w.session.Leave(1)
			}
		case 5:
			if live {
				_, _ = w.session.Members(1, 0, 5)
			}
		case 12:
			if live {
				_, _ = w.session.GiveRole(1, session.GiveRole{Name: "x", Role: chat.RoleBanned, For: time.Hour})
			}
		case 13:
			if live {
				_, _ = w.session.Kick(1, session.Kick{User: 3})
			}
		case 8, 9, 10:
			w.say(said[b%14-8])
		case 11:
			w.world.Advance(w.world.Now() + time.Duration(b)*20*time.Millisecond)
		}
		w.rest()
	}
}

// say sends what the server says; a connection that has ended takes nothing.
func (w *fuzzWorld) say(b []byte) {
	if len(b) > 0 && w.conn != 0 {
		_ = w.server.Send(w.conn, [][]byte{b})
	}
}

// Joined begins a room; Event and Gap go on with it.
func (w *fuzzWorld) Joined(_ *session.Session, j session.Joined) { w.last[j.Room.ID] = j.After }

// Event must not go back.
func (w *fuzzWorld) Event(_ *session.Session, e *chat.Event) {
	if e.Seq <= w.last[e.Room] {
		w.t.Fatalf("event %d of room %d after %d", e.Seq, e.Room, w.last[e.Room])
	}
	w.last[e.Room] = e.Seq
}

// Gap moves on, or begins anew in another epoch.
func (w *fuzzWorld) Gap(_ *session.Session, g session.Gap) { w.last[g.Room] = g.To }

// Disconnected is the last that is told.
func (w *fuzzWorld) Disconnected(*session.Session, engine.Reason) {
	if w.over {
		w.t.Fatal("disconnected twice")
	}
	w.over = true
}

func (w *fuzzWorld) close() {
	if err := w.svc.Close(); err != nil {
		w.t.Fatal(err)
	}
	if !w.over {
		w.t.Fatal("the session was not told of its end")
	}
	if err := w.server.Release(); err != nil {
		w.t.Fatal(err)
	}
}
