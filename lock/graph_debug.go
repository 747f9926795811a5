//go:build sarang_debug

package lock

// lockEdgesMax bounds the edges between single locks that a graph remembers; the
// oldest are forgotten. Edges between classes are as few as the program's habits.
const lockEdgesMax = 1 << 16

// step is an edge's ends.
type step struct{ from, to uint64 }

// link is an edge of the graph, with what a report tells about it.
type link struct {
	step
	fromName, toName   string
	fromStack, toStack stack
}

func (l *link) edge() Edge {
	return Edge{From: l.fromName, To: l.toName, FromStack: l.fromStack.String(), ToStack: l.toStack.String()}
}

// graph has an edge for each order in which two locks were seen to be taken. It
// never has a cycle: an edge that would close one is reported instead, once.
type graph struct {
	out      map[uint64][]*link
	known    map[step]struct{} // edges in the graph, and edges that were refused
	lockEdge []step            // a ring of the edges between single locks
	oldest   int               // its oldest element, once it is full
}

func newGraph() *graph {
	return &graph{out: make(map[uint64][]*link), known: make(map[step]struct{})}
}

// add puts l in, or returns the path from l's end back to its start if there is
// one. The edge must not be known.
func (g *graph) add(l *link, single bool) (back []*link) {
	g.known[l.step] = struct{}{}
	if single {
		g.makeRoom(l.step)
	}
	if back = g.path(l.to, l.from, make(map[uint64]bool)); back == nil {
		g.out[l.from] = append(g.out[l.from], l)
	}
	return back
}

// makeRoom remembers s as the youngest edge between single locks and forgets the
// oldest if there are too many.
func (g *graph) makeRoom(s step) {
	if len(g.lockEdge) < lockEdgesMax {
		g.lockEdge = append(g.lockEdge, s)
		return
	}
	old := g.lockEdge[g.oldest]
	g.lockEdge[g.oldest] = s
	g.oldest = (g.oldest + 1) % lockEdgesMax
	delete(g.known, old)
	links := g.out[old.from]
	for i, l := range links {
		if l.step == old {
			links = append(links[:i], links[i+1:]...)
			break
		}
	}
	if len(links) == 0 {
		delete(g.out, old.from)
	} else {
		g.out[old.from] = links
	}
}

// path searches depth first for a way between two nodes; nil if there is none.
func (g *graph) path(from, to uint64, seen map[uint64]bool) []*link {
	seen[from] = true
	for _, l := range g.out[from] {
		if l.to == to {
			return []*link{l}
		}
		if seen[l.to] {
			continue
		}
		if rest := g.path(l.to, to, seen); rest != nil {
			return append([]*link{l}, rest...)
		}
	}
	return nil
}
