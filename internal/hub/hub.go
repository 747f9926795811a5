// Package hub is the chat at work: it runs the rooms of package room on the workers
// of package engine, with a chat.Store behind them. Gateways translate between it
// and the bytes of their protocol.
//
// Every worker has a Shard. A room has one home shard, by its id, which alone
// changes it; every worker with sessions in the room has a replica of the newest part
// of its log, in each format that they read. Shards talk by messages, at most one post
// per tick and worker. What blocks (the store) runs on other goroutines and comes back
// as a post.
//
// Each kind of request lives in a file of its own, from the check to the answer:
// publish.go, join.go, history.go and so on. A request runs first on the shard of its
// session, then at the home of its room, which asks for the right to it (home.may), and
// the answer goes back to the session's shard (message.go).
package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/password"
	"sarang/internal/room"
)

// Config shapes a Hub. Zero fields take the defaults.
type Config struct {
	Store   chat.Store
	Formats []*Format // the forms of events that sessions may want; required
	Logger  *slog.Logger
	Now     func() time.Time // wall clock; default time.Now
	Random  io.Reader        // tokens and epochs; default crypto/rand

	// Manual is for simulations, with an engine that is Manual, too: no goroutines;
	// what would run on them is done by Step.
	Manual bool

	TextBytesMax            int           // of one message; default 16 KiB
	RoomsJoinedMax          int           // per session; default 64
	PublishesInFlightMax    int           // per session, then its packets wait; default 256
	PublishBytesPendingMax  int           // of the whole server, on their way to the store; at it new ones are refused, and other things before; default 256 MiB
	RequestsInFlightMax     int           // per session, of those that go to the store; default 8
	AnswerQueueBytesMax     int           // an answer from the store waits while a session has more than that to send directly; default 4 KiB
	HistoryItemsMax         int           // per page; default 200
	PageBytesMax            int           // of a page fed to a reader behind the window; default 64 KiB
	AnnounceMembersMax      int           // up to so many members, joins and leaves are events; default 100
	AuthorsMax              int           // per room, whose nonces and roles are in memory; default 4096
	NoncesPerUserMax        int           // per room, that are remembered; default chat.NoncesPerUserMax, which clients rely on
	BatchEventsMax          int           // of one room in one transaction; default 1024
	BatchTextBytesMax       int           // of these, and one text more; default 256 KiB
	RetriesWaitMax          int           // of one room's messages on their way; default 1024
	CommitEventsMax         int           // of one transaction, and one batch more; default 8192
	ChunkBytes              int           // of the buffers that a room's events are encoded into; default 16 KiB
	UserRoomsMax            int           // rooms that a user has made; 0: no such limit
	UserMembershipsMax      int           // rooms that a user belongs to; 0: no such limit
	RoomsMax                int           // rooms of the store; 0: no such limit
	UserNamesMax            int           // names that a user had which are kept for him; 0: no such limit
	UserBlocksMax           int           // users whom one user blocks; 0: no such limit
	SeenByMembersMax        int           // members of a room up to which it is told who has read how far; default 50
	UserReportsMax          int           // of one user, that are open; 0: no such limit
	RoomReportsMax          int           // of one room, that are open; 0: no such limit
	RoomLinksMax            int           // invitation links of one room that hold; 0: no such limit
	RoomsLoadedMax          int           // rooms in memory; 0: no such limit
	DiskFreeBytesMin        int           // room on the store's disk; who looks at it calls SetDiskFull
	AwayGrace               time.Duration // a member without session leaves after that; default 10 s
	RoomIdle                time.Duration // a room that nobody uses is let go after that; default 1 min
	SeenEvery               time.Duration // how often the store is told of who stays online, by which his name stays his; default 24 h
	GuestNameReserved       time.Duration // an unused guest name is kept that long; default 30 days
	RoomNamesKept           time.Duration // the name of a room that was renamed or deleted is kept that long; default 30 days
	EditSecondsMax          int           // how long after it a message may be edited; 0: always
	StoreTimeout            time.Duration // for one read or claim; default 10 s
	StoreReadsMax           int           // pages read at once, beside one short read; default 4. More than processors to spare hold up the workers
	StoreClaimsMax          int           // logins and new rooms at once: one commit takes all; default 64
	StoreQueueMax           int           // reads and claims that wait; default 65536
	AddressStoreQueueMax    int           // and of one network; 0: no such limit
	StoreWaitMax            time.Duration // that a network waits for its turn at the store; beyond it the server takes nothing new; default 2 s; negative: it does not count
	NoSearch                bool          // nobody can search
	SearchesAtOnce          int           // searches made at once; default 1
	SearchQueueMax          int           // that wait; default 512
	AddressSearchQueueMax   int           // and of one network; 0: no such limit
	SearchMsMax             int           // that a search may take, in milliseconds; default 2000
	SearchScanMax           int           // messages that it looks at; then it tells where to go on; default 2000
	PasswordCost            password.Cost // what it costs to hash one; others are still read
	PasswordKey             password.Key  // computes them; default password.Own
	PasswordsAtOnce         int           // hashed at once, each in the memory of PasswordCost; default 1
	PasswordQueueMax        int           // that wait; default 512
	AddressPasswordQueueMax int           // and of one network; 0: no such limit
	PasswordWaitMax         time.Duration // that a network waits for its turn, beyond it passwords are refused; default 4 s, below the deadline of logins; negative: it does not count
	Registration            Registration  // who can become an account
	NoGuests                bool          // who has no password is not let in
	UserDevicesMax          int           // sessions of a user, by their tokens; default 32
	DeviceExpiry            time.Duration // a token of an account that was not used for that long is good no more; default 90 days
	TokenRenewAfter         time.Duration // a token is replaced after that; default 7 days
	WorkerLagMax            time.Duration // smoothed length of a worker's ticks; beyond it the server takes nothing new; default 1 s; negative: it does not count

	StoreSlice time.Duration // the store is read and written for so long before workers have their turn, where they share processors; default 2 ms; negative: they take no turns

	// Identify returns who somebody is by a token of another program. Errors are *chat.Error. It may be called from any
	// goroutine, and may take time. Nil: nobody comes so.
	Identify func(token string) (chat.Identity, error)

	Files FileLimits

	Limits Limits // the zero Limits are none; see DefaultConfig
}

func (c Config) withDefaults() Config {
	for _, l := range LimitTable() {
		if !l.OrNone {
			or(l.Field(&c), l.Default)
		}
	}
	or(&c.PublishesInFlightMax, chat.NoncesPerUserMax)
	or(&c.RequestsInFlightMax, 8)
	or(&c.AnswerQueueBytesMax, 4<<10)
	or(&c.HistoryItemsMax, 200)
	or(&c.PageBytesMax, 64<<10)
	or(&c.AnnounceMembersMax, 100)
	or(&c.AuthorsMax, 4096)
	or(&c.NoncesPerUserMax, chat.NoncesPerUserMax)
	or(&c.CommitEventsMax, 8192)
	or(&c.ChunkBytes, 16<<10)
	or(&c.AwayGrace, 10*time.Second)
	or(&c.RoomIdle, time.Minute)
	or(&c.RoomNamesKept, chat.RoomNamesKept)
	or(&c.SeenEvery, 24*time.Hour)
	or(&c.GuestNameReserved, 30*24*time.Hour)
	or(&c.StoreTimeout, 10*time.Second)
	or(&c.StoreReadsMax, 4)
	or(&c.StoreClaimsMax, 64)
	or(&c.StoreSlice, 2*time.Millisecond)
	if c.PasswordKey == nil {
		c.PasswordKey = password.Own
	}
	or(&c.PasswordWaitMax, 4*time.Second)
	or(&c.DeviceExpiry, 90*24*time.Hour)
	or(&c.TokenRenewAfter, 7*24*time.Hour)
	or(&c.WorkerLagMax, time.Second)
	or(&c.StoreWaitMax, 2*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// or sets a field that is zero.
func or[T comparable](field *T, value T) { *field = cmp.Or(*field, value) }

// Hub is the part of the chat that all workers share.
type Hub struct {
	config   Config
	shards   []*Shard
	rooms    *directory
	writer   *writer
	reads    *tasks // pages of the store
	queries  *tasks // short reads that something waits for: they do not stand behind pages
	claims   *tasks // what makes users and rooms
	hashes   *tasks // what looks at passwords
	searches *tasks
	turns    turns // of all these and the workers

	storeQueue atomic.Int64 // how many of all these wait, but for hashes
	hashQueue  atomic.Int64 // and of hashes

	erasingRooms atomic.Bool  // a shard has what is left of deleted rooms erased
	searchQueue  atomic.Int64 // and of searches
	guesses      *limit.Guesses
	linkTries    *limit.Guesses
	endings      recently[chat.DeviceSet] // of devices; see Hub.endDevices
	renames      renames
	begun        func() bool // allBegun, made once
	draining     atomic.Bool

	tellingSeen atomic.Bool // a task is to tell the store who is online
	tellingLeft atomic.Bool // and who has left

	diskFull atomic.Bool
	pending  atomic.Int64 // bytes of messages on their way to the store
	started  time.Time
	limits   limits
	online   online
	standing standing
	web      atomic.Pointer[WebAt]
	erased   erasures
	gone     goneRooms
	operated operated
	load     load
	troubles troubles
	counts   counts
}

// counts are what the metrics show.
type counts struct {
	users, loginsFailed           atomic.Int64
	passwordsHashed               atomic.Int64 // kept
	passwordsChecked              atomic.Int64 // looked at, right or wrong
	profiles, renames, blocks     atomic.Int64 // changes that are stored
	passwordsWrong, devicesEnded  atomic.Int64
	published, refused, duplicate atomic.Int64
	committed, commits, failed    atomic.Int64
	commitNanos                   atomic.Int64
	pages, conflicts, sentOut     atomic.Int64
	shutOut                       atomic.Int64
	windowsLost, roomsPushed      atomic.Int64
	slicesBusy, slicesIdle        atomic.Int64
	memberChanges                 atomic.Int64
	filtered                      atomic.Int64 // of refused, what a room's filter did not take
	linksMade, linksUsed          atomic.Int64
	linksWrong                    atomic.Int64
	searches, searchNanos         atomic.Int64
	erased, endedForErased        atomic.Int64
	expired                       atomic.Int64
	encoded                       [formatsMax]atomic.Int64 // events, by format
}

// New makes a hub for as many workers. Rooms are read from the store when they are
// wanted.
func New(c Config, workers int) (*Hub, error) {
	c = c.withDefaults()
	if c.Store == nil || len(c.Formats) == 0 || len(c.Formats) > formatsMax {
		return nil, fmt.Errorf("hub: Config.Store and 1 to %d Config.Formats are required", formatsMax)
	}
	h := &Hub{config: c, shards: make([]*Shard, workers), rooms: newDirectory(), started: c.Now()}
	h.limits.init(c.Limits)
	h.online.init()
	h.erased.init()
	h.gone.init()
	h.operated.init()
	h.load.lags = make([]atomic.Int64, workers)
	h.writer = newWriter(h)
	if engine.Crowded(workers) && !c.Manual {
		h.turns.slice = c.StoreSlice
	}
	h.turns.close()
	h.reads, h.queries, h.claims = h.newTasks(c.StoreReadsMax), h.newTasks(1), h.newTasks(c.StoreClaimsMax)
	h.hashes = h.newHashes()
	h.searches = h.newSearches()
	h.guesses = newGuesses(&c.Limits)
	h.linkTries = newLinkTries(&c.Limits)
	h.endings.init("hub.endings")
	h.renames.init()
	h.begun = h.allBegun
	return h, nil
}

// newEpoch names a new life of a log: 63 random bits.
func (h *Hub) newEpoch() chat.Epoch { return chat.Epoch(h.Uint64()>>1 | 1) }

// Uint64 returns 64 bits of Config.Random. Any goroutine may ask.
func (h *Hub) Uint64() uint64 {
	var b [8]byte
	h.random(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// Config returns the configuration with the defaults filled in.
func (h *Hub) Config() Config { return h.config }

func (h *Hub) random(b []byte) {
	_, err := io.ReadFull(h.config.Random, b)
	engine.Invariant(err == nil, "no random numbers")
}

func (h *Hub) homeOf(r chat.RoomID) int { return int(uint64(r) % uint64(len(h.shards))) }

func (h *Hub) nowMs() int64 { return chat.Millis(h.config.Now()) }

// BeginDrain refuses new messages and logins from here on.
func (h *Hub) BeginDrain() { h.draining.Store(true) }

// Step does one thing that a Manual hub has waiting: which picks it, of Steps() many.
// The first is the commit of what has gathered, if anything has.
func (h *Hub) Step(which int) {
	if h.writer.waiting() {
		if which == 0 {
			h.writer.step()
			return
		}
		which--
	}
	for _, t := range h.pools() {
		n := t.waiting()
		if which < n {
			t.step(which)
			return
		}
		which -= n
	}
}

// pools are what is done beside the workers, but for the commit.
func (h *Hub) pools() [5]*tasks {
	return [...]*tasks{h.claims, h.queries, h.reads, h.hashes, h.searches}
}

// Steps is how many things a Manual hub has waiting.
func (h *Hub) Steps() int {
	n := h.allWaiting()
	if h.writer.waiting() {
		n++
	}
	return n
}

// storing reports whether something is being stored or read, or is to be.
func (h *Hub) storing() bool {
	return h.writer.unstored.Load() > 0 || h.reads.busy() || h.queries.busy() || h.claims.busy() || h.hashes.busy() || h.searches.busy()
}

// allBegun reports whether nothing of it waits that could be begun.
func (h *Hub) allBegun() bool {
	return h.writer.begun() && h.reads.begun() && h.queries.begun() && h.claims.begun() && h.hashes.begun() && h.searches.begun()
}

// allWaiting is how much waits in all pools.
func (h *Hub) allWaiting() int {
	return h.tasksWaiting() + int(h.hashQueue.Load()) + int(h.searchQueue.Load())
}

// tasksWaiting is how many calls wait for their turn at the store.
func (h *Hub) tasksWaiting() int { return int(h.storeQueue.Load()) }

// Drain refuses new messages and logins from here on, and waits until what was taken
// is stored and acknowledged, or ctx is done.
func (h *Hub) Drain(ctx context.Context) error {
	h.BeginDrain()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	// What one shard has for another is under way between two rounds of asking.
	for quiet := 0; quiet < 2; quiet++ {
		if h.idle() {
			continue
		}
		quiet = -1
		select {
		case <-ctx.Done():
			return fmt.Errorf("draining: messages are still on their way to the store: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// idle asks every shard whether anything is on its way to the store.
func (h *Hub) idle() bool {
	for _, s := range h.shards {
		if s == nil {
			continue
		}
		answer := make(chan bool, 1)
		if !s.worker.Post(engine.MessageFunc(func(*engine.Worker) { answer <- s.idle() })) {
			continue
		}
		if !<-answer {
			return false
		}
	}
	return true
}

// Close stops the goroutines that talk to the store; the workers must have ended.
func (h *Hub) Close() {
	h.draining.Store(true)
	h.searches.close()
	h.hashes.close()
	h.claims.close()
	h.queries.close()
	h.reads.close()
	h.writer.close()
}

// Stats are what has happened since the start.
type Stats struct {
	Rooms, Users                   int // rooms in memory; sessions that are logged in
	LoginsFailed                   int64
	PasswordsChecked               int64 // tries that were hashed
	PasswordsWrong                 int64 // and of these
	ProfileChanges, Renames        int64 // stored
	BlockChanges                   int64
	PasswordsWaiting               int   // to be checked
	SessionsEnded                  int64 // connections, because their token was
	Published, Refused, Duplicates int64 // messages: taken, not taken, retries of stored ones
	Committed, Commits, Failed     int64 // events stored, transactions, transactions that failed
	CommitSeconds                  float64
	Conflicts                      int64 // batches decided again because others had written
	Encoded                        int64 // events encoded, times formats
	WindowsLost                    int64 // times that there was no memory for a room's window
	RoomsPushed                    int64 // rooms let go before their time, to make a place for others
	Pages                          int64 // pages read for readers behind the window
	MemberChanges                  int64 // of memberships and marks, stored
	Filtered                       int64 // of Refused, what a room's filter did not take
	LinksMade, LinksUsed           int64 // invitation links into rooms, and who came by them
	LinksWrong                     int64 // codes of such links that let nobody in
	Expired                        int64 // events that were erased for their age
	SentOut                        int64 // sessions that a ban or a kick has taken out of a room
	ShutOut                        int64 // sessions and connections that a ban from the server has ended
	TasksWaiting                   int
	Searches                       int64   // at the store
	SearchSeconds                  float64 // that they took
	SearchesWaiting                int
	PendingBytes                   int64 // messages on their way to the store
	Addresses                      int   // remembered for the limits
	SlicesBusy, SlicesIdle         int64 // slices of time that the pools had; see turns
}

// Stats may be called from any goroutine.
func (h *Hub) Stats() Stats {
	c := &h.counts
	encoded := int64(0)
	for i := range c.encoded {
		encoded += c.encoded[i].Load()
	}
	return Stats{
		Rooms: h.rooms.len(), Users: int(c.users.Load()), LoginsFailed: c.loginsFailed.Load(),
		ProfileChanges: c.profiles.Load(), Renames: c.renames.Load(), BlockChanges: c.blocks.Load(),
		PasswordsChecked: c.passwordsChecked.Load(), PasswordsWrong: c.passwordsWrong.Load(), PasswordsWaiting: int(h.hashQueue.Load()), SessionsEnded: c.devicesEnded.Load(),
		Published: c.published.Load(), Refused: c.refused.Load(), Duplicates: c.duplicate.Load(),
		Committed: c.committed.Load(), Commits: c.commits.Load(), Failed: c.failed.Load(),
		CommitSeconds: float64(c.commitNanos.Load()) / 1e9, Pages: c.pages.Load(),
		Conflicts: c.conflicts.Load(), Encoded: encoded, Expired: c.expired.Load(), SentOut: c.sentOut.Load(), ShutOut: c.shutOut.Load(), WindowsLost: c.windowsLost.Load(), RoomsPushed: c.roomsPushed.Load(),
		Filtered: c.filtered.Load(), LinksMade: c.linksMade.Load(), LinksUsed: c.linksUsed.Load(), LinksWrong: c.linksWrong.Load(),
		MemberChanges: c.memberChanges.Load(), TasksWaiting: h.tasksWaiting(), PendingBytes: h.pending.Load(),
		Addresses: h.limits.addresses.Len(),
		Searches:  c.searches.Load(), SearchSeconds: float64(c.searchNanos.Load()) / 1e9, SearchesWaiting: int(h.searchQueue.Load()),
		SlicesBusy: c.slicesBusy.Load(), SlicesIdle: c.slicesIdle.Load(),
	}
}

func (h *Hub) roomConfig() room.Config {
	return room.Config{
		AnnounceMembersMax: h.config.AnnounceMembersMax,
		AuthorsMax:         h.config.AuthorsMax,
		AwayGrace:          h.config.AwayGrace,
		FirstNonce:         chat.Nonce(h.Uint64()),
		NoncesPerUserMax:   h.config.NoncesPerUserMax,
		RetriesWaitMax:     h.config.RetriesWaitMax,
		BatchEventsMax:     h.config.BatchEventsMax,
		EditFor:            time.Duration(h.config.EditSecondsMax) * time.Second,
		BatchTextBytesMax:  h.config.BatchTextBytesMax,
		Operator:           h.isOperator,
		ShutOut:            h.isShutOut,
	}
}
