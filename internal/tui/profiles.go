package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// What a person says of himself and asks about others, as effects, and what came of it.
type (
	// LookUp asks who somebody is; the empty name is oneself.
	LookUp struct{ Name string }

	// SetProfile says something else of oneself: what is Field becomes Text.
	SetProfile struct{ Field, Text string }

	// Rename takes another name.
	Rename struct{ Name string }

	// SetAway says whether somebody sits here.
	SetAway struct{ Away bool }

	// Block has somebody not be seen any more, or again.
	Block struct {
		Name   string
		Remove bool
	}

	// Blocks asks who is blocked.
	Blocks struct{}

	// Found answers LookUp and SetProfile.
	Found struct{ Profile client.Profile }

	// BlocksLoaded answers Blocks.
	BlocksLoaded struct{ Users []client.Member }

	// SeenBy asks who has read the newest message of a room.
	SeenBy struct{ Room chat.RoomID }

	// SeenByLoaded answers it.
	SeenByLoaded struct {
		Room  chat.RoomID
		Marks []client.SeenMark
	}
)

// aboutPeople reports whether the command is about what users say of themselves, or who they are.
func (v Verb) aboutPeople() bool { return v >= VerbName && v <= VerbSeen }

// profileFields are what can be said of oneself, by /profile.
const profileFields = "name, about, status, hidden"

// people reads the arguments of such a command.
func (c *Command) people(words []string) error {
	c.Text = strings.Join(words, " ")
	switch c.Verb {
	case VerbName, VerbBlock, VerbUnblock:
		if len(words) != 1 && !(c.Verb == VerbBlock && len(words) == 0) {
			return errors.New("which name?")
		}
	case VerbWhois:
		if len(words) > 1 {
			return errors.New("one name at a time")
		}
	case VerbAway, VerbSeen:
		if len(words) > 1 || len(words) == 1 && (c.Verb == VerbSeen || words[0] != "off") {
			return fmt.Errorf("%q is not understood", CleanLine(words[0]))
		}
	case VerbProfile:
		if len(words) == 0 {
			return nil
		}
		c.Who, c.Text = words[0], strings.Join(words[1:], " ")
		switch c.Who {
		case "name", "about", "status":
		case "hidden":
			if c.Text != "on" && c.Text != "off" {
				return errors.New("on or off?")
			}
		default:
			return fmt.Errorf("what of it: %s?", profileFields)
		}
		return nil
	}
	c.Text = strings.TrimPrefix(c.Text, "@")
	return nil
}

// aboutThem is the effect of such a command.
func (m *Model) aboutThem(c Command) []Effect {
	switch c.Verb {
	case VerbName:
		return []Effect{Rename{c.Text}}
	case VerbWhois:
		return []Effect{LookUp{c.Text}}
	case VerbProfile:
		if c.Who == "" {
			return []Effect{LookUp{}}
		}
		return []Effect{SetProfile{c.Who, c.Text}}
	case VerbAway:
		return []Effect{SetAway{c.Text != "off"}}
	case VerbBlock, VerbUnblock:
		if c.Text == "" {
			return []Effect{Blocks{}}
		}
		return []Effect{Block{c.Text, c.Verb == VerbUnblock}}
	case VerbSeen:
		if len(m.rooms) == 0 {
			m.hint = "you are in no room"
			return nil
		}
		return []Effect{SeenBy{m.room().info.ID}}
	}
	return nil
}

// performProfile does what such effects ask for. False: it is no such effect.
func performProfile(ctx context.Context, c Conn, effect Effect) (any, bool) {
	fail := func(what string, err error) (any, bool) { return Failed{what, plainly(err)}, true }
	switch e := effect.(type) {
	case LookUp:
		p, err := c.LookUp(ctx, e.Name)
		if err != nil {
			return fail(CleanLine(e.Name), err)
		}
		return Found{p}, true
	case SetProfile:
		p, err := c.SetProfile(ctx, e.change())
		if err != nil {
			return fail("profile", err)
		}
		return Found{p}, true
	case Rename:
		name, err := c.Rename(ctx, e.Name)
		if err != nil {
			return fail(CleanLine(e.Name), err)
		}
		return client.Renamed{Name: name}, true
	case SetAway:
		if err := c.SetAway(ctx, e.Away); err != nil {
			return fail("away", err)
		}
		if e.Away {
			return Notice{"you are away; /away off says that you are back"}, true
		}
		return Notice{"you are back"}, true
	case Block:
		block := c.Block
		if e.Remove {
			block = c.Unblock
		}
		user, err := block(ctx, e.Name)
		if err != nil {
			return fail(CleanLine(e.Name), err)
		}
		return client.Blocked{User: user, Removed: e.Remove}, true
	case Blocks:
		users, err := c.Blocks(ctx)
		if err != nil {
			return fail("blocks", err)
		}
		return BlocksLoaded{users}, true
	case SeenBy:
		marks, err := c.SeenBy(ctx, e.Room)
		if err != nil {
			return fail("seen", err)
		}
		return SeenByLoaded{e.Room, marks}, true
	}
	return nil, false
}

func (e *SetProfile) change() chat.ProfileChange {
	switch e.Field {
	case "name":
		return chat.ProfileChange{DisplayName: &e.Text}
	case "about":
		return chat.ProfileChange{About: &e.Text}
	case "status":
		return chat.ProfileChange{Status: &e.Text}
	}
	hidden := e.Text == "on"
	return chat.ProfileChange{Hidden: &hidden}
}

// toldOfPeople takes what came of people. False: it is something else.
func (m *Model) toldOfPeople(what any) bool {
	switch e := what.(type) {
	case Found:
		m.say(entryNotice, profileText(e.Profile, m.zone))
	case client.ProfileChanged: // of ours, by another session
	case client.Renamed:
		m.name = CleanLine(e.Name)
		m.say(entryNotice, "you are "+m.name+" now; your old name is kept for you for a while")
	case client.Blocked:
		m.veil(e.User, e.Removed)
		if e.Removed {
			m.say(entryNotice, "you see "+m.room().nameOf(e.User)+" again")
		} else {
			m.say(entryNotice, "you do not see any more what "+m.room().nameOf(e.User)+" says; /unblock takes it back")
		}
	case BlocksLoaded:
		m.blocked = nil
		for _, u := range e.Users {
			m.veil(u.User, false)
		}
	case SeenByLoaded:
		m.seenBy(e)
	case ReportsLoaded:
		m.reportsLoaded(e.Page)
	default:
		return false
	}
	return true
}

func (m *Model) veil(u chat.UserID, removed bool) {
	if removed {
		delete(m.blocked, u)
		return
	}
	if m.blocked == nil {
		m.blocked = map[chat.UserID]bool{}
	}
	m.blocked[u] = true
}

// veiled is an event as it is shown: of a user who is blocked not what he says.
func (m *Model) veiled(e chat.Event) chat.Event {
	if m.blocked[e.User] && (e.Kind == chat.EventMessage || e.Kind == chat.EventEdit) {
		e.Text, e.Files = blockedText, ""
	}
	return e
}

// profileText is who somebody is, as sentences. It is clean.
func profileText(p client.Profile, zone *time.Location) string {
	var b strings.Builder
	b.WriteString(CleanLine(p.Name))
	if p.DisplayName != "" {
		b.WriteString(" (" + CleanLine(p.DisplayName) + ")")
	}
	if p.Account {
		b.WriteString(" · an account")
	} else {
		b.WriteString(" · a guest")
	}
	if word := p.Presence.String(); word != "" {
		b.WriteString(" · " + word)
	}
	if !p.Seen.IsZero() {
		b.WriteString(" since " + p.Seen.In(zone).Format("2006-01-02 15:04"))
	}
	if p.Hidden {
		b.WriteString(" · nobody is told whether you are online")
	}
	if p.Blocked {
		b.WriteString(" · you block him")
	}
	if p.Status != "" {
		b.WriteString("\n  " + CleanLine(p.Status))
	}
	if p.About != "" {
		b.WriteString("\n  " + strings.ReplaceAll(CleanText(p.About), "\n", "\n  "))
	}
	return b.String()
}

// seenBy says who has read the newest message of a room.
func (m *Model) seenBy(l SeenByLoaded) {
	r := m.find(l.Room)
	if r == nil {
		return
	}
	var names []string
	for _, k := range l.Marks {
		if k.Seq >= r.said && k.User != m.me {
			names = append(names, r.nameOf(k.User))
		}
	}
	if len(names) == 0 {
		m.sayIn(r, entryNotice, "nobody else has read the newest message, as far as it is told")
		return
	}
	m.sayIn(r, entryNotice, "read by "+strings.Join(names, ", "))
}
