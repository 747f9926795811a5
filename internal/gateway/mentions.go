package gateway

import (
	"math"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// Mentions, threads and pins: what is picked out of the logs.

func (h *Handler) mentions(o *hub.Session, m *pb.Mentions) error {
	var before chat.MentionPlace
	if b := m.Before; b != nil {
		before = chat.MentionPlace{TimeMs: int64(min(b.TimeMs, math.MaxInt64)), Room: chat.RoomID(b.Room), Seq: chat.Seq(b.Seq)}
	}
	h.shard.Mentions(o, hub.RequestRef{Kind: pb.CMentions, Request: m.Request}, before, int(m.ItemsMax))
	return nil
}

func (h *Handler) threads(o *hub.Session, m *pb.Threads) error {
	ref := hub.RequestRef{Kind: pb.CThreads, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Threads(o, ref, chat.Seq(m.Before), int(m.ItemsMax), m.Unread)
	return nil
}

func (h *Handler) follow(o *hub.Session, m *pb.FollowThread) error {
	ref := hub.RequestRef{Kind: pb.CFollow, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Follow(o, ref, chat.Seq(m.Root), m.Remove)
	return nil
}

func (h *Handler) readThread(o *hub.Session, m *pb.ReadThread) error {
	ref := hub.RequestRef{Kind: pb.CReadThread, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.ReadThread(o, ref, chat.Seq(m.Root), chat.Seq(m.Seq))
	return nil
}

// Followed sends S_FOLLOW or S_READ_THREAD.
func (h *Handler) Followed(o *hub.Session, ref hub.RequestRef, f hub.Followed) {
	id := packet.ID(pb.SFollow)
	if f.Reads {
		id = pb.SReadThread
	}
	h.reply(o, id, &pb.Followed{Request: ref.Request, Room: uint64(ref.Room), Root: uint64(f.Root), Followed: f.Followed, Mark: uint64(f.Mark)})
}

func (h *Handler) thread(o *hub.Session, m *pb.ThreadHistory) error {
	ref := hub.RequestRef{Kind: pb.CThread, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Thread(o, ref, chat.Seq(m.Root), chat.Seq(m.After), chat.Seq(m.Before), int(m.ItemsMax))
	return nil
}

func (h *Handler) pins(o *hub.Session, m *pb.Pins) error {
	ref := hub.RequestRef{Kind: pb.CPins, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Pins(o, ref, chat.Seq(m.Before), int(m.ItemsMax))
	return nil
}

// historyID is the packet that answers a request for a page of a room's log.
func historyID(asked uint16) packet.ID {
	switch asked {
	case pb.CThread:
		return pb.SThread
	case pb.CPins:
		return pb.SPins
	}
	return pb.SHistory
}

// threadPage sends S_THREADS.
func (h *Handler) threadPage(o *hub.Session, ref hub.RequestRef, p *hub.HistoryPage) {
	m := &pb.ThreadPage{Request: ref.Request, Room: uint64(ref.Room), More: p.More, AsOf: uint64(p.AsOf)}
	roots := make(map[chat.Seq]*pb.Event, len(p.Events))
	events := make([]*pb.Event, len(p.Events))
	for i := range p.Events {
		events[i] = new(pb.Event)
		FillEvent(events[i], &p.Events[i])
		roots[p.Events[i].Seq] = events[i]
	}
	fillStates(events, p.States)
	for _, t := range p.Threads {
		m.Threads = append(m.Threads, &pb.Thread{
			Root: roots[t.Root], Replies: uint32(t.Replies), Last: uint64(t.Last),
			Followed: t.Follow.Followed, Mark: uint64(t.Follow.Mark), Unread: uint32(t.Unread),
		})
	}
	h.reply(o, pb.SThreads, m)
}

// Mentions sends S_MENTIONS.
func (h *Handler) Mentions(o *hub.Session, ref hub.RequestRef, p hub.MentionPage) {
	m := &pb.MentionPage{Request: ref.Request, More: p.More, Events: make([]*pb.Event, len(p.Messages))}
	for i := range p.Messages {
		said := &p.Messages[i]
		m.Events[i] = new(pb.Event)
		FillEvent(m.Events[i], &said.Event)
		fillStates(m.Events[i:i+1], []chat.State{said.State})
	}
	if p.More {
		m.Next = &pb.MentionPlace{TimeMs: uint64(p.Next.TimeMs), Room: uint64(p.Next.Room), Seq: uint64(p.Next.Seq)}
	}
	h.reply(o, pb.SMentions, m)
}
