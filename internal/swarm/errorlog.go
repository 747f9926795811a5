package swarm

// ErrorKind is what went wrong in one way.
type ErrorKind struct {
	Count uint64   `json:"count"`
	First []string `json:"first"` // the first few, in words
}

// errorLog counts what went wrong, by kind. It belongs to one goroutine.
type errorLog map[string]*ErrorKind

// errorsFirstMax is how many of a kind are kept in words.
const errorsFirstMax = 3

func (l errorLog) add(kind, what string) {
	k := l[kind]
	if k == nil {
		k = &ErrorKind{}
		l[kind] = k
	}
	k.Count++
	if len(k.First) < errorsFirstMax {
		k.First = append(k.First, what)
	}
}

func (l errorLog) merge(o errorLog) {
	for kind, k := range o {
		for _, what := range k.First {
			l.add(kind, what)
		}
		l[kind].Count += k.Count - uint64(len(k.First))
	}
}

func (l errorLog) total() (n uint64) {
	for _, k := range l {
		n += k.Count
	}
	return n
}
