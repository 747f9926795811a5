package sqlstore

import "slices"

// Reads are the statements that read, with parameters that can be asked with.
func Reads(d Dialect) map[string][]any {
	s := compile(&d)
	one := int64(1)
	x := &s.index
	pairs := func(n int, of ...any) (all []any) {
		for range n {
			all = append(all, of...)
		}
		return all
	}
	likes, rooms := pairs(searchTermsMax, "%"), pairs(searchRoomsMax, one)
	with := func(all ...[]any) []any { return slices.Concat(all...) }
	return map[string][]any{
		s.after: {one, one, one, one}, s.between: {one, one, one, one, one}, s.before: {one, one, one, one},
		s.room: {one}, s.roomByKey: {"r1"}, s.rooms: {one, one}, s.allRooms: {one, one},
		s.privateRooms: {one, one, one, one, one}, s.userByKey: {"u1"}, s.role: {one, one}, s.nonces: {one, one, one, one},
		s.user: {one}, s.usersAfter: {one, one}, s.sent: {one}, s.holder: {"u1"}, s.looks: {"u1", "u2", one},
		s.roomKey: {"r1"}, s.countCreated: {one, one}, s.lockHead: {one}, s.selectAuthor: {one, one}, s.selectWriter: {one},
		s.link.mentions: {one, one, one, one, one}, s.follow.threads: {one, one, one, one}, s.follow.unread: {one, one, one, one}, s.follow.one: {one, one, one}, s.link.pins: {one, one, one},
		s.link.replies: {one, one, one, one}, s.link.repliesBefore: {one, one, one, one},
		s.durable: {one, one}, s.retains: {one, one}, s.oldest: {one, one}, s.lastSeq: {one}, s.editsBehind: {one, one, one},
		s.myRooms: {one, one, one}, s.memberships: {one, one, one, one}, s.membership: {one, one}, s.countMemberships: {one, one},
		x.lockMark: {one}, x.marks: {one, one}, x.unread: {one, one, one}, x.edited: {one, one, one, one}, x.original: {one, one},
		x.place: {one, one}, x.placesUpTo: {one, one}, x.somePlaces: {one, one}, x.placesBetween: {one, one, one},
		x.lastPlaces: pairs(lastsAtOnce, one, one, one), x.search.counts: pairs(searchTermsMax, "t1", "t1", one),
		x.search.step: {"t1", one, one, one, one}, x.search.stepAll: {one, one, one, one},
		x.search.byTerm.in: with([]any{"t1", one, one, one}, likes, rooms), x.search.byTerm.anywhere: with([]any{"t1", one, one, one}, likes),
		x.search.all.in: with([]any{one, one, one}, likes, rooms), x.search.all.anywhere: with([]any{one, one, one}, likes),
		x.search.byPrefix.in: with([]any{"t1", "t2", one, one}, likes, rooms), x.search.byPrefix.anywhere: with([]any{"t1", "t2", one, one}, likes),
		x.search.found: pairs(foundAtOnce+1, one), x.search.newest: pairs(foundAtOnce+1, one),
	}
}
