package room_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/room"
)

// Who is banned from the server while what he said waits for its place is refused, also in a room
// where nobody was ever given a role; what has its place stays.
func TestShutOutBetweenBatches(t *testing.T) {
	for _, info := range []chat.Room{{ID: 1}, {ID: 1, Ephemeral: true}} {
		banned := chat.UserID(0)
		r := room.New(info, room.Config{
			AnnounceMembersMax: 1, AuthorsMax: 8, AwayGrace: time.Second,
			ShutOut: func(u chat.UserID) bool { return u == banned },
		})
		log := &strings.Builder{}
		r.Join(1, "u1")
		r.Join(2, "u2")
		say(t, r, 1, 11, "before", 101)
		store(r, log)
		want(t, log, "1 + u1", "2 u1: before", "ack 11 to 101: 2")
		say(t, r, 1, 12, "too late", 101)
		say(t, r, 2, 21, "another", 102)
		banned = 1
		store(r, log)
		want(t, log, "refused 12 to 101: 38", "3 u2: another", "ack 21 to 102: 3")
		say(t, r, 1, 13, "still", 101)
		store(r, log)
		want(t, log, "refused 13 to 101: 38")
		banned = 0
		say(t, r, 1, 14, "back", 101)
		store(r, log)
		want(t, log, "4 u1: back", "ack 14 to 101: 4")
	}
}

// An operator of the server rules wherever the room has roles, whatever it gives him.
func TestOperatorRules(t *testing.T) {
	r := room.New(chat.Room{ID: 1, Creator: 1, LastSeq: 0}, room.Config{
		AnnounceMembersMax: 1, AuthorsMax: 8, AwayGrace: time.Second,
		Operator: func(u chat.UserID) bool { return u == 9 },
	})
	if role := r.RoleOf(9, 0); role != chat.RoleOperator {
		t.Errorf("he is %v", role)
	}
	if err := r.Access(9, chat.ActionHistory, 0); err != nil {
		t.Error(err)
	}
	private := room.New(chat.Room{ID: 2, Private: true, Creator: 1}, room.Config{AuthorsMax: 8, Operator: func(u chat.UserID) bool { return u == 9 }})
	if err := private.Access(9, chat.ActionJoin, 0); err != nil {
		t.Errorf("a private room: %v", err)
	}
	if err := private.Access(8, chat.ActionJoin, 0); chat.CodeOf(err) != chat.CodeNoRoom {
		t.Errorf("a private room, for somebody else: %v", err)
	}
	ephemeral := room.New(chat.Room{ID: 3, Ephemeral: true}, room.Config{AuthorsMax: 8, Operator: func(chat.UserID) bool { return true }})
	if role := ephemeral.RoleOf(9, 0); role != chat.RoleMember {
		t.Errorf("in an ephemeral room he is %v", role)
	}
}
