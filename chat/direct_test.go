package chat_test

import (
	"slices"
	"testing"

	"sarang/chat"
)

// The users of a direct room have one, however they are named, and nobody else is in it.
func TestDirectRooms(t *testing.T) {
	key, users, err := chat.DirectKey([]chat.UserID{12, 3, 12})
	again, _, _ := chat.DirectKey([]chat.UserID{3, 12})
	if err != nil || key != "@3,12" || again != key || !slices.Equal(users, []chat.UserID{3, 12}) {
		t.Fatalf("the key is %q, %q, of %v, %v", key, again, users, err)
	}
	r := chat.Room{Key: key, Name: chat.DirectName([]string{"ann", "bob"}), Private: true, Creator: 3}
	if !r.IsDirect() || !slices.Equal(r.DirectUsers(), users) || r.Name != "@ann,bob" {
		t.Fatalf("the room is %+v of %v", r, r.DirectUsers())
	}
	for u, want := range map[chat.UserID]chat.Role{0: chat.RoleNone, 1: chat.RoleNone, 2: chat.RoleNone, 3: chat.RoleMember, 12: chat.RoleMember, 312: chat.RoleNone} {
		for given := chat.RoleNone; given <= chat.RoleOwner; given++ {
			if got := r.RoleAt(u, chat.Given{Role: given, UntilMs: 1}, 9); got != want {
				t.Errorf("user %d with the role %v that has run out is %v", u, given, got)
			}
			if got := r.Role(u, given); got != want {
				t.Errorf("user %d with the role %v is %v", u, given, got)
			}
		}
	}
	for _, few := range [][]chat.UserID{nil, {1}, {1, 1}, {0, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}} {
		if _, _, err := chat.DirectKey(few); chat.CodeOf(err) != chat.CodeBadRequest {
			t.Errorf("a direct room of %v: %v", few, err)
		}
	}
	if _, _, err := chat.ParseRoomName("@3,12"); chat.CodeOf(err) != chat.CodeBadName {
		t.Errorf("a room may be named so: %v", err)
	}
	if open := (chat.Room{Key: "room"}); open.IsDirect() || open.DirectUsers() != nil {
		t.Error("a room with a name is a direct one")
	}
}
