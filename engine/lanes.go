package engine

import "time"

// lanes are the sessions that wait for a turn. Lanes have their turns in a circle, and so
// have the sessions of one: who comes with many sessions waits behind himself. What is a
// lane Config.LaneOf says.
type lanes struct {
	byKey map[uint64]*lane
	order []*lane // in which they are served; the first has waited longest
	count int     // sessions
}

type lane struct {
	key      uint64
	since    time.Duration // it waits for its turn: since it came, or was served
	sessions []SessionID
}

// push adds a session.
func (l *lanes) push(key uint64, id SessionID, now time.Duration) {
	x := l.byKey[key]
	if x == nil {
		if l.byKey == nil {
			l.byKey = map[uint64]*lane{}
		}
		x = &lane{key: key, since: now}
		l.byKey[key] = x
		l.order = append(l.order, x)
	}
	x.sessions = append(x.sessions, id)
	l.count++
}

// pop takes the session whose turn it is; there must be one.
func (l *lanes) pop(now time.Duration) SessionID {
	x := l.order[0]
	id := x.sessions[0]
	x.sessions = x.sessions[1:]
	x.since = now
	l.order[0] = nil
	l.order = l.order[1:]
	l.count--
	switch {
	case len(x.sessions) > 0:
		l.order = append(l.order, x)
	default:
		delete(l.byKey, x.key)
		if l.count == 0 {
			*l = lanes{} // a map keeps the room of what was in it
		}
	}
	return id
}

// since is since when the lane waits whose turn is next: so long about has a session to wait
// that comes now and is alone in its lane. False: nobody waits.
func (l *lanes) since() (time.Duration, bool) {
	if l.count == 0 {
		return 0, false
	}
	return l.order[0].since, true
}
