package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sarang/chat"
)

// Set changes a setting of a room. That it is done is shown by its event; else it is answered by
// Failed.
type Set struct {
	Room    chat.RoomID
	Setting chat.Setting
}

// aboutRoom reports whether the command changes what a room is: few use it.
func (v Verb) aboutRoom() bool {
	return v == VerbRename || v == VerbDeleteRoom || v == VerbDescribe || v == VerbArchive || v == VerbSlow || v == VerbFilter || v == VerbRetain
}

// DeleteRoom deletes a room. That it is done is shown by client.Left; else it is answered by
// Failed.
type DeleteRoom struct{ Room chat.RoomID }

// setting reads what follows /archive, /slow and /retention.
func (c *Command) setting(words []string) error {
	if len(words) > 1 {
		return fmt.Errorf("%q is not understood", CleanLine(words[1]))
	}
	word := strings.ToLower(strings.Join(words, ""))
	off := word == "off"
	if c.Verb == VerbArchive {
		if word != "" && word != "on" && !off {
			return errors.New("a room is archived, or it is not: /archive off")
		}
		c.Setting = chat.Setting{Kind: chat.EventArchive, Value: 1}
		if off {
			c.Setting.Value = 0
		}
		return nil
	}
	if c.Verb == VerbRetain {
		return c.retention(word)
	}
	c.Setting = chat.Setting{Kind: chat.EventSlow}
	if off {
		return nil
	}
	each, ok := parseFor(word)
	if !ok || each < time.Second || each > chat.SlowSecondsMax*time.Second {
		return fmt.Errorf("how long do members wait? 10s, 5m, up to %d hours, or off", chat.SlowSecondsMax/3600)
	}
	c.Setting.Value = uint32(each / time.Second)
	return nil
}

// retention reads for how long the room is to keep what is said.
func (c *Command) retention(word string) error {
	c.Setting = chat.Setting{Kind: chat.EventRetain}
	if word == "off" {
		return nil
	}
	keeps, ok := parseFor(word)
	if !ok || keeps < chat.RetainSecondsMin*time.Second || keeps > chat.RetainSecondsMax*time.Second {
		return fmt.Errorf("for how long is what is said kept? 30d, 12h, %d seconds at least and ten years at most, or off", chat.RetainSecondsMin)
	}
	c.Setting.Value = uint32(keeps / time.Second)
	return nil
}

// set is what a command that changes a setting does.
func (m *Model) set(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room"
		return nil
	}
	switch {
	case c.Verb == VerbRename:
		c.Setting = chat.Setting{Kind: chat.EventName, Text: c.Room}
	case c.Verb == VerbDeleteRoom && m.index(c.Room) != m.index(m.room().info.Name):
		m.hint = "go to the room that is to be deleted, and say its name: this one is #" + CleanLine(m.room().info.Name)
		return nil
	case c.Verb == VerbDeleteRoom:
		return []Effect{DeleteRoom{m.room().info.ID}}
	case c.Verb == VerbDescribe:
		c.Setting = chat.Setting{Kind: chat.EventDescribe, Text: c.Text}
	}
	return []Effect{Set{m.room().info.ID, c.Setting}}
}

// setText is the change of a setting as a sentence. It is clean.
func setText(e chat.Event) string {
	by := CleanLine(e.Name)
	if e.ByServer() {
		by = "the operator of the server"
	}
	switch {
	case e.Kind == chat.EventName:
		return by + " has renamed the room to #" + CleanLine(e.Text)
	case e.Kind == chat.EventDescribe && e.Text == "":
		return by + " took the description away"
	case e.Kind == chat.EventDescribe:
		return by + " describes the room: " + CleanText(e.Text)
	case e.Kind == chat.EventArchive && e.Value != 0:
		return by + " archived the room: it takes nothing new"
	case e.Kind == chat.EventArchive:
		return by + " opened the room again"
	case e.Kind == chat.EventRetain && e.Value == 0:
		return by + " lets the room keep what is said"
	case e.Kind == chat.EventRetain:
		return by + " lets what is said here go after " + keepText(e.Value)
	case e.Value == 0:
		return by + " let members speak as they like"
	}
	return by + " slowed the room down: a member speaks each " + (time.Duration(e.Value) * time.Second).String()
}

// keepText is a time in seconds in its largest unit that is whole.
func keepText(seconds uint32) string {
	for _, u := range []struct {
		seconds uint32
		name    string
	}{{24 * 60 * 60, "day"}, {60 * 60, "hour"}, {60, "minute"}} {
		if seconds%u.seconds == 0 {
			return count(int(seconds/u.seconds), u.name)
		}
	}
	return count(int(seconds), "second")
}

// settings notes what an event says of the room.
func (r *room) settings(e chat.Event) {
	now := chat.Room{Topic: r.info.Topic, Description: r.info.Description, Archived: r.info.Archived, SlowSeconds: r.info.SlowSeconds, RetainSeconds: r.info.RetainSeconds}
	now.Set(&e)
	r.info.Topic, r.info.Description, r.info.Archived, r.info.SlowSeconds = now.Topic, now.Description, now.Archived, now.SlowSeconds
	r.info.RetainSeconds = now.RetainSeconds
	if e.Kind == chat.EventName {
		r.info.Name = e.Text
	}
}
