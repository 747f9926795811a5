package hubtest

import (
	"slices"

	"sarang/chat"
	"sarang/internal/hub"
)

// LookUp asks who somebody is.
func (c *Client) LookUp(whom hub.Whom) { c.shard.LookUp(c.Session, c.ref(0), whom) }

// SetProfile says something of the user.
func (c *Client) SetProfile(p chat.ProfileChange) { c.shard.SetProfile(c.Session, c.ref(0), p) }

// Rename takes another name.
func (c *Client) Rename(name string) { c.shard.Rename(c.Session, c.ref(0), name) }

// Away says whether somebody sits at the session.
func (c *Client) Away(away bool) { c.shard.Away(c.Session, c.ref(0), away) }

// Block blocks somebody, or does not any more.
func (c *Client) Block(whom chat.UserID, remove bool) {
	c.shard.Block(c.Session, c.ref(0), hub.BlockRequest{Whom: hub.Whom{ID: whom}, Remove: remove})
}

// Blocks asks for a page of those whom the user blocks.
func (c *Client) Blocks(after chat.UserID, items int) {
	c.shard.Blocks(c.Session, c.ref(0), after, items)
}

// SeenBy asks who has read a room how far.
func (c *Client) SeenBy(room chat.RoomID) { c.shard.SeenBy(c.Session, c.ref(room)) }

// Profile is recorded.
func (r *recording) Profile(_ *hub.Session, ref hub.RequestRef, u hub.UserInfo) {
	r.add(Record{Kind: "Profile", Ref: ref, Profile: u})
}

// Renamed is recorded.
func (r *recording) Renamed(_ *hub.Session, ref hub.RequestRef, name string) {
	r.add(Record{Kind: "Renamed", Ref: ref, Name: name})
}

// Blocked is recorded.
func (r *recording) Blocked(_ *hub.Session, ref hub.RequestRef, whom chat.UserID, removed bool) {
	r.add(Record{Kind: "Blocked", Ref: ref, Users: []chat.User{{ID: whom}}, Removed: removed})
}

// Blocks is recorded.
func (r *recording) Blocks(_ *hub.Session, ref hub.RequestRef, page []chat.Person, more bool) {
	var users []chat.User
	for _, p := range page {
		users = append(users, chat.User{ID: p.ID, Name: p.Name})
	}
	r.add(Record{Kind: "Blocks", Ref: ref, Users: users, More: more})
}

// SeenBy is recorded.
func (r *recording) SeenBy(_ *hub.Session, ref hub.RequestRef, marks []hub.SeenMark) {
	r.add(Record{Kind: "SeenBy", Ref: ref, Marks: slices.Clone(marks)})
}
