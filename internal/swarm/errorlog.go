package swarm

// ErrorKind is what went wrong in one way.
type ErrorKind struct {
	Count uint64   `json:"count"`
	First []string `json:"first"` // the first few, in words
}

// errorLog counts what went wrong, by kind. It belongs to one goroutine.
type errorLog map[string]*ErrorKind

// Bounds of an errorLog.
const (
	errorsFirstMax = 3  // of a kind are kept in words
	errorKindsMax  = 64 // kinds; some have a code in them that the server makes up
)

// errorsOther is the kind of what is of too many kinds.
const errorsOther = "other"

func (l errorLog) add(kind, what string) *ErrorKind {
	k := l[kind]
	if k == nil && len(l) >= errorKindsMax {
		kind = errorsOther
		k = l[kind]
	}
	if k == nil {
		k = &ErrorKind{}
		l[kind] = k
	}
	k.Count++
	if len(k.First) < errorsFirstMax {
		k.First = append(k.First, what)
	}
	return k
}

func (l errorLog) merge(o errorLog) {
	for kind, k := range o {
		var mine *ErrorKind
		for _, what := range k.First {
			mine = l.add(kind, what)
		}
		mine.Count += k.Count - uint64(len(k.First))
	}
}

func (l errorLog) total() (n uint64) {
	for _, k := range l {
		n += k.Count
	}
	return n
}
