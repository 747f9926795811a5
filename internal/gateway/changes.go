package gateway

import (
	"google.golang.org/protobuf/encoding/protowire"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// The requests that change messages.

func (h *Handler) edit(o *hub.Session, m *pb.Edit) error {
	return h.change(o, pb.CEdit, m.Room, m.Nonce, hub.Change{Kind: chat.EventEdit, Target: chat.Seq(m.Target), Text: m.Text})
}

func (h *Handler) delete(o *hub.Session, m *pb.Delete) error {
	return h.change(o, pb.CDelete, m.Room, m.Nonce, hub.Change{Kind: chat.EventDelete, Target: chat.Seq(m.Target)})
}

func (h *Handler) react(o *hub.Session, m *pb.React) error {
	c := hub.Change{Kind: chat.EventReact, Target: chat.Seq(m.Target), Text: m.Emoji}
	if m.Remove {
		c.Kind = chat.EventUnreact
	}
	return h.change(o, pb.CReact, m.Room, m.Nonce, c)
}

func (h *Handler) pin(o *hub.Session, m *pb.Pin) error {
	c := hub.Change{Kind: chat.EventPin, Target: chat.Seq(m.Target)}
	if m.Remove {
		c.Kind = chat.EventUnpin
	}
	return h.change(o, pb.CPin, m.Room, m.Nonce, c)
}

func (h *Handler) change(o *hub.Session, id uint16, room, nonce uint64, c hub.Change) error {
	h.shard.Change(o, hub.RequestRef{Kind: id, Room: chat.RoomID(room), Nonce: chat.Nonce(nonce)}, c)
	return nil
}

// packetOfChange returns what asks for an event of a kind that changes messages.
func packetOfChange(k chat.EventKind) uint16 {
	switch k {
	case chat.EventDelete:
		return pb.CDelete
	case chat.EventReact, chat.EventUnreact:
		return pb.CReact
	case chat.EventPin, chat.EventUnpin:
		return pb.CPin
	}
	return pb.CEdit
}

// fillStates adds to the events of a page what became of them.
func fillStates(events []*pb.Event, states []chat.State) {
	for _, e := range events {
		for len(states) > 0 && uint64(states[0].Target) < e.Seq {
			states = states[1:]
		}
		if len(states) == 0 {
			return
		}
		st := &states[0]
		if uint64(st.Target) != e.Seq {
			continue
		}
		e.State = &pb.MessageState{
			Changed: uint64(st.Changed), Edited: uint64(st.Edited), Deleted: uint64(st.Deleted), Pinned: uint64(st.Pinned),
			Reactions: make([]*pb.Reaction, len(st.Reactions)),
		}
		for i, r := range st.Reactions {
			e.State.Reactions[i] = &pb.Reaction{Emoji: r.Emoji, Count: uint32(r.Count), Mine: uint64(r.Mine)}
		}
	}
}

// The fields of Event by which a text and files are erased: as many zeros stand in their place, in
// fields that say nothing. The tags of each pair take as many bytes.
const (
	fieldText         = 8
	fieldPadding      = 13
	fieldFiles        = 25
	fieldFilesPadding = 26
)

// blankField is the field that stands in the place of an erased one, 0 for fields that stay.
func blankField(n protowire.Number) protowire.Number {
	switch n {
	case fieldText:
		return fieldPadding
	case fieldFiles:
		return fieldFilesPadding
	}
	return 0
}

// EraseText makes the payload of an S_CHAT, in place, that of the same event without its text and
// files; false if it is not one.
func EraseText(payload []byte) bool {
	for at := 0; at < len(payload); {
		number, kind, n := protowire.ConsumeTag(payload[at:])
		if n < 0 {
			return false
		}
		value := protowire.ConsumeFieldValue(number, kind, payload[at+n:])
		if value < 0 {
			return false
		}
		if blank := blankField(number); blank != 0 && kind == protowire.BytesType {
			said, all := protowire.ConsumeBytes(payload[at+n:])
			if n != protowire.SizeTag(number) || all != value {
				return false
			}
			protowire.AppendTag(payload[at:at], blank, protowire.BytesType)
			clear(said)
		}
		at += n + value
	}
	return true
}
