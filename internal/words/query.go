package words

import (
	"slices"
	"strings"
	"unicode"

	"sarang/chat"
)

// Bounds of what is looked for.
const (
	QueryBytesMax = 256 // of UTF-8
	QueryTermsMax = 16  // words, phrases and prefixes
	RangesMax     = 16  // of one text; the others are not told
)

// Query is what is looked for: a text is found that has all of its parts.
type Query struct{ parts []part }

// part is a word, a phrase, or something that is written together.
type part struct {
	units  []unit
	prefix bool // the last unit may go on
}

// Range is a part of a text, in bytes of its UTF-8: from From up to, and without, To.
type Range struct{ From, To int }

// Term is a term of an index, or all those that begin so.
type Term struct {
	Text   string
	Prefix bool
}

// Parse reads what somebody looks for. Words are separated by spaces; what stands in quotes (",
// and those of other languages) is to be found as it stands; a word that ends in * is the beginning of one. A
// query without words is empty, and finds everything. Errors are *chat.Error: CodeBadRequest for
// one that is too long, or has too many parts.
func Parse(s string) (Query, error) {
	if len(s) > QueryBytesMax {
		return Query{}, chat.Errorf(chat.CodeBadRequest, "what you look for has %d bytes; allowed are %d", len(s), QueryBytesMax)
	}
	var q Query
	for s != "" {
		var piece string
		piece, s = next(s)
		p := part{prefix: strings.HasSuffix(piece, "*")}
		units(piece, func(u unit) bool {
			p.units = append(p.units, u)
			return true
		})
		if len(p.units) == 0 {
			continue
		}
		p.prefix = p.prefix && !p.units[len(p.units)-1].alone
		if len(q.parts) == QueryTermsMax {
			return Query{}, chat.Errorf(chat.CodeBadRequest, "you look for more than %d words and phrases at once", QueryTermsMax)
		}
		q.parts = append(q.parts, p)
	}
	return q, nil
}

// next cuts the first piece off a query: what stands in quotes, or up to a space or quote.
func next(s string) (piece, rest string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	i := strings.IndexFunc(s, quote)
	if i == 0 {
		_, behind := cutRune(s)
		if end := strings.IndexFunc(behind, quote); end >= 0 {
			_, rest = cutRune(behind[end:])
			if strings.HasPrefix(rest, "*") {
				return behind[:end] + "*", rest[1:]
			}
			return behind[:end], rest
		}
		return behind, ""
	}
	if space := strings.IndexFunc(s, unicode.IsSpace); space >= 0 && (i < 0 || space < i) {
		i = space
	}
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

func cutRune(s string) (rune, string) {
	for i, r := range s {
		if i > 0 {
			return 0, s[i:]
		}
		_ = r
	}
	return 0, ""
}

func quote(r rune) bool { return strings.ContainsRune("\"“”„«»「」『』＂", r) }

// Empty reports whether nothing is looked for.
func (q *Query) Empty() bool { return len(q.parts) == 0 }

// Terms are those that a text that is found has in an index, each once. It may have them and not
// be found.
func (q *Query) Terms() []Term {
	var all []Term
	add := func(s string, prefix bool) {
		if t := (Term{s, prefix}); !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	for _, p := range q.parts {
		for i, u := range p.units {
			glues := i+1 < len(p.units) && p.units[i+1].glued // and so is not the last
			switch {
			case !u.alone:
				add(cut(u.text), p.prefix && i+1 == len(p.units) && len(u.text) <= TermBytesMax)
			case glues:
				add(u.text+p.units[i+1].text, false)
			case !u.glued:
				add(u.text, true) // the first of a pair, or the last of a run
			}
		}
	}
	return all
}

// Find reports whether a text is found, and where: in order, without overlaps, at most
// RangesMax. A query that is empty finds all texts, and nothing in them.
func (q *Query) Find(text string) (where []Range, found bool) {
	var all []unit
	units(text, func(u unit) bool {
		all = append(all, u)
		return true
	})
	for i := range q.parts {
		p, any := &q.parts[i], false
		for at := 0; at+len(p.units) <= len(all); at++ {
			if !p.at(all[at:]) {
				continue
			}
			any = true
			where = append(where, Range{all[at].from, all[at+len(p.units)-1].to})
		}
		if !any {
			return nil, false
		}
	}
	return merge(where), true
}

// at reports whether the part stands at the beginning of units, which are as many.
func (p *part) at(units []unit) bool {
	for i := range p.units {
		want, u := &p.units[i], &units[i]
		switch {
		case i > 0 && want.glued && !u.glued:
			return false
		case p.prefix && i+1 == len(p.units):
			return !u.alone && strings.HasPrefix(u.text, want.text)
		case want.text != u.text || want.alone != u.alone:
			return false
		}
	}
	return true
}

// merge puts ranges in order, and those that touch into one.
func merge(all []Range) []Range {
	slices.SortFunc(all, func(a, b Range) int { return a.From - b.From })
	merged := all[:0]
	for _, r := range all {
		if n := len(merged); n > 0 && r.From <= merged[n-1].To {
			merged[n-1].To = max(merged[n-1].To, r.To)
			continue
		}
		merged = append(merged, r)
	}
	return merged[:min(len(merged), RangesMax)]
}
