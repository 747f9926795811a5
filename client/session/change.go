package session

import (
	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// What people do with messages of a room of the State. Each is sent and has its outcome as a
// message (see Publish). What is so already is acknowledged with the number of the event that
// made it so.

// Reply says text as the answer to a message, or names files, or both.
type Reply struct {
	Target chat.Seq // the message that is answered; 0: none
	Root   chat.Seq // the first message of the thread, if Target is not that; 0: it is
	Text   string   // may be empty if there are files
	Files  []chat.FileID
}

// Reply publishes an answer to a message, or a message with files.
func (s *Session) Reply(room chat.RoomID, y Reply) (chat.Nonce, error) {
	if y.Text != "" || len(y.Files) == 0 {
		if err := s.checkText(y.Text); err != nil {
			return 0, err
		}
	}
	if len(y.Files) > chat.FilesPerMessageMax {
		return 0, &LimitError{"files of a message", chat.FilesPerMessageMax}
	}
	var files []uint64
	for _, id := range y.Files {
		files = append(files, uint64(id))
	}
	return s.act(room, "", "", func(n chat.Nonce) *act {
		return &act{sarangv1.CChat, &sarangv1.Publish{
			Room: uint64(room), Nonce: uint64(n), Text: y.Text, Target: uint64(y.Target), Root: uint64(y.Root), Files: files,
		}}
	})
}

// Edit says text in the place of a message of the user's own.
func (s *Session) Edit(room chat.RoomID, target chat.Seq, text string) (chat.Nonce, error) {
	if err := s.checkText(text); err != nil {
		return 0, err
	}
	return s.change(room, target, sarangv1.CEdit, func(n chat.Nonce) packet.Marshaler {
		return &sarangv1.Edit{Room: uint64(room), Nonce: uint64(n), Target: uint64(target), Text: text}
	})
}

// Delete has a message erased: the user's own, or, for moderators, somebody else's.
func (s *Session) Delete(room chat.RoomID, target chat.Seq) (chat.Nonce, error) {
	return s.change(room, target, sarangv1.CDelete, func(n chat.Nonce) packet.Marshaler {
		return &sarangv1.Delete{Room: uint64(room), Nonce: uint64(n), Target: uint64(target)}
	})
}

// React puts an emoji on a message, or takes it back.
func (s *Session) React(room chat.RoomID, target chat.Seq, emoji string, remove bool) (chat.Nonce, error) {
	if len(emoji) == 0 || len(emoji) > chat.EmojiBytesMax {
		return 0, chat.Errorf(chat.CodeBadText, "a reaction is one emoji")
	}
	if err := s.checkText(emoji); err != nil {
		return 0, err
	}
	return s.change(room, target, sarangv1.CReact, func(n chat.Nonce) packet.Marshaler {
		return &sarangv1.React{Room: uint64(room), Nonce: uint64(n), Target: uint64(target), Emoji: emoji, Remove: remove}
	})
}

// Pin pins a message, or unpins it. Moderators may.
func (s *Session) Pin(room chat.RoomID, target chat.Seq, remove bool) (chat.Nonce, error) {
	return s.change(room, target, sarangv1.CPin, func(n chat.Nonce) packet.Marshaler {
		return &sarangv1.Pin{Room: uint64(room), Nonce: uint64(n), Target: uint64(target), Remove: remove}
	})
}

func (s *Session) change(room chat.RoomID, target chat.Seq, id packet.ID, message func(chat.Nonce) packet.Marshaler) (chat.Nonce, error) {
	if target == 0 {
		return 0, chat.Errorf(chat.CodeNoMessage, "say which message is meant")
	}
	return s.act(room, "", "", func(n chat.Nonce) *act { return &act{id, message(n)} })
}

// stateOf returns what a page says of a message; false if it was not changed.
func stateOf(m *sarangv1.Event) (st chat.State, changed bool, fault error) {
	if m.State == nil || m.State.Changed == 0 {
		return st, false, nil
	}
	st = chat.State{
		Target: chat.Seq(m.Seq), Changed: chat.Seq(m.State.Changed), Edited: chat.Seq(m.State.Edited),
		Deleted: chat.Seq(m.State.Deleted), Pinned: chat.Seq(m.State.Pinned),
	}
	for _, r := range m.State.Reactions {
		emoji := r.GetEmoji()
		if err := packet.ValidText(emoji); err != nil {
			fault = err
		}
		st.Reactions = append(st.Reactions, chat.Reaction{Emoji: clean(emoji), Count: int(r.GetCount()), Mine: chat.Seq(r.GetMine())})
	}
	return st, true, fault
}
