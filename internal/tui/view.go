package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Layout of the screen.
const (
	prompt         = "> "
	promptedMin    = 12 // cells; a narrower screen has no prompt
	panelCellsMax  = 26
	panelBesideMin = 56 // cells; on a narrower screen the panel takes the place of the room
	statusRowsMin  = 5  // rows; a lower screen has no line for hints
	topicCellsMax  = 30 // of a topic in the header
	tabsRowsMin    = 8  // and a lower one no line of rooms
)

// View draws the state.
func (m *Model) View() tea.View {
	rows := []string{m.header()}
	if m.tabsShown() {
		rows = append(rows, m.tabs())
	}
	rows = append(rows, m.middle(m.talkHeight())...)
	if m.statusShown() {
		rows = append(rows, m.status())
	}
	sign := prompt
	if m.width < promptedMin {
		sign = ""
	}
	line, cursor := m.input.Show(m.width - len(sign) - 1) // the last cell is the cursor's
	rows = append(rows, sign+line)
	rows = rows[max(0, len(rows)-m.height):]

	v := tea.NewView(strings.Join(rows, "\n"))
	v.Cursor = tea.NewCursor(min(len(sign)+cursor, m.width-1), len(rows)-1)
	v.Cursor.Shape = tea.CursorBar
	v.AltScreen, v.ReportFocus, v.MouseMode = true, true, tea.MouseModeCellMotion
	v.WindowTitle = m.title()
	return v
}

func (m *Model) title() string {
	unread := 0
	for _, r := range m.rooms {
		if !r.muted {
			unread += r.unread
		}
	}
	if unread > 0 {
		return fmt.Sprintf("(%d) %s · sarang", unread, m.room().name)
	}
	return m.room().name + " · sarang"
}

func (m *Model) statusShown() bool { return m.height >= statusRowsMin }
func (m *Model) tabsShown() bool   { return len(m.rooms) > 1 && m.height >= tabsRowsMin }

// talkHeight is the number of rows between the lines at the top and at the bottom.
func (m *Model) talkHeight() int {
	rows := m.height - 2 // header, input
	if m.statusShown() {
		rows--
	}
	if m.tabsShown() {
		rows--
	}
	return max(1, rows)
}

// header says where one is, and whether the server is there.
func (m *Model) header() string {
	r := m.room()
	left := " " + r.name
	if len(m.rooms) > 0 {
		left += " · " + count(r.membersCount, "member")
		if r.info.Ephemeral {
			left += " · ephemeral"
		}
		if r.info.Topic != "" {
			left += " · " + cut(CleanLine(r.info.Topic), topicCellsMax)
		}
	}
	state := "● online"
	switch m.conn.state {
	case connTrying:
		state = "○ connecting…"
	case connLost, connOver:
		state = "○ offline"
	}
	right := state + " "
	if full := m.name + "@" + m.server + " " + right; cellsOf(left)+cellsOf(full)+2 <= m.width {
		right = full
	}
	room := max(1, m.width-cellsOf(right))
	return m.theme.bar.Render(pad(left, room) + cut(right, m.width-1))
}

// tabs lists the rooms with what is unread in them. If they do not all fit, those
// around the one that is shown are.
func (m *Model) tabs() string {
	type tab struct {
		text  string
		cells int
	}
	all := make([]tab, len(m.rooms))
	for i, r := range m.rooms {
		text := fmt.Sprintf("%d %s", i+1, cut(r.name, 20))
		if r.unread > 0 && !r.muted && i != m.active {
			text += fmt.Sprintf(" (%d)", r.unread)
		}
		all[i] = tab{text, cellsOf(text) + 3}
	}
	from, to, used := m.active, m.active+1, all[m.active].cells
	for grown := true; grown; {
		grown = false
		if to < len(all) && used+all[to].cells < m.width {
			used, to, grown = used+all[to].cells, to+1, true
		}
		if from > 0 && used+all[from-1].cells < m.width {
			from, used, grown = from-1, used+all[from-1].cells, true
		}
	}
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(" ")
		text := cut(all[i].text, m.width-2)
		switch {
		case i == m.active:
			b.WriteString(m.theme.active.Render(text))
		case m.rooms[i].unread > 0 && !m.rooms[i].muted:
			b.WriteString(m.theme.strong.Render(text))
		default:
			b.WriteString(m.theme.dim.Render(text))
		}
		b.WriteString("  ")
	}
	return ansi.Truncate(b.String(), m.width, "")
}

// panelWidth is what the list of members takes of the room's width: 0 if it is not
// shown beside it.
func (m *Model) panelWidth() int {
	if !m.panel || m.width < panelBesideMin {
		return 0
	}
	return min(panelCellsMax, m.width/3)
}

// middle is the room, with the list of members beside it, or what stands in its place.
func (m *Model) middle(height int) []string {
	if m.help {
		return fill(m.helpLines(height), height)
	}
	if m.found != nil {
		return fill(m.foundLines(height), height)
	}
	side := m.panelWidth()
	if m.panel && side == 0 {
		return fill(m.memberLines(m.width, height), height)
	}
	lines := m.talk(m.room(), height)
	if side == 0 {
		return lines
	}
	members := fill(m.memberLines(side-2, height), height)
	for i, l := range lines {
		gap := max(0, m.talkWidth()-m.method.StringWidth(l))
		lines[i] = l + strings.Repeat(" ", gap) + m.theme.dim.Render("│") + " " + members[i]
	}
	return lines
}

// fill makes lines exactly as many as height.
func fill(lines []string, height int) []string {
	if len(lines) > height {
		return lines[:height]
	}
	return append(lines, make([]string, height-len(lines))...)
}

func (m *Model) memberLines(width, height int) []string {
	r := m.room()
	lines := []string{m.theme.strong.Render(cut(count(r.membersCount, "member"), width))}
	names := r.names()
	for i, n := range names {
		if len(lines) == height-1 && i < len(names)-1 {
			break
		}
		lines = append(lines, m.theme.name(n).Render(cut(n, width)))
	}
	if more := r.membersCount - (len(lines) - 1); more > 0 {
		lines = append(lines, m.theme.dim.Render(cut(fmt.Sprintf("and %d more", more), width)))
	}
	return lines
}

// helpLines says what can be done here. On a low screen the blank lines go first.
func (m *Model) helpLines(height int) []string {
	usage := min(27, m.width/2)
	lines := []string{m.theme.strong.Render(cut("Enter says what you typed. Commands:", m.width)), ""}
	commands := func(seldom bool) {
		for _, v := range verbs() {
			if (v.verb.aboutOthers() || v.verb.aboutAccount() || v.verb.aboutPeople() || v.verb.aboutMessages() || v.verb.aboutRoom() || v.verb.aboutReports() || v.verb.aboutLinks() || v.verb == VerbSearch) == seldom {
				lines = append(lines, cut("  "+pad(v.usage, usage)+" "+v.what, m.width))
			}
		}
	}
	commands(false)
	lines = append(lines, "")
	for _, k := range [][2]string{
		{"PgUp, PgDn, mouse wheel", "scroll; Esc: to the end"},
		{"↑, ↓", "lines that you sent"},
		{"Tab", "complete a name"},
		{"Alt-Enter", "a line break"},
		{"Ctrl-O", "show long messages whole"},
		{"//text", "say /text"},
	} {
		lines = append(lines, cut("  "+pad(k[0], usage)+" "+k[1], m.width))
	}
	commands(true)
	if len(lines) > height {
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	}
	return lines
}

// status is the line above the input: what is wrong, else what is asked or new.
func (m *Model) status() string {
	r := m.room()
	switch {
	case m.asked != nil:
		return m.theme.strong.Render(cut(" "+CleanLine(m.asked.text)+" (it is not shown; Esc: not now)", m.width))
	case m.hint != "":
		return m.theme.strong.Render(cut(" "+CleanLine(m.hint), m.width))
	case m.conn.state != connOnline:
		return m.theme.banner.Render(pad(" "+m.lost(), m.width))
	case r.unread > 0 && r.scroll > 0:
		return m.theme.marker.Render(cut(fmt.Sprintf(" ↓ %s below (Esc)", count(r.unread, "new message")), m.width))
	case r.loading:
		return m.theme.dim.Render(cut(" loading older messages…", m.width))
	case m.typists(r) != "":
		return m.theme.dim.Render(cut(" "+m.typists(r), m.width))
	case r.scroll > 0:
		return m.theme.dim.Render(cut(" ↓ the end is further below (Esc)", m.width))
	}
	return m.theme.dim.Render(cut(" F1 help · PgUp older · Ctrl-B members · Ctrl-C end", m.width))
}

// lost says why there is no connection, and what becomes of it.
func (m *Model) lost() string {
	if m.conn.state == connOver {
		return "the connection has ended: " + m.conn.why
	}
	text := "connecting to " + m.server + " …"
	if m.conn.state == connLost {
		text = "connection lost"
		if m.conn.why != "" {
			text += ": " + m.conn.why
		}
		if wait := m.conn.retryAt.Sub(m.now); wait > 0 {
			text = fmt.Sprintf("next try in %d s · %s", int((wait+time.Second-1)/time.Second), text)
		} else {
			text = "trying again · " + text
		}
	}
	if n := m.Unanswered(); n > 0 {
		text = fmt.Sprintf("%d waiting · %s", n, text)
	}
	return text
}
