package swarm

import (
	"testing"

	"sarang/client/view"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// lieAbout changes packets of one kind; change returns what is told instead, and nothing to tell what
// the server has said.
func lieAbout[M any, P interface {
	*M
	UnmarshalVT([]byte) error
	packet.Marshaler
}](id packet.ID, change func(m P) (out []packet.Marshaler)) func([][]byte, packet.Packet, []byte) [][]byte {
	return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
		m := P(new(M))
		if p.ID != id || m.UnmarshalVT(p.Payload) != nil {
			return append(out, raw)
		}
		told := change(m)
		if told == nil {
			return append(out, raw)
		}
		for _, o := range told {
			out = append(out, encode(id, o))
		}
		return out
	}
}

// once changes the first event of a kind.
func once(kind pb.EventKind, change func(e *pb.Event)) func([][]byte, packet.Packet, []byte) [][]byte {
	done := false
	return lieAbout(pb.SChat, func(e *pb.Event) []packet.Marshaler {
		if done || e.Kind != kind {
			return nil
		}
		done = true
		change(e)
		return []packet.Marshaler{e}
	})
}

// TestChangesAgainstLiars has a liar tell the first client of a room something that is not so.
func TestChangesAgainstLiars(t *testing.T) {
	server := startServer(t)
	texts := map[uint64]string{} // what was said at first
	remember := func(page func(m *pb.HistoryPage) bool) func([][]byte, packet.Packet, []byte) [][]byte {
		clear(texts)
		pages := lieAbout(pb.SHistory, func(m *pb.HistoryPage) []packet.Marshaler {
			if !page(m) {
				return nil
			}
			return []packet.Marshaler{m}
		})
		return func(out [][]byte, p packet.Packet, raw []byte) [][]byte {
			var e pb.Event
			if p.ID == pb.SChat && e.UnmarshalVT(p.Payload) == nil && e.Kind == pb.EventKind_EVENT_KIND_MESSAGE {
				texts[e.Seq] = e.Text
			}
			return pages(out, p, raw)
		}
	}
	for name, test := range map[string]struct {
		change func() func([][]byte, packet.Packet, []byte) [][]byte
		wrong  func(r *Report) bool
	}{
		"honest": {
			func() func([][]byte, packet.Packet, []byte) [][]byte { return nil },
			func(r *Report) bool { return r.OK() },
		},
		"another message is deleted": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return once(pb.EventKind_EVENT_KIND_DELETE, func(e *pb.Event) { e.Target-- })
			},
			func(r *Report) bool { return r.Changes.PicturesWrong > 0 && !equalPlaces(r) },
		},
		"another emoji": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return once(pb.EventKind_EVENT_KIND_REACT, func(e *pb.Event) { e.Text = "x" })
			},
			func(r *Report) bool { return !equalPlaces(r) },
		},
		"a text is erased that nobody has deleted": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				n := 0
				return lieAbout(pb.SChat, func(e *pb.Event) []packet.Marshaler {
					if e.Kind == pb.EventKind_EVENT_KIND_MESSAGE {
						n++
					}
					if e.Kind != pb.EventKind_EVENT_KIND_MESSAGE || n < 5 {
						return nil
					}
					e.Text = ""
					return []packet.Marshaler{e}
				})
			},
			func(r *Report) bool {
				return r.Changes.ErasedWrong > 0 && r.Changes.PicturesWrong > 0 && equalPlaces(r)
			},
		},
		"the text of another message": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				before := ""
				return lieAbout(pb.SChat, func(e *pb.Event) []packet.Marshaler {
					if e.Kind != pb.EventKind_EVENT_KIND_EDIT {
						return nil
					}
					before, e.Text = e.Text, before
					return []packet.Marshaler{e}
				})
			},
			func(r *Report) bool { return !r.OK() && (r.Corrupted > 0 || r.Changes.ErasedWrong > 0) },
		},
		"a page shows what was deleted": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return remember(func(m *pb.HistoryPage) (lied bool) {
					for _, e := range m.Events {
						if e.State.GetDeleted() != 0 {
							e.Text, lied = texts[e.Seq], true
						}
					}
					return lied
				})
			},
			func(r *Report) bool {
				return r.Changes.ShownDeleted > 0 && r.Changes.PicturesWrong == 1 && equalPlaces(r)
			},
		},
		"a page without the newest state": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return remember(func(m *pb.HistoryPage) (lied bool) {
					for _, e := range m.Events {
						if len(e.State.GetReactions()) > 0 {
							e.State.Reactions, lied = nil, true
						}
					}
					return lied
				})
			},
			func(r *Report) bool { return r.Changes.PicturesWrong == 1 && equalPlaces(r) },
		},
		"a mention is left out": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return lieAbout(pb.SMentions, func(m *pb.MentionPage) []packet.Marshaler {
					if len(m.Events) == 0 {
						return nil
					}
					m.Events = m.Events[1:]
					return []packet.Marshaler{m}
				})
			},
			func(r *Report) bool {
				return r.Changes.ListsWrong == 1 && r.Changes.PicturesWrong == 0 && equalPlaces(r)
			},
		},
		"a thread has one message more": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				return lieAbout(pb.SThreads, func(m *pb.ThreadPage) []packet.Marshaler {
					if len(m.Threads) == 0 {
						return nil
					}
					m.Threads[0].Replies++
					return []packet.Marshaler{m}
				})
			},
			func(r *Report) bool {
				return r.Changes.ListsWrong == 1 && r.Changes.PicturesWrong == 0 && equalPlaces(r)
			},
		},
		"an ack for what was refused": {
			func() func([][]byte, packet.Packet, []byte) [][]byte {
				done := false
				return lieAbout(pb.SAck, func(a *pb.Ack) []packet.Marshaler {
					if done || a.Seq < 40 {
						return nil
					}
					done = true
					a.Seq--
					return []packet.Marshaler{a}
				})
			},
			func(r *Report) bool { return r.Misacked > 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, server, test.change())
			// The first connection is the first client's, who reads the room in the end.
			r := runSwarm(t, Config{Addr: p.Addr().String(), Clients: 4, Messages: 400, SizeBytes: 100, Changes: 80, ConnectsMax: 1})
			if !test.wrong(r) || r.OK() != (name == "honest") {
				t.Errorf("not found as it should be:\n%s", textOf(t, r))
			}
		})
	}
}

// equalPlaces reports whether all that is compared place by place was right.
func equalPlaces(r *Report) bool {
	return r.Lost == 0 && r.Duplicated == 0 && r.Reordered == 0 && r.Corrupted == 0 && r.Misacked == 0 && r.Faults == 0
}

// TestDeletedTextOnALaterConnection tells a member a text behind its deletion.
func TestDeletedTextOnALaterConnection(t *testing.T) {
	for name, test := range map[string]struct {
		deleted, dialled int64
		want             uint64
	}{
		"dialled before it": {deleted: 20, dialled: 10},
		"dialled behind it": {deleted: 20, dialled: 30, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.config.Changes = 50
			m := s.members[3]
			m.view = view.New(userOf(3))
			s.gone.add(m.room, s.log[at(2)].Seq, test.deleted)
			m.dialledAt = test.dialled
			s.deliver(3, s.log)
			if got := m.worker.counts.shownDeleted; got != test.want {
				t.Errorf("%d texts are taken for shown after their deletion, want %d", got, test.want)
			}
		})
	}
}

func TestChangesConfig(t *testing.T) {
	for _, c := range []Config{
		{Changes: -1},
		{Changes: 101},
		{Changes: 5, Ephemeral: true},
		{Changes: 5, Clients: 1000, Messages: 5000},
	} {
		c.Addr = "server.test:7777"
		c = c.WithDefaults()
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	c := Config{Addr: "server.test:7777", Changes: 100, Clients: 1000, Rooms: 100, Messages: 5000}.WithDefaults()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
