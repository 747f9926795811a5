package chat

import "context"

// Searcher is a Store that finds messages by what they say now. What is looked for is read by
// package internal/words, in all stores alike.
//
// What is found follows from the logs. A message is found by its newest text, and by nothing any more
// when that was erased: Commit sees to it in the transaction that stores the event. A new message may be
// found a moment later; see Indexer.
type Searcher interface {
	// Search returns messages that are found, the newest first (those of one time in an order
	// that is the store's), as they are now: Text is the newest one. It looks at up to
	// q.ScanMax messages that may be found; where it stops before the end, Next says where to
	// go on, also if nothing was found so far. So the work is bounded, however many there are.
	// CodeBadRequest if q.Text or q.From can not be read, or q asks for nothing in particular.
	Search(ctx context.Context, q SearchQuery) (Found, error)
}

// SearchQuery is what is looked for. One of Text, User, Links and Files is to be given.
type SearchQuery struct {
	Text              string   // see package words; empty: whatever it says
	Rooms             []RoomID // in which, in order, at least one, at most SearchRoomsMax
	User              UserID   // whose; 0: everybody's
	AfterMs, BeforeMs int64    // dated at AfterMs or later, and before BeforeMs; 0: no bound
	Links             bool     // only those with an address of the web in them
	Files             bool     // only those with files
	From              string   // Found.Next of the page before; empty: from the newest on
	ItemsMax          int      // at least 1
	BytesMax          int      // of texts; but always one message if there is one
	ScanMax           int      // at least 1
}

// Found is a page of what was found.
type Found struct {
	Messages []Event
	Next     string // where to go on, at most SearchFromBytesMax bytes; empty: that was all
	Partial  bool   // messages from before the store could search are not looked at yet
}

// Bounds of a search.
const (
	SearchRoomsMax     = 4096
	SearchFromBytesMax = 64
)

// Indexer is a Searcher that finds a message some time after Commit has stored it, and not at once. What
// Commit erases or replaces is not found from then on all the same.
type Indexer interface {
	// Indexed returns when all that was committed before it was called can be found. It may put
	// off what others store: it is there for tests and tools.
	Indexed(ctx context.Context) error
}
