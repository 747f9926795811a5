package transfer

import (
	"fmt"

	"sarang/chat"
)

// Report is what an import has done, or would do.
type Report struct {
	Format string `json:"format"`
	DryRun bool   `json:"dry_run,omitempty"` // nothing was written

	UsersMade  uint64 `json:"users_made"`
	UsersThere uint64 `json:"users_there"` // made by an import before, or mapped to somebody

	RoomsMade    uint64 `json:"rooms_made"`
	RoomsThere   uint64 `json:"rooms_there"`
	RoomsRefused uint64 `json:"rooms_refused"` // of which not all is there now

	EventsWritten uint64 `json:"events_written"` // messages, and all else that stands in a log
	EventsThere   uint64 `json:"events_there"`   // of an import before
	EventsRefused uint64 `json:"events_refused"` // of rooms that were refused

	Changed map[string]uint64 `json:"changed,omitempty"`  // what is there in another form, and how often
	LeftOut map[string]uint64 `json:"left_out,omitempty"` // what a room here has no place for, and how often
	Faults  uint64            `json:"faults"`             // lines and values that can not be read, or say what can not be

	Told []string `json:"told,omitempty"` // the first faults, refusals and names that were changed
}

// Whole reports whether all that could be read is there.
func (r *Report) Whole() bool { return r.Faults == 0 && r.RoomsRefused == 0 }

func (r *Report) tell(format string, args ...any) {
	if len(r.Told) < toldMax {
		r.Told = append(r.Told, fmt.Sprintf(format, args...))
	}
}

func (r *Report) changed(what string) { count(&r.Changed, what) }

func count(m *map[string]uint64, what string) {
	if *m == nil {
		*m = map[string]uint64{}
	}
	(*m)[what]++
}

// fault counts something that is wrong with a file. The error ends the import: there is too much.
func (r *Report) fault(where, format string, args ...any) error {
	r.Faults++
	r.tell("%s: %s", where, fmt.Sprintf(format, args...))
	if r.Faults >= faultsMax {
		return chat.Errorf(chat.CodeMalformed, "%d faults: this is no whole file of the format %q", r.Faults, r.Format)
	}
	return nil
}
