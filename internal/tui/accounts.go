package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"sarang/chat"
	"sarang/client"
)

// question is what is asked for beside the talk: a password, whose characters are not shown
// and not kept.
type question struct {
	text string
	then func(answer string) []Effect
}

// What a person does with his account, as effects, and what came of it.
type (
	// Register gives the user a password, who had none.
	Register struct{ Password, Invitation string }

	// ChangePassword gives the user another one.
	ChangePassword struct{ Old, New string }

	// Sessions asks where the user has logged in.
	Sessions struct{}

	// EndSession ends a session of the user; Others: all but this one.
	EndSession struct {
		ID     chat.DeviceID
		Others bool
	}

	// SessionsListed answers Sessions.
	SessionsListed struct {
		All []client.DeviceSession
		Err error
	}

	// Notice is something that was done, as a sentence.
	Notice struct{ Text string }
)

// aboutAccount reports whether the command is about the user's own account.
func (v Verb) aboutAccount() bool { return v == VerbRegister || v == VerbPassword || v == VerbSessions }

// ask has the next line be the answer to a question.
func (m *Model) ask(text string, then func(string) []Effect) []Effect {
	m.asked = &question{text, then}
	m.input.hide(true)
	m.hint = ""
	return nil
}

// answer takes the line as the answer to what was asked.
func (m *Model) answer() []Effect {
	q, line := m.asked, m.input.String()
	m.unask()
	return q.then(line)
}

// unask ends a question.
func (m *Model) unask() {
	m.asked = nil
	m.input.hide(false)
}

// account carries a command about the user's account out.
func (m *Model) account(c Command) []Effect {
	switch c.Verb {
	case VerbRegister:
		return m.askNew("a password for "+m.name, func(secret string) []Effect {
			return []Effect{Register{secret, c.Text}}
		})
	case VerbPassword:
		return m.ask("the password that you have", func(old string) []Effect {
			return m.askNew("a new password", func(secret string) []Effect {
				return []Effect{ChangePassword{old, secret}}
			})
		})
	case VerbSessions:
		return m.sessionsCommand(c)
	}
	return nil
}

// askNew asks for a password twice.
func (m *Model) askNew(what string, then func(string) []Effect) []Effect {
	return m.ask(what, func(secret string) []Effect {
		if least := m.limits.PasswordRunesMin; utf8.RuneCountInString(secret) < least {
			m.hint = fmt.Sprintf("too short: a password has %d characters at least", least)
			return nil
		}
		return m.ask("once more", func(again string) []Effect {
			if again != secret {
				m.hint = "these were two different passwords; nothing has changed"
				return nil
			}
			return then(secret)
		})
	})
}

// sessionsCommand lists the user's sessions, or ends some of those that were listed.
func (m *Model) sessionsCommand(c Command) []Effect {
	switch {
	case c.Text == "others":
		return []Effect{EndSession{Others: true}}
	case c.Number == 0:
		return []Effect{Sessions{}}
	case c.Number > len(m.sessions):
		m.hint = "there is no such session; /sessions lists them"
		return nil
	}
	return []Effect{EndSession{ID: m.sessions[c.Number-1].ID}}
}

// sessions reads the arguments of /sessions: nothing, "end N" or "end others".
func (c *Command) sessions(words []string) error {
	switch {
	case len(words) == 0:
		return nil
	case len(words) != 2 || words[0] != "end":
		return errors.New("that is not understood")
	case words[1] == "others":
		c.Text = "others"
		return nil
	}
	if _, err := fmt.Sscanf(words[1], "%d", &c.Number); err != nil || c.Number < 1 {
		return errors.New("sessions are counted from 1")
	}
	return nil
}

// sessionsListed shows where the user has logged in.
func (m *Model) sessionsListed(l SessionsListed) {
	if l.Err != nil {
		m.say(entryError, failure("list of sessions", l.Err))
		return
	}
	m.sessions = l.All
	var b strings.Builder
	b.WriteString("your sessions; /sessions end N or others ends them:")
	for i, s := range l.All {
		name := CleanLine(s.Device)
		if name == "" {
			name = "a device"
		}
		fmt.Fprintf(&b, "\n  %d %s · since %s · seen %s", i+1, name, s.Created.In(m.zone).Format("2006-01-02"), s.Seen.In(m.zone).Format("2006-01-02 15:04"))
		if s.Address != "" {
			b.WriteString(" · " + CleanLine(s.Address))
		}
		switch {
		case s.Current:
			b.WriteString(" · this one")
		case s.Connections > 0:
			b.WriteString(" · online")
		}
	}
	m.say(entryNotice, b.String())
}

// performAccount does what effects of accounts ask for. False: it is no such effect.
func performAccount(ctx context.Context, c Conn, effect Effect) (any, bool) {
	done := func(err error, what, sentence string) (any, bool) {
		if err != nil {
			return Failed{what, plainly(err)}, true
		}
		return Notice{sentence}, true
	}
	switch e := effect.(type) {
	case Register:
		return done(c.Register(ctx, e.Password, e.Invitation), "register", "you have an account now: log in with the password anywhere")
	case ChangePassword:
		return done(c.ChangePassword(ctx, e.Old, e.New, false), "password", "you have another password; your other sessions have ended")
	case EndSession:
		if e.Others {
			return done(c.EndOtherSessions(ctx), "sessions", "all your other sessions have ended")
		}
		return done(c.EndSession(ctx, e.ID), "sessions", "that session has ended")
	case Sessions:
		all, err := c.Sessions(ctx)
		return SessionsListed{all, plainly(err)}, true
	}
	return nil, false
}
