package swarm

import (
	"context"
	"testing"
	"time"

	"sarang/internal/password"
	"sarang/internal/server"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// peopleServer takes passwords quickly, and as many names as are wanted.
func peopleServer(t *testing.T) string {
	t.Helper()
	s := newServer(t, func(c *server.Config) {
		c.Hub.PasswordCost = password.Cost{MemoryKiB: password.MemoryKiBMin, Passes: 1}
	})
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s.Addrs()[0].Addr.String()
}

func TestPeople(t *testing.T) {
	r := runSwarm(t, Config{
		Addr: peopleServer(t), Clients: 40, Rooms: 4, Workers: 2, Rate: 400, Duration: 3 * time.Second, People: 300, Accounts: 25, Churn: 20, Changes: 40, Stalled: 4, Private: true,
	})
	n := r.People
	if !r.OK() || n.Accounts != 10 || n.Renames == 0 || n.Blocks == 0 || n.Unblocks == 0 || n.Marks == 0 || n.Settings == 0 || n.Refused == 0 || r.Reconnects == 0 || n.Directs != 18 || n.Strangers != 4 {
		t.Errorf("%+v\n%s", n, textOf(t, r))
	}
	if r := runSwarm(t, Config{Addr: peopleServer(t), Clients: 4, Messages: 40, Accounts: 50}); !r.OK() || r.People.Accounts != 2 || r.People.Renames != 0 {
		t.Errorf("%+v\n%s", r.People, textOf(t, r))
	}
}

// A liar is found out.
func TestPeopleAgainstLiars(t *testing.T) {
	for name, test := range map[string]struct {
		change func([][]byte, packet.Packet, []byte) [][]byte
		wrong  func(n *People) bool
	}{
		"honest": {nil, (*People).ok},
		"a mark goes back": {
			lieAbout(pb.SMark, func(m *pb.Marked) []packet.Marshaler { m.Seq = 1; return []packet.Marshaler{m} }),
			func(n *People) bool { return n.MarksWrong > 0 && n.BlocksWrong == 0 },
		},
		"one more is blocked": {
			lieAbout(pb.SBlocks, func(m *pb.BlockPage) []packet.Marshaler {
				m.Users = append(m.Users, &pb.Member{User: 1 << 40, Name: "nobody"})
				return []packet.Marshaler{m}
			}),
			func(n *People) bool { return n.BlocksWrong > 0 && n.MarksWrong == 0 },
		},
		"another name": {
			lieAbout(pb.SProfile, func(m *pb.UserProfile) []packet.Marshaler { m.Name += "y"; return []packet.Marshaler{m} }),
			func(n *People) bool { return n.NamesWrong == 1 && n.AccountsWrong == 0 },
		},
		"a guest is an account": {
			lieAbout(pb.SProfile, func(m *pb.UserProfile) []packet.Marshaler { m.Account = true; return []packet.Marshaler{m} }),
			func(n *People) bool { return n.AccountsWrong == 1 && n.NamesWrong == 0 },
		},
		"another description": {
			lieAbout(pb.SChat, func(e *pb.Event) []packet.Marshaler {
				if e.Kind != pb.EventKind_EVENT_KIND_DESCRIBE {
					return nil
				}
				e.Text = "x"
				return []packet.Marshaler{e}
			}),
			func(n *People) bool { return n.SettingsWrong > 0 && n.NamesWrong == 0 },
		},
		"a direct room is not left": {
			lieAbout(pb.SLeave, func(*pb.Leave) []packet.Marshaler { return []packet.Marshaler{} }),
			func(n *People) bool { return n.DirectsWrong == 1 && n.Directs == 2 && n.BlocksWrong == 0 },
		},
		"one is in a direct room whom he blocks": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				direct := uint64(0)
				return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
					var l pb.Leave
					if p.ID == pb.SLeave && l.UnmarshalVT(p.Payload) == nil {
						direct = l.Room
					}
					if p.ID == pb.SBlocks {
						out = append(out, encode(pb.SBelongs, &pb.Belongs{Room: direct}))
					}
					return append(out, raw)
				}
			}(),
			func(n *People) bool { return n.DirectsWrong == 1 && n.Directs == 2 && n.BlocksWrong == 0 },
		},
		"no answer in the end": {
			lieAbout(pb.SProfile, func(*pb.UserProfile) []packet.Marshaler { return []packet.Marshaler{} }),
			func(n *People) bool { return n.Unasked == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			// The first connection is the first client's, who is a guest.
			p := startProxy(t, peopleServer(t), test.change)
			r := runSwarm(t, Config{
				Addr: p.Addr().String(), Clients: 4, Rate: 100, Duration: 2 * time.Second, People: 100, Accounts: 25, ConnectsMax: 1, Settle: 2 * time.Second,
			})
			if !test.wrong(r.People) || r.OK() != (name == "honest") {
				t.Errorf("not found as it should be: %+v\n%s", r.People, textOf(t, r))
			}
		})
	}
}

// Who asks for a private room of others is told that it is not there, and a server that shows it to
// him is found out.
func TestStrangerIsShownAPrivateRoom(t *testing.T) {
	c := Config{Addr: peopleServer(t), Clients: 6, Rooms: 2, Messages: 60, Private: true, ConnectsMax: 1, Settle: 2 * time.Second}
	if r := runSwarm(t, c); !r.OK() || r.People.Strangers != 2 || r.People.Directs != 0 {
		t.Errorf("%+v\n%s", r.People, textOf(t, r))
	}
	p := startProxy(t, peopleServer(t), func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
		var e pb.Error
		if p.ID == pb.SError && e.UnmarshalVT(p.Payload) == nil && e.PacketId == uint32(pb.CHistory) {
			return append(out, encode(pb.SHistory, &pb.HistoryPage{Request: e.Request, Room: e.Room}))
		}
		return append(out, raw)
	})
	c.Addr = p.Addr().String()
	if r := runSwarm(t, c); r.OK() || r.People.StrangersWrong != 1 || r.People.Strangers != 1 {
		t.Errorf("%+v\n%s", r.People, textOf(t, r))
	}
}

func TestPeopleConfig(t *testing.T) {
	for _, c := range []Config{{People: -1}, {People: 10001}, {People: 1, Ephemeral: true}, {Private: true, Ephemeral: true}, {Accounts: -1}, {Accounts: 101}} {
		c.Addr = "server.test:7777"
		if c = c.WithDefaults(); c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	c := Config{Accounts: 30}
	n := 0
	for i := range 200 {
		if c.isAccount(i) {
			n++
		}
	}
	if n != 60 {
		t.Errorf("%d of 200 clients are accounts; want 60", n)
	}
}
