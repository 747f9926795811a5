package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/client"
)

// lineJSON is an event as `--json` prints it. Fields are only ever added.
type lineJSON struct {
	Event   string          `json:"event"` // message, join, leave, role, kick, name, describe, archive, slow, retain, expire, report or gap
	Room    string          `json:"room"`
	Seq     chat.Seq        `json:"seq,omitempty"`
	Time    string          `json:"time,omitempty"` // RFC 3339, UTC, milliseconds
	User    chat.UserID     `json:"user,omitempty"`
	Name    string          `json:"name,omitempty"`
	Text    string          `json:"text,omitempty"`
	Subject chat.UserID     `json:"subject,omitempty"` // role, kick: whom it is about
	Role    string          `json:"role,omitempty"`    // role
	Until   string          `json:"until,omitempty"`   // role: when it ends, as time
	Value   uint32          `json:"value,omitempty"`   // archive: 1; slow, retain: seconds
	Files   []chat.FileInfo `json:"files,omitempty"`   // message: what it names
	Blocked bool            `json:"blocked,omitempty"` // message, edit: of a user who is blocked, so there is no text

	Report  uint64 `json:"report,omitempty"`  // report: its number; seq, user: the message, text: the reason, subject: who reported it
	Outcome string `json:"outcome,omitempty"` // report: open, acted or rejected
	Note    string `json:"note,omitempty"`    // report: why

	From chat.Seq `json:"from,omitempty"` // gap: the first one that is lost
	To   chat.Seq `json:"to,omitempty"`   // gap: the last one; expire: all up to it are erased
	Anew bool     `json:"anew,omitempty"` // gap: the log began anew, sequence numbers too
}

// timeJSON is RFC 3339 in UTC.
const timeJSON = "2006-01-02T15:04:05.000Z"

// timeOf is a time as JSON has it.
func timeOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(timeJSON) }

// kindName is an event's kind as machines read it.
func kindName(k chat.EventKind) string {
	switch k {
	case chat.EventMessage:
		return "message"
	case chat.EventJoin:
		return "join"
	case chat.EventLeave:
		return "leave"
	case chat.EventRole:
		return "role"
	case chat.EventKick:
		return "kick"
	case chat.EventName:
		return "name"
	case chat.EventDescribe:
		return "describe"
	case chat.EventArchive:
		return "archive"
	case chat.EventSlow:
		return "slow"
	case chat.EventRetain:
		return "retain"
	case chat.EventExpire:
		return "expire"
	}
	return fmt.Sprintf("kind-%d", k)
}

func (p *plain) format(e chat.Event) string {
	at := time.UnixMilli(e.TimeMs)
	hidden := p.blocks.hides(e)
	if hidden {
		e.Text, e.Files = "", ""
	}
	if p.config.JSON {
		l := lineJSON{
			Event: kindName(e.Kind), Room: p.room.Name, Seq: e.Seq, User: e.User, Name: e.Name, Text: e.Text,
			Time: timeOf(e.TimeMs), Subject: e.Subject, Value: e.Value, Files: e.Files.All(), Blocked: hidden,
		}
		if e.Kind == chat.EventExpire {
			l.To = e.Target
		}
		if e.Kind == chat.EventRole {
			l.Role = e.Role.String()
			if e.UntilMs > 0 {
				l.Until = timeOf(e.UntilMs)
			}
		}
		return jsonLine(l)
	}
	head := at.In(p.config.Location).Format("15:04:05") + " #" + CleanLine(p.room.Name) + " "
	name := CleanLine(e.Name)
	p.names.note(e)
	switch e.Kind {
	case chat.EventJoin:
		return head + "* " + name + " joined"
	case chat.EventLeave:
		return head + "* " + name + " left"
	case chat.EventName, chat.EventDescribe, chat.EventArchive, chat.EventSlow, chat.EventRetain:
		return head + "* " + CleanLine(setText(e))
	case chat.EventExpire:
		return fmt.Sprintf("%s* events up to %d are erased: they were too old", head, e.Target)
	case chat.EventRole, chat.EventKick:
		return head + "* " + ruleText(e, p.names.of(e.Subject), p.config.Location)
	}
	if hidden {
		return head + name + ": " + blockedText
	}
	return head + name + ": " + withFiles(CleanLine(withMentions(e.Text, nil)), e.Files)
}

func (p *plain) formatGap(g client.Gap) string {
	if p.config.JSON {
		return jsonLine(lineJSON{Event: "gap", Room: p.room.Name, From: g.From, To: g.To, Anew: g.EpochChanged})
	}
	head := time.Now().In(p.config.Location).Format("15:04:05") + " #" + CleanLine(p.room.Name) + " * "
	if g.EpochChanged {
		return head + "the room began anew"
	}
	return fmt.Sprintf("%sevents %d to %d are not available any more", head, g.From, g.To)
}

// jsonLine writes v on one line. What a terminal might act on is escaped, as JSON allows
// for every character.
func jsonLine(v lineJSON) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("tui: a line of strings and numbers does not become JSON: %v", err))
	}
	return string(CleanJSON(bytes.TrimRight(b.Bytes(), "\n")))
}

// CleanJSON returns JSON of the same meaning with all that a terminal might act on escaped.
// An encoder has done that with the C0 controls; of the rest a text without it comes back as
// it is.
func CleanJSON(text []byte) []byte {
	acts := func(r rune) bool { return r >= 0x7f && r < 0xa0 || hidden(r) }
	if !bytes.ContainsFunc(text, acts) {
		return text
	}
	var safe bytes.Buffer
	for _, r := range string(text) {
		if acts(r) {
			fmt.Fprintf(&safe, `\u%04x`, r)
		} else {
			safe.WriteRune(r)
		}
	}
	return safe.Bytes()
}
