package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Layout of a line of talk: a sign for our own messages, the time, then name and text.
const (
	ownSign       = "›"
	timeCells     = 6  // "12:34 "
	nameCellsMax  = 24 // longer ones are cut
	firstCellsMin = 8  // less place than that beside a name is not begun with
	timedCellsMin = 32 // a narrower room is shown without times
	foldAbove     = 50 // lines; of a longer entry the first ones are shown
	foldTo        = 40 // so many of them
)

// talkWidth is the width of the room's lines.
func (m *Model) talkWidth() int {
	if w := m.panelWidth(); w > 0 {
		return max(1, m.width-w)
	}
	return m.width
}

// linesOf counts the lines of a room.
func (m *Model) linesOf(r *room) (n int) {
	fresh := r.firstNew()
	for i := range len(r.entries) + len(r.pending) {
		n += len(m.block(r, i, fresh))
	}
	return n
}

// talk returns the lines of the room that fit into height, above those that are
// scrolled away.
func (m *Model) talk(r *room, height int) []string {
	lines, _ := m.talkOf(r, height)
	return lines
}

// talkOf returns the entries that they are of, too, from the last one.
func (m *Model) talkOf(r *room, height int) (lines []string, shown []*entry) {
	var (
		below = r.scroll
		need  = height
		fresh = r.firstNew()
		found [][]string // from the end
	)
	for i := len(r.entries) + len(r.pending) - 1; i >= 0 && need > 0; i-- {
		block := m.block(r, i, fresh)
		if below >= len(block) {
			below -= len(block)
			continue
		}
		block = block[:len(block)-below]
		below = 0
		block = block[max(0, len(block)-need):]
		need -= len(block)
		found, shown = append(found, block), append(shown, r.at(i))
	}
	lines = make([]string, need, height)
	for i := len(found) - 1; i >= 0; i-- {
		lines = append(lines, found[i]...)
	}
	return lines, shown
}

// fold leaves out what is too much of an entry.
func (m *Model) fold(e *entry, lines []string, width int) []string {
	e.long = len(lines) > foldAbove
	if !e.long || e.open {
		return lines
	}
	more := cut(fmt.Sprintf("… %d more lines (Ctrl-O)", len(lines)-foldTo), width)
	return append(slices.Clone(lines[:foldTo]), m.theme.dim.Render(more))
}

// unfold shows the long entries that are on the screen whole, or folds them if all are. What
// stands at the top of the screen stays there.
func (m *Model) unfold() {
	r := m.room()
	_, shown := m.talkOf(r, m.talkHeight())
	shown = slices.DeleteFunc(shown, func(e *entry) bool { return !e.long })
	if len(shown) == 0 {
		m.hint = "there is no long message on the screen"
		return
	}
	open := slices.ContainsFunc(shown, func(e *entry) bool { return !e.open })
	before := m.linesOf(r)
	for _, e := range shown {
		e.open, e.linesWidth = open, 0
	}
	r.scroll = max(0, r.scroll+m.linesOf(r)-before)
	m.markRead()
}

// at returns entry i of a room: of its log, then of what waits.
func (r *room) at(i int) *entry {
	if i < len(r.entries) {
		return r.entries[i]
	}
	return r.pending[i-len(r.entries)]
}

// block returns the lines of entry i, with what stands between it and the one before.
func (m *Model) block(r *room, i, fresh int) []string {
	e := r.at(i)
	lines := m.lines(e)
	newDay := i == 0 || !sameDay(r.at(i-1).at.In(m.zone), e.at.In(m.zone))
	if !newDay && i != fresh {
		return lines
	}
	var all []string
	if newDay {
		all = append(all, m.theme.dim.Render(m.rule(e.at.In(m.zone).Format("Monday, 2 January 2006"))))
	}
	if i == fresh {
		all = append(all, m.theme.marker.Render(m.rule("new messages")))
	}
	return append(all, lines...)
}

func sameDay(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }

// rule is a line across the room with a text in its middle.
func (m *Model) rule(text string) string {
	width := m.talkWidth()
	text = cut(" "+text+" ", width)
	dashes := max(0, width-cellsOf(text))
	return strings.Repeat("─", dashes/2) + text + strings.Repeat("─", dashes-dashes/2)
}

// lines returns an entry as it is shown. It is made once per width.
func (m *Model) lines(e *entry) []string {
	if width := m.talkWidth(); e.linesWidth != width {
		e.lines, e.linesWidth = m.render(e, width), width
	}
	return e.lines
}

func (m *Model) render(e *entry, width int) []string {
	gutter, stamp := " ", ""
	if e.own && e.kind == entryMessage {
		gutter = ownSign
	}
	if width >= timedCellsMin {
		stamp = e.at.In(m.zone).Format("15:04 ")
	}
	indent := 1 + len(stamp)
	name := cut(e.name, min(nameCellsMax, max(4, width/3)))
	switch e.kind {
	case entryJoin:
		return m.note(e, gutter+stamp, "→ "+name+" joined", indent, width, m.theme.dim.Render)
	case entryLeave:
		return m.note(e, gutter+stamp, "← "+name+" left", indent, width, m.theme.dim.Render)
	case entryNotice:
		return m.note(e, gutter+stamp, "· "+e.text, indent, width, m.theme.dim.Render)
	case entryError:
		return m.note(e, gutter+stamp, "! "+e.text, indent, width, m.theme.failed.Render)
	}
	return m.message(e, gutter, stamp, name, width)
}

// note is an entry in one style.
func (m *Model) note(e *entry, prefix, text string, indent, width int, style func(...string) string) []string {
	lines := m.fold(e, wrap(text, width-indent, width-indent), width-indent)
	for i, l := range lines {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		lines[i] = style(prefix + l)
	}
	return lines
}

// message is what somebody said. The text of others never begins in the column of the
// times, so it can not pose as a line of its own.
func (m *Model) message(e *entry, gutter, stamp, name string, width int) []string {
	indent := 1 + len(stamp)
	text := e.text
	if e.state == sendWaiting {
		text += " …"
	}
	label := name + ": "
	first := width - indent - cellsOf(label)
	var lines []string
	if first < firstCellsMin {
		lines = append([]string{""}, wrap(text, width-indent, width-indent)...)
	} else {
		lines = wrap(text, first, width-indent)
	}
	lines = m.fold(e, lines, width-indent)
	nameStyle := m.theme.name(e.name)
	if e.own {
		nameStyle = nameStyle.Bold(true)
	}
	for i, l := range lines {
		switch {
		case i > 0 && e.state == sendWaiting:
			lines[i] = m.theme.dim.Render(strings.Repeat(" ", indent) + l)
		case i > 0:
			lines[i] = strings.Repeat(" ", indent) + l
		case e.state == sendWaiting:
			lines[i] = m.theme.dim.Render(gutter + stamp + label + l)
		default:
			lines[i] = gutter + m.theme.dim.Render(stamp) + nameStyle.Render(name) + ": " + l
		}
	}
	if e.state == sendFailed {
		lines = append(lines, m.note(&entry{}, strings.Repeat(" ", indent), "✗ not sent: "+e.why, indent, width, m.theme.failed.Render)...)
	}
	return lines
}
