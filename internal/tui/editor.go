package tui

import (
	"strings"
	"unicode/utf8"
)

// Limits of the input line.
const (
	inputBytesMax = 64 << 10 // more than any packet takes
	sentLinesMax  = 200      // lines that can be called back
)

// editor is the input line. Its unit is the character as a person counts: a Hangul
// syllable, a letter with its marks, an emoji made of several. It keeps what was typed,
// for that is what is sent: a text may need its direction marks and its tabs. What Show
// returns is clean.
type editor struct {
	text   inputText
	left   int // first character shown
	sent   []string
	recall int    // index into sent; len(sent) is the line being written
	draft  string // the line being written, while another is recalled
	hidden bool   // what is typed is not shown, and not kept
}

// hide begins or ends a line whose characters are not shown. What there was is gone.
func (e *editor) hide(hidden bool) {
	e.hidden = hidden
	e.recall, e.draft = len(e.sent), ""
	e.set("")
}

// String returns the line.
func (e *editor) String() string { return e.text.slice(0, e.text.count()) }

// Empty reports whether there is nothing in the line.
func (e *editor) Empty() bool { return e.text.count() == 0 }

// Insert puts s before the cursor; what does not fit is left out.
func (e *editor) Insert(s string) {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	// Terminals send line breaks of a paste as Enter.
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if over := e.text.bytes + len(s) - inputBytesMax; over > 0 {
		s = s[:max(0, len(s)-over)]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	e.text.insert(s)
}

// set replaces the line and puts the cursor behind it.
func (e *editor) set(s string) {
	e.text.set(s)
	e.left = 0
}

// remove takes the characters from i to j out.
func (e *editor) remove(i, j int) {
	e.text.remove(i, j)
	e.left = min(e.left, i)
}

// blank reports whether a character stands between words.
func blank(c string) bool { return c == " " || c == "\t" }

// wordLeft is where the word before the cursor begins.
func (e *editor) wordLeft() int {
	i := e.text.cursor()
	for i > 0 && blank(e.text.char(i-1)) {
		i--
	}
	for i > 0 && !blank(e.text.char(i-1)) {
		i--
	}
	return i
}

// wordRight is where the word behind the cursor ends.
func (e *editor) wordRight() int {
	i := e.text.cursor()
	for i < e.text.count() && blank(e.text.char(i)) {
		i++
	}
	for i < e.text.count() && !blank(e.text.char(i)) {
		i++
	}
	return i
}

// Key does what the key of that name does to a line; false if it does nothing.
func (e *editor) Key(key string) bool {
	at := e.text.cursor()
	if e.hidden && (key == "up" || key == "down") {
		return true // lines of before are no passwords
	}
	switch key {
	case "left":
		e.text.moveTo(at - 1)
	case "right", "ctrl+f":
		e.text.moveTo(at + 1)
	case "ctrl+left", "alt+left", "alt+b":
		e.text.moveTo(e.wordLeft())
	case "ctrl+right", "alt+right", "alt+f":
		e.text.moveTo(e.wordRight())
	case "home", "ctrl+a":
		e.text.moveTo(0)
	case "end", "ctrl+e":
		e.text.moveTo(e.text.count())
	case "backspace", "ctrl+h", "shift+backspace":
		if at > 0 {
			e.remove(at-1, at)
		}
	case "delete", "ctrl+d":
		if at < e.text.count() {
			e.remove(at, at+1)
		}
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		e.remove(e.wordLeft(), at)
	case "alt+d", "ctrl+delete":
		e.remove(at, e.wordRight())
	case "ctrl+u":
		e.remove(0, at)
	case "ctrl+k":
		e.remove(at, e.text.count())
	case "up":
		e.browse(-1)
	case "down":
		e.browse(+1)
	case "alt+enter", "shift+enter":
		e.Insert("\n")
	default:
		return false
	}
	return true
}

// browse walks through the lines that were sent.
func (e *editor) browse(step int) {
	to := e.recall + step
	if to < 0 || to > len(e.sent) {
		return
	}
	if e.recall == len(e.sent) {
		e.draft = e.String()
	}
	if e.recall = to; to == len(e.sent) {
		e.set(e.draft)
	} else {
		e.set(e.sent[to])
	}
}

// Take returns the line and leaves an empty one; the line can be called back.
func (e *editor) Take() string {
	s := e.String()
	if s != "" && (len(e.sent) == 0 || e.sent[len(e.sent)-1] != s) {
		e.sent = append(e.sent, s)
		e.sent = e.sent[max(0, len(e.sent)-sentLinesMax):]
	}
	e.recall, e.draft = len(e.sent), ""
	e.set("")
	return s
}

// Show returns the part of the line to be seen in the given cells, and how many of them
// are before the cursor. It moves the part so that the cursor is in it or right behind.
func (e *editor) Show(cells int) (shown string, cursor int) {
	if e.hidden {
		n := min(e.text.count(), max(cells, 0))
		return strings.Repeat("*", n), n
	}
	at := e.text.cursor()
	first := at // the farthest to the left from where the cursor can be seen
	for used := 0; first > 0; first-- {
		if used += glyphCells(e.text.char(first - 1)); used > cells {
			break
		}
	}
	last := e.text.count() // from here the end can be seen; more to the right is a waste
	for used := 0; last > 0; last-- {
		if used += glyphCells(e.text.char(last - 1)); used > cells {
			break
		}
	}
	e.left = min(max(e.left, first), last, at)
	var b strings.Builder
	for i, used := e.left, 0; i < e.text.count(); i++ {
		if i == at {
			cursor = used
		}
		if used += glyphCells(e.text.char(i)); used > cells {
			return b.String(), cursor
		}
		b.WriteString(CleanLine(e.text.char(i)))
		if i+1 == at {
			cursor = used
		}
	}
	return b.String(), cursor
}

// glyphCells is the cells that one character of the line takes when it is shown.
func glyphCells(c string) int { return cellsOf(CleanLine(c)) }
