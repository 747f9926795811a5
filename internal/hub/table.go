package hub

import (
	"fmt"

	"sarang/chat"
	"sarang/internal/password"
)

// Limit is a row of the table of limits: everything that is said of one is said here.
// The flags of the server, their checks and docs/limits.md are made from it.
type Limit struct {
	Flag    string // its name for people: the flag, the setting, the word in errors
	Help    string
	Default int
	Least   int // smallest value that makes sense
	Most    int
	OrNone  bool // 0 is allowed, too, and means no limit
	Field   func(c *Config) *int
}

const (
	limitMost              = 1 << 30
	diskFreeMost           = 1 << 50
	storedBytesLeast       = 64 << 10 // room for a message
	addressesMost          = 1 << 22
	networkMost            = 1 << 16 // a /48 has so many /64
	receiveBytesLeast      = 1 << 10 // a slower session could not be used
	loginsFailedMost       = 200     // what a session can count to
	publishBytesMost       = 64 << 30
	storeQueueMostAllowed  = 1 << 24
	textBytesMost          = 60000 // leaves room in a packet for a name and the numbers around the text
	roomsJoinedMostAllowed = 1 << 16
	passwordQueueMost      = 1 << 16
	passwordsAtOnceMost    = 256
	userDevicesMost        = 1000
	uploadsMost            = 1 << 16
	seenByMembersMost      = chat.ProfilesMax
	searchQueueMost        = 1 << 16
	searchesAtOnceMost     = 64
	searchMsLeast          = 10
	searchMsMost           = 60000
	searchScanMost         = 1000000
	editSecondsMost        = 10 * 365 * 24 * 3600
)

// LimitTable returns the limits of sessions, addresses and the whole hub that a person may
// set.
func LimitTable() []Limit {
	return []Limit{
		{"text-bytes-max", "longest message, in bytes of UTF-8", 16 << 10, 1, textBytesMost, false, func(c *Config) *int { return &c.TextBytesMax }},
		{"edit-seconds-max", "how long after it a message may be edited, in seconds", 0, 1, editSecondsMost, true, func(c *Config) *int { return &c.EditSecondsMax }},
		{"rooms-joined-max", "rooms that one session may be in", 64, 1, roomsJoinedMostAllowed, false, func(c *Config) *int { return &c.RoomsJoinedMax }},
		{"addresses-max", "addresses (IPv6: /64, /56 and /48 networks) that are remembered at once", 1 << 16, 1, addressesMost, false, func(c *Config) *int { return &c.Limits.AddressesMax }},
		{"address-connections-max", "connections at once of an address", 64, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressConnectionsMax }},
		{"address-connects-per-second", "new connections of an address", 10, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressConnectsPerSecond }},
		{"address-connects-burst", "and so many at once", 100, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressConnectsBurst }},
		{"address-logins-per-minute", "logins of an address, successful or not", 60, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressLoginsPerMinute }},
		{"address-logins-burst", "and so many at once", 100, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressLoginsBurst }},
		{"address-rooms-per-hour", "rooms that an address makes in an hour, and so many at once", 60, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressRoomsPerHour }},
		{"address-rooms-per-day", "and in a day", 200, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressRoomsPerDay }},
		{"address-stored-bytes-per-hour", "bytes of messages to durable rooms of an address; an event counts 128 more", 16 << 20, storedBytesLeast, limitMost, true, func(c *Config) *int { return &c.Limits.AddressStoredBytesPerHour }},
		{"address-stored-bytes-burst", "and so many at once", 64 << 20, storedBytesLeast, limitMost, true, func(c *Config) *int { return &c.Limits.AddressStoredBytesBurst }},
		{"user-rooms-max", "rooms of one user, that he has made", 100, 0, limitMost, true, func(c *Config) *int { return &c.UserRoomsMax }},
		{"user-memberships-max", "rooms that one user belongs to; who joins more is in them as long as he is there", 1000, 0, limitMost, true, func(c *Config) *int { return &c.UserMembershipsMax }},
		{"user-names-max", "names that a user had which are kept for him; who would have more takes no other name", 3, 1, limitMost, true, func(c *Config) *int { return &c.UserNamesMax }},
		{"user-blocks-max", "users whom one user blocks", 1000, 1, limitMost, true, func(c *Config) *int { return &c.UserBlocksMax }},
		{"seen-by-members-max", "users of a room up to which it is told who has read how far", 50, 1, seenByMembersMost, false, func(c *Config) *int { return &c.SeenByMembersMax }},
		{"user-reports-max", "reports of one user that no moderator has resolved", 20, 0, limitMost, true, func(c *Config) *int { return &c.UserReportsMax }},
		{"room-reports-max", "and of one room", 1000, 0, limitMost, true, func(c *Config) *int { return &c.RoomReportsMax }},
		{"room-links-max", "invitation links of one room that hold", 50, 0, limitMost, true, func(c *Config) *int { return &c.RoomLinksMax }},
		{"rooms-max", "rooms in all that are stored", 1000000, 0, limitMost, true, func(c *Config) *int { return &c.RoomsMax }},
		{"network-56-addresses", "a /56 network of IPv6 may do as much as so many addresses", 4, 0, networkMost, true, func(c *Config) *int { return &c.Limits.Network56Addresses }},
		{"network-48-addresses", "and a /48 network", 16, 0, networkMost, true, func(c *Config) *int { return &c.Limits.Network48Addresses }},
		{"rooms-loaded-max", "rooms in memory; one that nobody is in goes to make a place", 16384, 0, limitMost, true, func(c *Config) *int { return &c.RoomsLoadedMax }},
		{"disk-free-bytes-min", "room on the disk below which messages, rooms and new guests are refused", 256 << 20, 0, diskFreeMost, true, func(c *Config) *int { return &c.DiskFreeBytesMin }},
		{"farewells-per-second", "refused connections that are told why; the others are closed without a word", 50, 0, limitMost, true, func(c *Config) *int { return &c.Limits.FarewellsPerSecond }},
		{"logins-failed-max", "failed logins of a session, then it is ended", 10, 0, loginsFailedMost, true, func(c *Config) *int { return &c.Limits.LoginsFailedMax }},
		{"password-tries-per-minute", "wrong passwords for a name from one address", 6, 0, limitMost, true, func(c *Config) *int { return &c.Limits.PasswordTriesPerMinute }},
		{"password-tries-burst", "and so many at once", 10, 0, limitMost, true, func(c *Config) *int { return &c.Limits.PasswordTriesBurst }},
		{"address-password-tries-per-minute", "wrong passwords from one address, for all names", 30, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressPasswordTriesPerMinute }},
		{"address-password-tries-burst", "and so many at once", 60, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressPasswordTriesBurst }},
		{"name-password-tries-per-hour", "wrong passwords for a name from addresses where its owner was never seen", 60, 0, limitMost, true, func(c *Config) *int { return &c.Limits.NamePasswordTriesPerHour }},
		{"name-password-tries-burst", "and so many at once", 100, 0, limitMost, true, func(c *Config) *int { return &c.Limits.NamePasswordTriesBurst }},
		{"address-link-tries-per-minute", "wrong invitation links from one address", 10, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressLinkTriesPerMinute }},
		{"address-link-tries-burst", "and so many at once", 30, 0, limitMost, true, func(c *Config) *int { return &c.Limits.AddressLinkTriesBurst }},
		{"password-queue-max", "passwords that wait to be checked", 512, 1, passwordQueueMost, false, func(c *Config) *int { return &c.PasswordQueueMax }},
		{"address-password-queue-max", "and of one address", 32, 0, passwordQueueMost, true, func(c *Config) *int { return &c.AddressPasswordQueueMax }},
		{"passwords-at-once", "passwords that are hashed at once; each takes password-memory-kib", 1, 1, passwordsAtOnceMost, false, func(c *Config) *int { return &c.PasswordsAtOnce }},
		{"password-memory-kib", "memory that hashing a password takes, in KiB", 19456, password.MemoryKiBMin, password.MemoryKiBMax, false, func(c *Config) *int { return &c.PasswordCost.MemoryKiB }},
		{"password-passes", "passes over it", 2, 1, password.PassesMax, false, func(c *Config) *int { return &c.PasswordCost.Passes }},
		{"searches-at-once", "searches that are made at once", 1, 1, searchesAtOnceMost, false, func(c *Config) *int { return &c.SearchesAtOnce }},
		{"search-queue-max", "searches that wait", 512, 1, searchQueueMost, false, func(c *Config) *int { return &c.SearchQueueMax }},
		{"address-search-queue-max", "and of one address", 16, 0, searchQueueMost, true, func(c *Config) *int { return &c.AddressSearchQueueMax }},
		{"search-ms-max", "how long a search may take, in milliseconds", 2000, searchMsLeast, searchMsMost, false, func(c *Config) *int { return &c.SearchMsMax }},
		{"search-scan-max", "messages that a search looks at; then it tells where to go on", 2000, 1, searchScanMost, false, func(c *Config) *int { return &c.SearchScanMax }},
		{"user-sessions-max", "sessions (tokens) of a user; a new one ends the one that was seen longest ago", 32, 1, userDevicesMost, false, func(c *Config) *int { return &c.UserDevicesMax }},
		{"file-bytes-max", "largest file, in bytes", 25 << 20, 1, limitMost, false, func(c *Config) *int { return &c.Files.BytesMax }},
		{"user-files-max", "files of a user", 1000, 0, limitMost, true, func(c *Config) *int { return &c.Files.UserFilesMax }},
		{"user-files-mib-max", "what they are together, in MiB", 512, 0, limitMost, true, func(c *Config) *int { return &c.Files.UserFilesMiBMax }},
		{"user-uploads-max", "files of a user that are being uploaded", 4, 1, uploadsMost, false, func(c *Config) *int { return &c.Files.UserUploadsMax }},
		{"address-uploads-max", "and of an address", 16, 0, uploadsMost, true, func(c *Config) *int { return &c.Files.AddressUploadsMax }},
		{"uploads-max", "and of all", 256, 1, uploadsMost, false, func(c *Config) *int { return &c.Files.UploadsMax }},
		{"file-pixels-max", "pixels of an image; one with more is kept as any other file is", 25000000, 1, limitMost, false, func(c *Config) *int { return &c.Files.PixelsMax }},
		{"messages-per-second", "messages of a session", 20, 0, limitMost, true, func(c *Config) *int { return &c.Limits.MessagesPerSecond }},
		{"messages-burst", "and so many at once", 60, 0, limitMost, true, func(c *Config) *int { return &c.Limits.MessagesBurst }},
		{"requests-per-second", "joins, creations, lists, histories and members of a session", 10, 0, limitMost, true, func(c *Config) *int { return &c.Limits.RequestsPerSecond }},
		{"requests-burst", "and so many at once", 100, 0, limitMost, true, func(c *Config) *int { return &c.Limits.RequestsBurst }},
		{"receive-bytes-per-second", "bytes of packets of a session; more waits in its socket", 128 << 10, receiveBytesLeast, limitMost, true, func(c *Config) *int { return &c.Limits.ReceiveBytesPerSecond }},
		{"receive-bytes-burst", "and so many at once", 512 << 10, 0, limitMost, true, func(c *Config) *int { return &c.Limits.ReceiveBytesBurst }},
		{"publish-bytes-pending-max", "bytes of messages on their way to the store; at half of it the server begins to refuse", 256 << 20, textBytesMost, publishBytesMost, false, func(c *Config) *int { return &c.PublishBytesPendingMax }},
		{"store-queue-max", "reads and logins that wait for the store; at half of it the server begins to refuse", 65536, 1, storeQueueMostAllowed, false, func(c *Config) *int { return &c.StoreQueueMax }},
		{"address-store-queue-max", "and of one address: pages, short reads, and logins with new rooms, each for itself", 1024, 0, storeQueueMostAllowed, true, func(c *Config) *int { return &c.AddressStoreQueueMax }},
	}
}

// Check returns an error if v is no value for the limit.
func (l *Limit) Check(v int) error {
	switch {
	case v >= l.Least && v <= l.Most, v == 0 && l.OrNone:
		return nil
	case l.OrNone && l.Least > 0:
		return fmt.Errorf("%s is %d; allowed are 0 (no limit) and %d to %d", l.Flag, v, l.Least, l.Most)
	case l.OrNone:
		return fmt.Errorf("%s is %d; allowed are 0 (no limit) to %d", l.Flag, v, l.Most)
	}
	return fmt.Errorf("%s is %d; allowed are %d to %d", l.Flag, v, l.Least, l.Most)
}

// CheckLimits returns an error that names the first limit of the table with a value that
// makes no sense.
func (c *Config) CheckLimits() error {
	for _, l := range LimitTable() {
		if err := l.Check(*l.Field(c)); err != nil {
			return err
		}
	}
	return nil
}

// DefaultConfig has the limits of a public server.
func DefaultConfig() Config {
	c := Config{Limits: Limits{Trusted: defaultTrusted()}}
	for _, l := range LimitTable() {
		*l.Field(&c) = l.Default
	}
	return c
}
