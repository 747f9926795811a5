package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/lock"
)

// A plain program says its lines as they are, unless PlainConfig.Commands: then those that begin
// with "/" are commands, a few of those of the screen.

// plainVerb reports whether a plain program has the command.
func plainVerb(v Verb) bool {
	return v.aboutReports() || v == VerbBlock || v == VerbUnblock || v == VerbHelp
}

// plainMessagesMax is how many messages a plain program remembers, for ^N.
const plainMessagesMax = 200

// plainMessages are the newest messages that were printed.
type plainMessages struct {
	mu  lock.Mutex
	all []plainMessage
}

type plainMessage struct {
	seq  chat.Seq
	user chat.UserID
	text string // clean
}

func (m *plainMessages) add(e chat.Event) {
	if e.Kind != chat.EventMessage {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.all) >= 2*plainMessagesMax {
		m.all = append(m.all[:0], m.all[len(m.all)-plainMessagesMax:]...)
	}
	m.all = append(m.all, plainMessage{e.Seq, e.User, cut(CleanLine(withMentions(e.Text, nil)), 200)})
}

// nth finds a message, counted from the end, of anybody but a user.
func (m *plainMessages) nth(n int, but chat.UserID) (chat.Seq, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.all) - 1; i >= max(0, len(m.all)-plainMessagesMax); i-- {
		if but != 0 && m.all[i].user == but {
			continue
		}
		if n--; n == 0 {
			return m.all[i].seq, true
		}
	}
	return 0, false
}

func (m *plainMessages) said(seq chat.Seq) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		if one.seq == seq {
			return one.text
		}
	}
	return ""
}

// command carries a line out that is a command; false: it was refused.
func (p *plain) command(ctx context.Context, c Command) bool {
	if err := p.do(ctx, c); err != nil {
		p.log("%s", CleanLine(err.Error()))
		return false
	}
	return true
}

func (p *plain) do(ctx context.Context, c Command) error {
	var effect Effect
	switch {
	case !plainVerb(c.Verb):
		return errors.New("that command is for the screen; /help lists those that are here, and //text says /text")
	case c.Verb == VerbHelp:
		for _, v := range verbs() {
			if plainVerb(v.verb) {
				p.log("%s", v.usage+"  "+v.what)
			}
		}
		return nil
	case c.Verb.aboutReports():
		p.echo(ctx) // ^1 is what was there last
		but := chat.UserID(0)
		if c.Number == 0 {
			but = p.config.Conn.Self().User
		}
		var err error
		if effect, err = c.reported(p.room.ID, func(n int) (chat.Seq, bool) { return p.messages.nth(n, but) }); err != nil {
			return err
		}
	case c.Text == "":
		effect = Blocks{}
	default:
		effect = Block{c.Text, c.Verb == VerbUnblock}
	}
	switch what := perform(ctx, p.config.Conn, effect).(type) {
	case Failed:
		return fmt.Errorf("%s: %w", what.What, what.Err)
	case Notice:
		p.log("%s", what.Text)
	case ReportsLoaded:
		return p.reports(what.Page)
	case client.Blocked:
		p.blocks.set(what.User, what.Removed)
		p.log("%s", map[bool]string{false: "you do not see any more what he says", true: "you see him again"}[what.Removed])
	case BlocksLoaded:
		p.blocks.are(what.Users)
		all := make([]string, len(what.Users))
		for i, u := range what.Users {
			all[i] = CleanLine(u.Name)
		}
		p.log("you block %s", nobodyOr(all))
	}
	return nil
}

func nobodyOr(all []string) string {
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

// reports prints reports: those of JSON are events.
func (p *plain) reports(page client.ReportPage) error {
	if !p.config.JSON {
		for l := range strings.Lines(reportsText(page, p.config.Location, p.messages.said)) {
			p.log("%s", strings.TrimSuffix(l, "\n"))
		}
		return nil
	}
	for _, r := range page.Reports {
		l := lineJSON{
			Event: "report", Room: p.room.Name, Seq: r.Seq, Time: timeOf(r.TimeMs), User: r.Author, Name: r.AuthorName, Text: r.Reason,
			Subject: r.Reporter, Report: r.ID, Outcome: r.Outcome.String(), Note: r.Note,
		}
		if err := p.write(jsonLine(l)); err != nil {
			return err
		}
	}
	return nil
}

// blockSet are the users whom somebody blocks: what is asked for and what happens come from two
// goroutines.
type blockSet struct {
	mu    lock.Mutex
	users map[chat.UserID]bool
}

func (b *blockSet) set(u chat.UserID, removed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if removed {
		delete(b.users, u)
		return
	}
	if b.users == nil {
		b.users = map[chat.UserID]bool{}
	}
	b.users[u] = true
}

func (b *blockSet) are(users []client.Member) {
	now := make(map[chat.UserID]bool, len(users))
	for _, u := range users {
		now[u.User] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users = now
}

// hides reports whether what an event says is not to be shown.
func (b *blockSet) hides(e chat.Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.users[e.User] && (e.Kind == chat.EventMessage || e.Kind == chat.EventEdit)
}

// blockedText stands in the place of what somebody says who is blocked.
const blockedText = "(you block him)"

// loadBlocks asks whom the user blocks, and waits for the answer for so long.
func (p *plain) loadBlocks(running context.Context, wait time.Duration) {
	ctx, cancel := context.WithTimeout(running, wait)
	defer cancel()
	switch what := perform(ctx, p.config.Conn, Blocks{}).(type) {
	case BlocksLoaded:
		p.blocks.are(what.Users)
	case Failed:
		if running.Err() == nil {
			p.log("whom you block is not known: %v", what.Err)
		}
	}
}
