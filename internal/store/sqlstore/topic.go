package sqlstore

// topicSchema has rooms remember their topics: topic is the text of the room's newest event of
// kind 6.
func topicSchema() []string {
	return []string{"ALTER TABLE rooms ADD COLUMN topic {text} NOT NULL DEFAULT ''"}
}
