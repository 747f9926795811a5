package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// Rule does something to another user of a room, who is known by name: it gives him a
// role, or sends him out. That it is done is shown by its event; else it is answered by
// Failed.
type Rule struct {
	Room   chat.RoomID
	Name   string
	Kick   bool // else Role is given
	Role   chat.Role
	For    time.Duration // 0: for good
	Reason string
}

// aboutOthers reports whether the command does something to another user.
func (v Verb) aboutOthers() bool {
	switch v {
	case VerbInvite, VerbRole, VerbKick, VerbBan, VerbUnban, VerbMute:
		return true
	}
	return false
}

// person reads the arguments of a command about another user.
func (c *Command) person(words []string) error {
	if len(words) == 0 {
		return errors.New("who?")
	}
	name, _, err := chat.ParseUserName(strings.TrimSuffix(strings.TrimPrefix(words[0], "@"), ":"))
	if err != nil {
		return err
	}
	c.Who, words = name, words[1:]
	switch c.Verb {
	case VerbRole:
		role, ok := chat.Role(0), false
		if len(words) > 0 {
			role, ok = chat.ParseRole(strings.ToLower(words[0]))
		}
		if !ok {
			return errors.New("which role: none, banned, reader, member, moderator or owner?")
		}
		c.Role, words = role, words[1:]
	case VerbBan:
		c.Role = chat.RoleBanned
	case VerbMute:
		c.Role = chat.RoleReader
	case VerbUnban, VerbInvite:
		if c.Verb == VerbInvite {
			c.Role = chat.RoleMember
		}
		if len(words) > 0 {
			return fmt.Errorf("%q is not understood", CleanLine(words[0]))
		}
	}
	if len(words) > 0 && c.Role.MayEnd() {
		if d, ok := parseFor(words[0]); ok {
			c.For, words = d, words[1:]
		}
	}
	if c.For > chat.RoleForMax {
		return errors.New("ten years are the longest; without a time it is for good")
	}
	if c.Reason = strings.Join(words, " "); len(c.Reason) > chat.ReasonBytesMax {
		return fmt.Errorf("the reason is too long: %d bytes, %d are allowed", len(c.Reason), chat.ReasonBytesMax)
	}
	return nil
}

// parseFor reads a time such as 30s, 10m, 2h, 1d or 3w.
func parseFor(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	unit, ok := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 31)
	if !ok || err != nil || n == 0 {
		return 0, false
	}
	if n > uint64(chat.RoleForMax/unit) {
		return chat.RoleForMax + 1, true
	}
	return time.Duration(n) * unit, true
}

// ruled is the effect of a command about somebody else.
func (m *Model) ruled(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	return []Effect{Rule{
		Room: m.room().info.ID, Name: c.Who, Kick: c.Verb == VerbKick, Role: c.Role, For: c.For, Reason: c.Reason,
	}}
}

func (r Rule) perform(ctx context.Context, c Conn) any {
	var err error
	if r.Kick {
		_, err = c.Kick(ctx, r.Room, client.Kick{Name: r.Name, Reason: r.Reason})
	} else {
		_, err = c.GiveRole(ctx, r.Room, client.GiveRole{Name: r.Name, Role: r.Role, For: r.For, Reason: r.Reason})
	}
	if err != nil {
		return Failed{r.Name, plainly(err)}
	}
	return Batch{} // the event shows it
}

// ruleText is an event about another user as a sentence. It is clean.
func ruleText(e chat.Event, subject string, zone *time.Location) string {
	by, text := CleanLine(e.Name), ""
	switch {
	case e.Kind == chat.EventKick:
		text = by + " sent " + subject + " out"
	case e.User == e.Subject && e.Role == chat.RoleMember:
		text = by + " came by an invitation"
	case e.Role == chat.RoleNone:
		text = by + " took back what " + subject + " was given"
	case e.Role == chat.RoleBanned:
		text = by + " banned " + subject
	case e.Role == chat.RoleReader:
		text = by + " made " + subject + " a reader, who may not speak"
	default:
		article := "a "
		if e.Role == chat.RoleOwner {
			article = "an "
		}
		text = by + " made " + subject + " " + article + e.Role.String()
	}
	if e.UntilMs > 0 {
		text += " until " + time.UnixMilli(e.UntilMs).In(zone).Format("2006-01-02 15:04")
	}
	if e.Text != "" {
		text += ": " + CleanLine(e.Text)
	}
	return text
}

// someone is how a user is called whose name is not known.
func someone(u chat.UserID) string { return "user " + strconv.FormatUint(uint64(u), 10) }

// nameOf is the name of a user who is here, or has said something that is still shown.
func (r *room) nameOf(u chat.UserID) string {
	if name := r.members[u]; name != "" {
		return name
	}
	for i := len(r.entries) - 1; i >= 0; i-- {
		if e := r.entries[i]; e.user == u && e.name != "" {
			return e.name
		}
	}
	return someone(u)
}

// told makes an entry of an event about another user what it is shown as.
func (r *room) told(n *entry, e chat.Event) {
	if e.Kind == chat.EventTopic {
		n.kind, n.text = entryNotice, CleanLine(e.Name)+" says what the room is about: "+CleanText(e.Text)
		if e.Text == "" {
			n.text = CleanLine(e.Name) + " took the topic away"
		}
	}
	if e.Kind.Sets() {
		n.kind, n.text = entryNotice, setText(e)
	}
	if e.Kind.Rules() {
		n.kind, n.text = entryNotice, ruleText(e, r.nameOf(e.Subject), cmp.Or(r.zone, time.Local))
	}
}

// completions are the words that can stand behind what is typed before them.
func (m *Model) completions(before string) []string {
	words := strings.Fields(before)
	switch {
	case len(words) == 0:
		all := m.room().names()
		for _, v := range verbs() {
			all = append(all, "/"+v.name)
		}
		return all
	case len(words) == 2 && strings.EqualFold(words[0], "/role"):
		var all []string
		for role := chat.RoleNone; role <= chat.RoleOwner; role++ {
			all = append(all, role.String())
		}
		return all
	case len(words) == 1 && strings.EqualFold(words[0], "/reports"):
		return []string{"all"}
	case len(words) == 2 && strings.EqualFold(words[0], "/reports"):
		return []string{chat.ReportActed.String(), chat.ReportRejected.String()}
	}
	return m.room().names()
}

// putOut is what is said when the server has removed us from a room.
func putOut(room string, why *chat.Error, untilMs int64, zone *time.Location) string {
	text := "you are no longer in " + room
	if why == nil {
		return text
	}
	text += ": " + CleanLine(why.Message)
	if untilMs > 0 {
		text += " (until " + time.UnixMilli(untilMs).In(zone).Format("2006-01-02 15:04") + ")"
	}
	if why.Code == chat.CodeKicked {
		text += "; /join " + room + " goes back"
	}
	return text
}

// names are those of users whose events a plain program has printed: a bounded number.
type names map[chat.UserID]string

const namesMax = 4096

func (n names) note(e chat.Event) {
	if _, known := n[e.User]; known || len(n) < namesMax {
		n[e.User] = CleanLine(e.Name)
	}
}

func (n names) of(u chat.UserID) string {
	if name := n[u]; name != "" {
		return name
	}
	return someone(u)
}
