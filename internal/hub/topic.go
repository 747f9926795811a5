package hub

import (
	"strings"

	"sarang/chat"
)

// SetTopic gives a room that the session is in a topic, which is lent and may be empty; the
// client is told Ack or Failed, as for a message.
func (s *Shard) SetTopic(o *Session, ref RequestRef, topic string) {
	ref.Event = chat.EventTopic
	if !s.mayPublish(o, ref) {
		return
	}
	if err := chat.CheckTopic(topic); err != nil {
		s.fail(o, ref, chat.Errorf(chat.CodeBadText, "the topic is not allowed: %v", err))
		return
	}
	if s.diskTakes(o, ref) && s.mayStore(o, ref, 1, len(topic)) {
		s.author(o, ref, publishRequest{kind: chat.EventTopic, text: strings.Clone(topic)})
	}
}
