package hubtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
)

// recorder is the gateway on one worker.
type recorder struct {
	engine.NopHandler
	rig   *Rig
	shard *hub.Shard
}

// Received is called with the number of the client: the hub's session is made, in the
// format that he wants.
func (h *recorder) Received(s *engine.Session, frame []byte) {
	n, err := strconv.Atoi(string(frame[:len(frame)-1]))
	if err != nil || n >= len(h.rig.clients) || s.Data != nil {
		h.rig.config.Fail("a session that nobody has asked for: %q", frame)
	}
	c := h.rig.clients[n]
	c.shard, c.Session = h.shard, h.shard.Connected(s, &recording{c}, c.format)
}

// Disconnected takes the session out of the hub.
func (h *recorder) Disconnected(s *engine.Session, _ engine.Reason) {
	if o, ok := s.Data.(*hub.Session); ok {
		h.shard.Disconnected(o)
		o.Client.(*recording).client.Over = true
	}
}

// recording is a hub.Client that writes down what it is told.
type recording struct{ client *Client }

var _ hub.Client = (*recording)(nil)

func (r *recording) add(x Record) { r.client.Records = append(r.client.Records, x) }

// LoggedIn is recorded, and becomes the client's User.
func (r *recording) LoggedIn(_ *hub.Session, in hub.Admission) {
	r.client.User, r.client.Token, r.client.Device = in.User, slices.Clone(in.Token), in.Device
	r.add(Record{Kind: "LoggedIn"})
}

// Done is recorded.
func (r *recording) Done(_ *hub.Session, ref hub.RequestRef) { r.add(Record{Kind: "Done", Ref: ref}) }

// Sessions is recorded.
func (r *recording) Sessions(_ *hub.Session, ref hub.RequestRef, all []hub.DeviceInfo) {
	r.add(Record{Kind: "Sessions", Ref: ref, Sessions: slices.Clone(all)})
}

// Joined is recorded, and said at the far end.
func (r *recording) Joined(s *hub.Session, ref hub.RequestRef, info hub.RoomInfo, from hub.Start) {
	_ = s.Engine.Send(fmt.Appendf(nil, joinedLine, info.ID, from.After)) // who is too slow is disconnected
	r.add(Record{Kind: "Joined", Ref: ref, Info: info, Seq: from.After, Start: from})
}

// Left is recorded, and said at the far end.
func (r *recording) Left(s *hub.Session, ref hub.RequestRef) {
	_ = s.Engine.Send(fmt.Appendf(nil, leftLine, ref.Room)) // who is too slow is disconnected
	r.add(Record{Kind: "Left", Ref: ref})
}

// Removed is recorded, and said at the far end as Left is.
func (r *recording) Removed(s *hub.Session, why *hub.Removed) {
	_ = s.Engine.Send(fmt.Appendf(nil, leftLine, why.Room)) // who is too slow is disconnected
	r.add(Record{Kind: "Removed", Ref: hub.RequestRef{Room: why.Room}, Seq: why.Seq, Err: why.Error()})
}

// Created is recorded.
func (r *recording) Created(_ *hub.Session, ref hub.RequestRef, info hub.RoomInfo) {
	r.add(Record{Kind: "Created", Ref: ref, Info: info})
}

// Listed is recorded.
func (r *recording) Listed(_ *hub.Session, ref hub.RequestRef, rooms []hub.RoomInfo, more bool) {
	r.add(Record{Kind: "Listed", Ref: ref, Rooms: slices.Clone(rooms), More: more})
}

// History is recorded.
func (r *recording) History(_ *hub.Session, ref hub.RequestRef, p hub.HistoryPage) {
	r.add(Record{Kind: "History", Ref: ref, Seq: p.AsOf, Events: slices.Clone(p.Events), States: slices.Clone(p.States), More: p.More, Threads: slices.Clone(p.Threads)})
}

// Members is recorded.
func (r *recording) Members(_ *hub.Session, ref hub.RequestRef, page []hub.MemberInfo, total int, more bool) {
	users := make([]chat.User, len(page))
	for i, m := range page {
		users[i] = chat.User{ID: m.ID, Name: m.Name}
	}
	r.add(Record{Kind: "Members", Ref: ref, Users: users, Members: slices.Clone(page), Total: total, More: more})
}

// Ack is recorded.
func (r *recording) Ack(_ *hub.Session, room chat.RoomID, n chat.Nonce, seq chat.Seq) {
	r.add(Record{Kind: "Ack", Ref: hub.RequestRef{Room: room, Nonce: n}, Seq: seq})
}

// Gap is recorded.
func (r *recording) Gap(_ *hub.Session, room chat.RoomID, _ chat.Epoch, from, to chat.Seq) {
	r.add(Record{Kind: "Gap", Ref: hub.RequestRef{Room: room}, From: from, Seq: to})
}

// Failed is recorded.
func (r *recording) Failed(_ *hub.Session, ref hub.RequestRef, err *chat.Error) {
	r.add(Record{Kind: "Failed", Ref: ref, Err: err})
}

// Marked is recorded.
func (r *recording) Marked(_ *hub.Session, ref hub.RequestRef, mark chat.Seq) {
	r.add(Record{Kind: "Marked", Ref: ref, Seq: mark})
}

// Followed is recorded.
func (r *recording) Followed(_ *hub.Session, ref hub.RequestRef, f hub.Followed) {
	r.add(Record{Kind: "Followed", Ref: ref, Followed: f})
}

// Muted is recorded.
func (r *recording) Muted(_ *hub.Session, ref hub.RequestRef, muted bool) {
	r.add(Record{Kind: "Muted", Ref: ref, Muted: muted})
}

// Found is recorded.
func (r *recording) Found(_ *hub.Session, ref hub.RequestRef, p hub.SearchPage) {
	p.Hits = slices.Clone(p.Hits)
	r.add(Record{Kind: "Found", Ref: ref, Found: p, More: p.Next != ""})
}

// MyRooms is recorded.
func (r *recording) MyRooms(_ *hub.Session, ref hub.RequestRef, rooms []hub.MyRoom, more bool) {
	r.add(Record{Kind: "MyRooms", Ref: ref, Mine: slices.Clone(rooms), More: more})
}

// Mentions is recorded.
func (r *recording) Mentions(_ *hub.Session, ref hub.RequestRef, p hub.MentionPage) {
	r.add(Record{Kind: "Mentions", Ref: ref, Messages: slices.Clone(p.Messages), More: p.More, Next: p.Next})
}

// Reported is recorded.
func (r *recording) Reported(_ *hub.Session, ref hub.RequestRef, report hub.ReportInfo) {
	r.add(Record{Kind: "Reported", Ref: ref, Reports: []hub.ReportInfo{report}})
}

// Reports is recorded.
func (r *recording) Reports(_ *hub.Session, ref hub.RequestRef, page []hub.ReportInfo, more bool) {
	r.add(Record{Kind: "Reports", Ref: ref, Reports: slices.Clone(page), More: more})
}

// Audit is recorded.
func (r *recording) Audit(_ *hub.Session, ref hub.RequestRef, page []chat.AuditEntry, more bool) {
	r.add(Record{Kind: "Audit", Ref: ref, Audit: slices.Clone(page), More: more})
}

// Filtered is recorded.
func (r *recording) Filtered(_ *hub.Session, ref hub.RequestRef, f chat.RoomFilter) {
	f.Words = slices.Clone(f.Words)
	r.add(Record{Kind: "Filtered", Ref: ref, Filter: f})
}

// MadeLink is recorded.
func (r *recording) MadeLink(_ *hub.Session, ref hub.RequestRef, l hub.LinkInfo, code string) {
	r.add(Record{Kind: "MadeLink", Ref: ref, Links: []hub.LinkInfo{l}, Code: strings.Clone(code)})
}

// Links is recorded.
func (r *recording) Links(_ *hub.Session, ref hub.RequestRef, page []hub.LinkInfo, more bool) {
	r.add(Record{Kind: "Links", Ref: ref, Links: slices.Clone(page), More: more})
}

// Belongs is recorded.
func (r *recording) Belongs(_ *hub.Session, room chat.RoomID) {
	r.add(Record{Kind: "Belongs", Ref: hub.RequestRef{Room: room}})
}

// Typing is recorded.
func (r *recording) Typing(_ *hub.Session, room chat.RoomID, user chat.UserID, name string) {
	r.add(Record{Kind: "Typing", Ref: hub.RequestRef{Room: room}, Users: []chat.User{{ID: user, Name: name}}})
}
