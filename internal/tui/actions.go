package tui

import (
	"strconv"
	"strings"

	"sarang/chat"
)

func itoa(n int) string { return strconv.Itoa(n) }

// enter takes the line that was typed.
func (m *Model) enter() []Effect {
	if m.asked != nil {
		return m.answer()
	}
	line := m.input.String()
	if strings.TrimSpace(line) == "" {
		return nil
	}
	c, err := ParseCommand(line)
	if err != nil {
		m.hint = err.Error()
		return nil // the line stays, to be mended
	}
	if c.Verb == VerbSay {
		return m.publish(c.Text)
	}
	m.input.Take()
	return m.do(c)
}

// publish says what was typed in the room that is shown.
func (m *Model) publish(text string) []Effect {
	effects := m.utter(text)
	if effects != nil {
		m.input.Take()
	}
	return effects
}

// utter says a text in the room that is shown; nil, with a hint, if that can not be.
func (m *Model) utter(text string) []Effect {
	r := m.room()
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	shown := text
	text = r.mentioning(text)
	if most := m.limits.TextBytesMax; most > 0 && len(text) > most {
		m.hint = "too long: " + itoa(len(text)) + " bytes, the server takes " + itoa(most)
		return nil
	}
	if len(r.pending) >= chat.NoncesPerUserMax {
		m.hint = "too many messages wait for the server; wait until some are sent"
		return nil
	}
	n := &entry{
		kind: entryMessage, epoch: r.info.Epoch, at: m.now, user: m.me, name: m.name,
		text: CleanText(shown), own: true, nonce: m.newNonce(), state: sendWaiting,
	}
	r.pending = append(r.pending, n)
	r.scroll, r.mark = 0, span{}
	m.markRead()
	return []Effect{Publish{Room: r.info.ID, Nonce: n.nonce, Text: text}}
}

// do carries a command out.
func (m *Model) do(c Command) []Effect {
	switch c.Verb {
	case VerbJoin:
		if c.Code != "" {
			return []Effect{ComeIn{c.Code}}
		}
		return m.join(c.Room)
	case VerbCreate:
		m.joining[nameKey(c.Room)] = true
		return []Effect{Create{Name: c.Room, Ephemeral: c.Ephemeral, Private: c.Private}}
	case VerbLeave:
		if i := m.index(c.Room); i >= 0 {
			return []Effect{Leave{Room: m.rooms[i].info.ID}}
		}
		m.hint = "you are not in that room"
	case VerbSwitch:
		if c.Number > 0 {
			m.goTo(c.Number)
		} else if i := m.index(c.Room); i >= 0 {
			m.show(i)
		} else {
			m.hint = "you are not in #" + c.Room + "; /join #" + c.Room + " goes there"
		}
	case VerbTopic:
		if len(m.rooms) > 0 {
			return []Effect{SetTopic{m.room().info.ID, c.Text}}
		}
		m.hint = "you are in no room"
	case VerbRename, VerbDeleteRoom, VerbDescribe, VerbArchive, VerbSlow, VerbRetain:
		return m.set(c)
	case VerbMsg:
		return []Effect{Direct{c.Who, c.Text}}
	case VerbSearch:
		return m.look(c)
	case VerbHush:
		return m.hush(c.Room)
	case VerbRooms:
		return []Effect{Rooms{}}
	case VerbMembers:
		return m.togglePanel()
	case VerbHistory:
		return m.loadOlder()
	case VerbInvite, VerbRole, VerbKick, VerbBan, VerbUnban, VerbMute:
		return m.ruled(c)
	case VerbRegister, VerbPassword, VerbSessions:
		return m.account(c)
	case VerbName, VerbProfile, VerbWhois, VerbAway, VerbBlock, VerbUnblock, VerbSeen:
		return m.aboutThem(c)
	case VerbEdit, VerbDelete, VerbReact, VerbReply, VerbUnreact, VerbPin, VerbUnpin, VerbFollow, VerbUnfollow:
		return m.changing(c)
	case VerbReport, VerbReports, VerbPurge:
		return m.reporting(c)
	case VerbMentions, VerbThreads, VerbUnread, VerbPins:
		return m.picking(c.Verb)
	case VerbFilter:
		return m.filtering(c.Text)
	case VerbMakeLink, VerbLinks, VerbRevokeLink:
		return m.linking(c)
	case VerbSend, VerbSave:
		return m.file(c)
	case VerbHelp:
		m.help = !m.help
	case VerbQuit:
		return []Effect{Quit{}}
	}
	return nil
}

// join goes into a room, or shows it if we are there.
func (m *Model) join(name string) []Effect {
	if i := m.index(name); i >= 0 {
		m.show(i)
		return nil
	}
	m.joining[nameKey(name)] = true
	return []Effect{Join{Name: name}}
}

// index finds a joined room by name, the one that is shown if name is empty; -1 if
// there is none.
func (m *Model) index(name string) int {
	if name == "" {
		if len(m.rooms) == 0 {
			return -1
		}
		return m.active
	}
	for i, r := range m.rooms {
		if nameKey(r.info.Name) == nameKey(name) {
			return i
		}
	}
	return -1
}
