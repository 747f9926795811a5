package tui

import "strings"

// inputText is the characters of the input line, in two parts that meet at the cursor:
// to type there costs the same however long the line is, and a paste may come as
// thousands of keys.
type inputText struct {
	before []string
	behind []string // in reverse
	bytes  int
}

// count is the number of characters.
func (t *inputText) count() int { return len(t.before) + len(t.behind) }

// cursor is the number of characters before the cursor.
func (t *inputText) cursor() int { return len(t.before) }

// char returns character i.
func (t *inputText) char(i int) string {
	if i < len(t.before) {
		return t.before[i]
	}
	return t.behind[t.count()-1-i]
}

// slice returns the characters from i to j.
func (t *inputText) slice(i, j int) string {
	var b strings.Builder
	for ; i < j; i++ {
		b.WriteString(t.char(i))
	}
	return b.String()
}

// set replaces everything and puts the cursor at the end.
func (t *inputText) set(s string) { t.before, t.behind, t.bytes = split(s), nil, len(s) }

// moveTo puts the cursor before character i, or at the nearer end if there is none.
func (t *inputText) moveTo(i int) {
	i = min(max(i, 0), t.count())
	for n := len(t.before) - 1; n >= i; n-- {
		t.behind, t.before = append(t.behind, t.before[n]), t.before[:n]
	}
	for len(t.before) < i {
		n := len(t.behind) - 1
		t.before, t.behind = append(t.before, t.behind[n]), t.behind[:n]
	}
}

// remove takes the characters from i to j out and leaves the cursor there.
func (t *inputText) remove(i, j int) {
	t.moveTo(j)
	for _, c := range t.before[i:] {
		t.bytes -= len(c)
	}
	t.before = t.before[:i]
}

// insert puts s before the cursor. Characters are found anew with the one on either side,
// so a mark that is typed after its letter joins it.
func (t *inputText) insert(s string) {
	if s == "" {
		return
	}
	t.bytes += len(s)
	if n := len(t.before); n > 0 {
		s, t.before = t.before[n-1]+s, t.before[:n-1]
	}
	t.before = append(t.before, split(s)...)
	at := len(t.before)
	t.join()
	t.moveTo(at)
}

// join finds the characters behind the cursor anew, as far as what stands before it
// changes them: half a flag makes other flags of all that follow.
func (t *inputText) join() {
	for len(t.behind) > 0 {
		last, n := len(t.before)-1, len(t.behind)-1
		parts := split(t.before[last] + t.behind[n])
		if len(parts) == 2 && parts[0] == t.before[last] {
			return
		}
		t.before, t.behind = append(t.before[:last], parts...), t.behind[:n]
	}
}

func split(s string) (all []string) {
	for s != "" {
		var first string
		first, s, _ = cluster(s)
		all = append(all, first)
	}
	return all
}
