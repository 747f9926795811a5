package chat

import (
	"context"
	"slices"
	"strings"
)

// RoomFilters is what a Moderation keeps of what rooms do not take.
type RoomFilters interface {
	// RoomFilter returns what a room does not take; the zero RoomFilter if nothing was ever set.
	RoomFilter(ctx context.Context, room RoomID) (RoomFilter, error)

	// SetRoomFilter changes it, and returns it with its Version, which is above the one before.
	// CodeNoRoom if there is no such room.
	SetRoomFilter(ctx context.Context, room RoomID, f RoomFilter, a AuditEntry) (RoomFilter, error)
}

// RoomFilter is what a room does not take from members: messages, and edits, with one of Words in
// them, or with an address of the web.
type RoomFilter struct {
	Version uint64   // grows with each change; 0: there was none
	Words   []string // words and phrases, as CheckFilter has them
	Links   bool     // addresses of the web are not taken
}

// Bounds of a RoomFilter.
const (
	FilterWordsMax     = 200
	FilterWordBytesMax = 64
	FilterBytesMax     = 8 << 10 // of all words together
)

// Empty reports whether a room with the filter takes everything.
func (f *RoomFilter) Empty() bool { return len(f.Words) == 0 && !f.Links }

// CheckFilter returns the words of a filter as they are kept: each once, without spaces around them,
// in the order in which they come.
func CheckFilter(words []string) ([]string, error) {
	if len(words) > FilterWordsMax {
		return nil, Errorf(CodeTooMany, "a filter has %d words and phrases at most", FilterWordsMax)
	}
	var kept []string
	bytes := 0
	for _, w := range words {
		if len(w) <= FilterWordBytesMax {
			w = strings.Join(strings.Fields(w), " ")
		}
		if w == "" {
			continue
		}
		if err := CheckText(w, FilterWordBytesMax); err != nil {
			return nil, Errorf(CodeBadText, "a word of a filter is not allowed: %v", err)
		}
		if !slices.Contains(kept, w) {
			kept, bytes = append(kept, w), bytes+len(w)
		}
	}
	if bytes > FilterBytesMax {
		return nil, Errorf(CodeTooMany, "the words of a filter have %d bytes at most together", FilterBytesMax)
	}
	return kept, nil
}

// Filtered is the answer to who says what his room does not take.
func Filtered(link bool) *Error {
	if link {
		return Errorf(CodeFiltered, "this room takes no links")
	}
	return Errorf(CodeFiltered, "this room does not take a word that is in it")
}
