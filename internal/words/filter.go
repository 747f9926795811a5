package words

import "sarang/chat"

// Filter finds words and phrases in texts, whatever their case and accents. A phrase is found where
// its words follow each other, whatever stands between them that is neither letter nor digit; a word
// is found as a whole, but one of a script that is written without spaces also within others. The zero
// Filter finds nothing. It is not changed any more and may be used from any goroutine.
type Filter struct{ first *step }

// step is a place in phrases that begin alike.
type step struct {
	next map[string]*step // by the unit that follows; never nil
	ends bool             // a phrase ends here
}

// NewFilter makes one of phrases. Those without a letter or digit are left out.
func NewFilter(phrases []string) *Filter {
	f := &Filter{}
	for _, phrase := range phrases {
		at := f.first
		if at == nil {
			at = &step{next: map[string]*step{}}
		}
		first, n := at, 0
		units(phrase, func(u unit) bool {
			to := at.next[u.text]
			if to == nil {
				to = &step{next: map[string]*step{}}
				at.next[u.text] = to
			}
			at, n = to, n+1
			return true
		})
		if n > 0 {
			at.ends, f.first = true, first
		}
	}
	return f
}

// HasWords reports whether a text has anything in it that a filter can find.
func HasWords(text string) (has bool) {
	units(text, func(unit) bool { has = true; return false })
	return has
}

// Finds reports whether one of the phrases is in a text. It costs a walk through the text, and for
// each of its words at most as many steps as the longest phrase has words; what a mention shows is
// looked at as if it were written there.
func (f *Filter) Finds(text string) bool {
	if f.first == nil {
		return false
	}
	var open []*step // phrases that have begun and go on
	found := false
	units(withNames(text), func(u unit) bool {
		kept := open[:0]
		for _, at := range append(open, f.first) {
			if to := at.next[u.text]; to != nil {
				found = found || to.ends
				kept = append(kept, to)
			}
		}
		open = kept
		return !found
	})
	return found
}

// withNames is a text with names where it has mentions.
func withNames(text string) string {
	plain, end := "", 0
	for m := range chat.Mentions(text) {
		plain += text[end:m.Start] + m.Name
		end = m.End
	}
	return plain + text[end:]
}
