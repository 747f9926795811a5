package store

import "sarang/chat"

// SyncMode says what a commit that has returned survives.
type SyncMode uint8

// The modes.
const (
	PowerSafe   SyncMode = iota // a power cut
	ProcessSafe                 // the end of the process, however it ends; a power cut may lose the newest commits
)

// String returns the mode's name in lower case, which ParseSyncMode takes.
func (m SyncMode) String() string {
	if m == ProcessSafe {
		return "process-safe"
	}
	return "power-safe"
}

// ParseSyncMode returns the mode that s names; CodeBadRequest if there is none.
func ParseSyncMode(s string) (SyncMode, error) {
	for _, m := range []SyncMode{PowerSafe, ProcessSafe} {
		if s == m.String() {
			return m, nil
		}
	}
	return 0, chat.Errorf(chat.CodeBadRequest, "%q is not what a message can survive: give %v or %v", s, PowerSafe, ProcessSafe)
}
