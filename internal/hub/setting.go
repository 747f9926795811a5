package hub

import (
	"strings"

	"sarang/chat"
)

// Set changes a setting of a room that the session is in; the client is told Ack or Failed, as
// for a message. The text is lent.
func (s *Shard) Set(o *Session, ref RequestRef, set chat.Setting) {
	if !set.Kind.Sets() {
		set.Kind = 0 // Check says so; the outcome is still that of an authored event
	}
	ref.Event = chat.EventDescribe
	if set.Kind.Sets() {
		ref.Event = set.Kind
	}
	if !s.mayPublish(o, ref) {
		return
	}
	if err := set.Check(); err != nil {
		s.fail(o, ref, asError(err))
		return
	}
	key := ""
	if set.Kind == chat.EventName {
		name, k, err := chat.ParseRoomName(strings.Clone(set.Text)) // it is lent
		if err != nil {
			s.fail(o, ref, asError(err))
			return
		}
		set.Text, key = name, k
	}
	if s.diskTakes(o, ref) && s.mayStore(o, ref, 1, len(set.Text)) {
		s.author(o, ref, publishRequest{kind: set.Kind, text: strings.Clone(set.Text), value: set.Value, key: key})
	}
}
