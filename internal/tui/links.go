package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// Links by which others come into a private room.
type (
	// MakeLink makes one; answered by Notice, with its code, or Failed.
	MakeLink struct {
		Room    chat.RoomID
		For     time.Duration // 0: until it is revoked
		UsesMax int           // 0: no bound
	}

	// ListLinks asks for those of a room; answered by LinksListed or Failed.
	ListLinks struct{ Room chat.RoomID }

	// LinksListed answers ListLinks.
	LinksListed struct{ Links []client.RoomLink }

	// RevokeLink revokes one; answered by Notice or Failed.
	RevokeLink struct {
		Room chat.RoomID
		ID   uint64
	}

	// ComeIn comes into a room by a link; answered by client.Joined, unless it is joined, and Opened, or by
	// Failed.
	ComeIn struct{ Code string }
)

// linkFor is how long a link holds if nothing else is said.
const linkFor = 7 * 24 * time.Hour

// aboutLinks reports whether the command is about links.
func (v Verb) aboutLinks() bool { return v == VerbMakeLink || v == VerbLinks || v == VerbRevokeLink }

// link reads what follows the commands about links: for how long and for how many, or which one.
func (c *Command) link(words []string) error {
	switch c.Verb {
	case VerbRevokeLink:
		if len(words) != 1 {
			return errors.New("which one? /invite-links lists them")
		}
		n, err := strconv.Atoi(words[0])
		if err != nil || n < 1 {
			return errors.New("which one? /invite-links lists them")
		}
		c.Number = n
		return nil
	case VerbLinks:
		if len(words) > 0 {
			return fmt.Errorf("%q is not understood", CleanLine(words[0]))
		}
		return nil
	}
	c.For = linkFor
	for i, w := range words {
		w = strings.ToLower(w)
		last, isTime := parseFor(w)
		n, err := strconv.Atoi(w)
		switch {
		case i == 0 && w == "ever":
			c.For = 0
		case i == 0 && isTime && last <= chat.RoomLinkForMax:
			c.For = last
		case i == 0 && isTime:
			return errors.New("a year is the longest; ever: until it is revoked")
		case c.Number == 0 && err == nil && n >= 1 && n <= chat.RoomLinkUsesMax:
			c.Number = n
		default:
			return fmt.Errorf("%q is not understood: for how long, and for how many?", CleanLine(w))
		}
	}
	return nil
}

// linking is what a command about links does.
func (m *Model) linking(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room"
		return nil
	}
	room := m.room().info.ID
	switch c.Verb {
	case VerbLinks:
		return []Effect{ListLinks{room}}
	case VerbRevokeLink:
		return []Effect{RevokeLink{room, uint64(c.Number)}}
	}
	return []Effect{MakeLink{room, c.For, c.Number}}
}

// linksListed shows the links of a room.
func (m *Model) linksListed(l LinksListed) {
	if len(l.Links) == 0 {
		m.say(entryNotice, "no links lead into this room; /invite-link makes one")
		return
	}
	var b strings.Builder
	b.WriteString("links into this room; /revoke-link N ends one:")
	for _, k := range l.Links {
		fmt.Fprintf(&b, "\n  %d by %s · %s", k.ID, CleanLine(k.ByName), linkText(k, m.zone))
	}
	m.say(entryNotice, b.String())
}

// linkText says until when, and for how many, a link holds. It is clean.
func linkText(k client.RoomLink, zone *time.Location) string {
	text := "until it is revoked"
	if !k.Expires.IsZero() {
		text = "until " + k.Expires.In(zone).Format("2006-01-02 15:04")
	}
	if k.UsesMax > 0 {
		return fmt.Sprintf("%s · used %d of %d times", text, k.Uses, k.UsesMax)
	}
	return text + " · used " + count(k.Uses, "time")
}

// performLink does what effects of links ask for. False: it is no such effect.
func performLink(ctx context.Context, c Conn, effect Effect) (any, bool) {
	switch e := effect.(type) {
	case MakeLink:
		k, code, err := c.MakeLink(ctx, e.Room, e.For, e.UsesMax)
		if err != nil {
			return Failed{"the link", plainly(err)}, true
		}
		return Notice{fmt.Sprintf("link %d: /join %s · %s\nbehind the address of a page: %s%s\nit is shown this once",
			k.ID, CleanLine(code), linkText(k, time.Local), chat.RoomLinkMark, CleanLine(code))}, true
	case ListLinks:
		all, err := c.Links(ctx, e.Room)
		if err != nil {
			return Failed{"the links", plainly(err)}, true
		}
		return LinksListed{all}, true
	case RevokeLink:
		if err := c.RevokeLink(ctx, e.Room, e.ID); err != nil {
			return Failed{"the link", plainly(err)}, true
		}
		return Notice{fmt.Sprintf("nobody comes by link %d any more", e.ID)}, true
	case ComeIn:
		info, err := c.JoinLink(ctx, e.Code)
		if err != nil {
			return Failed{"the link", plainly(err)}, true
		}
		joined, err := c.Join(ctx, client.Join{Room: info.ID, HistoryItems: historyItems})
		switch {
		case chat.CodeOf(err) == chat.CodeBadRequest: // it is joined already
			return Opened{Room: info.ID}, true
		case err != nil: // he belongs to it now, and may join it later
			return Failed{"the room", plainly(err)}, true
		}
		return Batch{joined, Opened{Room: info.ID}}, true
	}
	return nil, false
}
