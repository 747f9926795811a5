package tui

import (
	"slices"
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
	text   []string // characters
	at     int      // the cursor is before text[at]
	bytes  int
	left   int // first character shown
	sent   []string
	recall int    // index into sent; len(sent) is the line being written
	draft  string // the line being written, while another is recalled
}

// String returns the line.
func (e *editor) String() string { return strings.Join(e.text, "") }

// Empty reports whether there is nothing in the line.
func (e *editor) Empty() bool { return len(e.text) == 0 }

// Insert puts s before the cursor; what does not fit is left out. Characters are found
// anew with what stands before, so a mark that is typed after its letter joins it.
func (e *editor) Insert(s string) {
	s = lineBreaks().Replace(strings.ToValidUTF8(s, string(utf8.RuneError)))
	if over := e.bytes + len(s) - inputBytesMax; over > 0 {
		s = s[:max(0, len(s)-over)]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	before, after := strings.Join(e.text[:e.at], "")+s, strings.Join(e.text[e.at:], "")
	e.text = split(before + after)
	e.bytes = len(before) + len(after)
	e.at = 0
	for n := 0; n < len(before); e.at++ {
		n += len(e.text[e.at])
	}
}

// lineBreaks makes "\n" of what terminals send for the line breaks of a paste.
func lineBreaks() *strings.Replacer { return strings.NewReplacer("\r\n", "\n", "\r", "\n") }

func split(s string) (all []string) {
	for s != "" {
		var first string
		first, s, _ = cluster(s)
		all = append(all, first)
	}
	return all
}

// set replaces the line and puts the cursor behind it.
func (e *editor) set(s string) {
	e.text, e.bytes = split(s), len(s)
	e.at, e.left = len(e.text), 0
}

// remove takes the characters from i to j out.
func (e *editor) remove(i, j int) {
	e.text = slices.Delete(e.text, i, j)
	e.moved(i)
}

// moved keeps the books after the text has changed.
func (e *editor) moved(at int) {
	e.at, e.bytes = at, len(e.String())
	e.left = min(e.left, at)
}

// blank reports whether a character stands between words.
func blank(c string) bool { return c == " " || c == "\t" }

// wordLeft is where the word before the cursor begins.
func (e *editor) wordLeft() int {
	i := e.at
	for i > 0 && blank(e.text[i-1]) {
		i--
	}
	for i > 0 && !blank(e.text[i-1]) {
		i--
	}
	return i
}

// wordRight is where the word behind the cursor ends.
func (e *editor) wordRight() int {
	i := e.at
	for i < len(e.text) && blank(e.text[i]) {
		i++
	}
	for i < len(e.text) && !blank(e.text[i]) {
		i++
	}
	return i
}

// Key does what the key of that name does to a line; false if it does nothing.
func (e *editor) Key(key string) bool {
	switch key {
	case "left":
		e.at = max(0, e.at-1)
	case "right", "ctrl+f":
		e.at = min(len(e.text), e.at+1)
	case "ctrl+left", "alt+left", "alt+b":
		e.at = e.wordLeft()
	case "ctrl+right", "alt+right", "alt+f":
		e.at = e.wordRight()
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "backspace", "ctrl+h", "shift+backspace":
		if e.at > 0 {
			e.remove(e.at-1, e.at)
		}
	case "delete", "ctrl+d":
		if e.at < len(e.text) {
			e.remove(e.at, e.at+1)
		}
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		e.remove(e.wordLeft(), e.at)
	case "alt+d", "ctrl+delete":
		e.remove(e.at, e.wordRight())
	case "ctrl+u":
		e.remove(0, e.at)
	case "ctrl+k":
		e.remove(e.at, len(e.text))
	case "up":
		e.browse(-1)
	case "down":
		e.browse(+1)
	case "alt+enter", "shift+enter", "ctrl+j":
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
	first := e.at // the farthest to the left from where the cursor can be seen
	for used := 0; first > 0; first-- {
		if used += glyphCells(e.text[first-1]); used > cells {
			break
		}
	}
	last := len(e.text) // from here the end can be seen; more to the right is a waste
	for used := 0; last > 0; last-- {
		if used += glyphCells(e.text[last-1]); used > cells {
			break
		}
	}
	e.left = min(max(e.left, first), last, e.at)
	var b strings.Builder
	for i, used := e.left, 0; i < len(e.text); i++ {
		if i == e.at {
			cursor = used
		}
		if used += glyphCells(e.text[i]); used > cells {
			return b.String(), cursor
		}
		b.WriteString(CleanLine(e.text[i]))
		if i+1 == e.at {
			cursor = used
		}
	}
	return b.String(), cursor
}

// glyphCells is the cells that one character of the line takes when it is shown.
func glyphCells(c string) int { return cellsOf(CleanLine(c)) }
