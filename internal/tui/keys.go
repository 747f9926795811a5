package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// wheelLines is how far one notch of the mouse wheel scrolls.
const wheelLines = 3

// Update takes one thing that happened and returns what is to be done about it.
func (m *Model) Update(what any) []Effect {
	effects := m.update(what)
	m.clampScroll()
	return effects
}

func (m *Model) update(what any) (effects []Effect) {
	switch e := what.(type) {
	case Batch:
		for _, one := range e {
			effects = append(effects, m.update(one)...)
		}
	case Tick:
		m.now = e.Now
		return append(m.refreshMembers(), m.marks()...)
	case tea.WindowSizeMsg:
		m.width, m.height = max(e.Width, 1), max(e.Height, 1)
	case tea.ModeReportMsg:
		if e.Mode == ansi.ModeUnicodeCore && (e.Value == ansi.ModeSet || e.Value == ansi.ModeReset || e.Value == ansi.ModePermanentlySet) {
			m.method = ansi.GraphemeWidth // the renderer asks the terminal for it, too
		}
	case tea.FocusMsg:
		m.blurred = false
		m.markRead()
	case tea.BlurMsg:
		m.blurred = true
		if r := m.room(); r.unread == 0 {
			r.mark = span{}
		}
	case tea.MouseWheelMsg:
		switch e.Button {
		case tea.MouseWheelUp:
			return m.scroll(wheelLines)
		case tea.MouseWheelDown:
			return m.scroll(-wheelLines)
		}
	case tea.PasteMsg:
		m.input.Insert(e.Content)
	case tea.KeyPressMsg:
		return m.key(e)
	default:
		effects, _ = m.network(what)
	}
	return effects
}

func (m *Model) key(k tea.KeyPressMsg) []Effect {
	name := k.Keystroke()
	if name != "ctrl+c" {
		m.leaving = false
	}
	m.hint = ""
	if effects, taken := m.choosing(name); taken {
		return effects
	}
	switch name {
	case "ctrl+c":
		return m.interrupt()
	case "enter", "kpenter", "ctrl+j": // a line feed: what the terminal made of Enter before the screen stood
		return m.enter()
	case "esc":
		m.escape()
	case "f1":
		m.help = !m.help
	case "f2", "ctrl+b":
		return m.togglePanel()
	case "ctrl+o":
		m.unfold()
	case "ctrl+z":
		if m.jobs {
			return []Effect{Suspend{}}
		}
		m.hint = "there is no shell to go back to"
	case "ctrl+n":
		m.step(+1)
	case "ctrl+p":
		m.step(-1)
	case "pgup":
		return m.scroll(max(1, m.talkHeight()-1))
	case "pgdown":
		return m.scroll(-max(1, m.talkHeight()-1))
	case "ctrl+home":
		return m.scroll(m.linesOf(m.room()))
	case "ctrl+end":
		return m.scroll(-m.linesOf(m.room()))
	case "tab":
		if m.asked == nil {
			m.complete()
		}
	case "ctrl+d":
		if m.input.Empty() {
			return m.interrupt()
		}
		m.input.Key(name)
	default:
		return m.typed(k, name)
	}
	return nil
}

// typed is a key that is no command of the screen.
func (m *Model) typed(k tea.KeyPressMsg, name string) []Effect {
	if digit, ok := strings.CutPrefix(name, "alt+"); ok && len(digit) == 1 && digit[0] >= '1' && digit[0] <= '9' {
		m.goTo(int(digit[0] - '0'))
		return nil
	}
	if m.input.Key(name) {
		return nil
	}
	if k.Text != "" {
		m.input.Insert(k.Text)
		return m.weType()
	}
	return nil
}

// interrupt ends the program, at the second time if something would be lost.
func (m *Model) interrupt() []Effect {
	if n := m.Unanswered(); n > 0 && !m.leaving {
		m.leaving = true
		m.hint = count(n, "message") + " not sent yet; once more to leave all the same"
		return nil
	}
	return []Effect{Quit{}}
}

func (m *Model) escape() {
	switch {
	case m.asked != nil:
		m.unask()
		m.hint = "nothing has changed"
	case m.help:
		m.help = false
	case m.panel:
		m.panel = false
	default:
		m.room().scroll = 0
		m.markRead()
	}
}

func (m *Model) togglePanel() []Effect {
	m.panel = !m.panel
	if m.panel && len(m.rooms) > 0 {
		return m.askMembers(m.room())
	}
	return nil
}

// step shows the next room, or the one before.
func (m *Model) step(by int) {
	if n := len(m.rooms); n > 0 {
		m.show((m.active + by + n) % n)
	}
}

// goTo shows the room with that number, counted from 1.
func (m *Model) goTo(number int) {
	if number > len(m.rooms) {
		m.hint = "there is no room " + itoa(number)
		return
	}
	m.show(number - 1)
}

// scroll moves the view of the room up by lines. Above the top older messages are
// asked for.
func (m *Model) scroll(lines int) []Effect {
	r := m.room()
	top := max(0, m.linesOf(r)-m.talkHeight())
	r.scroll = min(max(0, r.scroll+lines), top)
	m.markRead()
	if lines > 0 && r.scroll == top {
		return m.loadOlder()
	}
	return nil
}

// loadOlder asks for what was said before the oldest entry that is here.
func (m *Model) loadOlder() []Effect {
	r := m.room()
	switch {
	case len(m.rooms) == 0 || r.loading:
		return nil
	case !r.older:
		m.hint = "this is where the room begins"
		return nil
	case m.conn.state != connOnline:
		m.hint = "older messages come when the connection is back"
		return nil
	}
	r.loading = true
	return []Effect{History{Room: r.info.ID, Before: r.first, Items: historyItems}}
}

// clampScroll keeps the view inside of the room after a change of anything.
func (m *Model) clampScroll() {
	if r := m.room(); r.scroll > 0 {
		r.scroll = min(r.scroll, max(0, m.linesOf(r)-m.talkHeight()))
		m.markRead()
	}
}

// complete finishes the name that the cursor stands behind.
func (m *Model) complete() {
	start := m.input.wordLeft()
	word := m.input.text.slice(start, m.input.text.cursor())
	if word == "" {
		return
	}
	var found []string
	sign, word := "", word
	if strings.HasPrefix(word, "@") && len(word) > 1 { // a mention
		sign, word = "@", word[1:]
	}
	for _, name := range m.completions(m.input.text.slice(0, start)) {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(word)) {
			found = append(found, sign+name)
		}
	}
	switch len(found) {
	case 0:
	case 1:
		m.input.remove(start, m.input.text.cursor())
		end := " "
		if start == 0 && sign == "" && !strings.HasPrefix(found[0], "/") {
			end = ": "
		}
		m.input.Insert(found[0] + end)
	default:
		slices.Sort(found)
		m.hint = strings.Join(found, " ")
	}
}
