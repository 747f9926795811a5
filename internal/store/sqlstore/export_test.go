package sqlstore

// Reads are the statements that read, with parameters that can be asked with.
func Reads(d Dialect) map[string][]any {
	s := compile(&d)
	one := int64(1)
	return map[string][]any{
		s.after: {one, one, one, one}, s.between: {one, one, one, one, one}, s.before: {one, one, one, one},
		s.room: {one}, s.roomByKey: {"r1"}, s.rooms: {one, one}, s.allRooms: {one, one},
		s.privateRooms: {one, one, one, one, one}, s.userByKey: {"u1"}, s.role: {one, one}, s.nonces: {one, one, one, one},
		s.user: {one}, s.usersAfter: {one, one}, s.sent: {one}, s.holder: {"u1"}, s.looks: {"u1", "u2", one},
		s.roomKey: {"r1"}, s.countCreated: {one, one}, s.lockHead: {one}, s.selectAuthor: {one, one}, s.selectWriter: {one},
		s.link.mentions: {one, one, one, one, one}, s.link.threads: {one, one, one}, s.link.pins: {one, one, one},
		s.link.replies: {one, one, one, one}, s.link.repliesBefore: {one, one, one, one},
		s.durable: {one, one}, s.oldest: {one, one},
		s.myRooms: {one, one, one}, s.memberships: {one, one, one, one}, s.membership: {one, one}, s.countMemberships: {one, one},
	}
}
