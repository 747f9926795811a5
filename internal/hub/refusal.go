package hub

import (
	"net/netip"
	"time"

	"sarang/chat"
	"sarang/internal/limit"
)

// Limited is a kind of refusal.
type Limited uint8

const (
	limitedConnections Limited = iota
	limitedConnects
	limitedAddresses
	limitedLogins
	limitedFailures
	limitedPasswords
	limitedGuesses
	limitedLinks
	limitedMessages
	limitedRequests
	limitedBytes
	limitedInFlight
	limitedRooms
	limitedRoomsMade
	limitedStored
	limitedDisk
	limitedLoaded
	limitedEphemeral
	limitedReads
	limitedEntries
	limitedPublishes
	limitedCount
)

// String returns the kind in the form that metrics use.
func (l Limited) String() string {
	switch l {
	case limitedConnections:
		return "address_connections"
	case limitedConnects:
		return "address_connects"
	case limitedAddresses:
		return "address_table"
	case limitedLogins:
		return "address_logins"
	case limitedFailures:
		return "logins_failed"
	case limitedPasswords:
		return "passwords_waiting"
	case limitedGuesses:
		return "password_tries"
	case limitedLinks:
		return "link_tries"
	case limitedMessages:
		return "messages"
	case limitedRequests:
		return "requests"
	case limitedBytes:
		return "receive_bytes"
	case limitedInFlight:
		return "requests_in_flight"
	case limitedRooms:
		return "rooms_joined"
	case limitedRoomsMade:
		return "address_rooms"
	case limitedStored:
		return "address_stored_bytes"
	case limitedDisk:
		return "disk"
	case limitedLoaded:
		return "rooms_loaded"
	case limitedEphemeral:
		return "load_ephemeral"
	case limitedReads:
		return "load_reads"
	case limitedEntries:
		return "load_entries"
	case limitedPublishes:
		return "load_publishes"
	}
	return "unknown"
}

// limitedAt is the kind of what a level does without.
func limitedAt(l limit.Level) Limited {
	return limitedEphemeral + Limited(l-limit.LevelEphemeral)
}

// limited counts something that a session was refused.
func (s *Shard) limited(o *Session, why Limited) {
	s.hub.noteLimited(why, s.now(), o.Engine.Peer().Addr(), o.User)
}

// noteLimited counts a refusal, and writes about one of a kind at most once a second.
func (h *Hub) noteLimited(why Limited, now time.Duration, from netip.Addr, user chat.UserID) {
	if n := h.limits.refused[why].Add(now); n > 0 {
		h.config.Logger.Warn("a limit was reached", "limit", why, "times", n, "last_address", from, "last_user", user)
	}
}

// troubles are kinds of failures, most of the store, which may come thick and fast.
type troubles struct{ commit, author, page, request, memory, answer limit.Sample }

// logTrouble logs one failure of a kind a second.
func (h *Hub) logTrouble(kind *limit.Sample, message string, about ...any) {
	if n := kind.Add(h.now()); n > 0 {
		h.config.Logger.Error(message, append(about, "times", n)...)
	}
}

// AnswerTooLarge notes that a gateway could not send an answer, as it fits into no packet: pages are
// made to fit. Any goroutine may call it.
func (h *Hub) AnswerTooLarge(err error) {
	h.logTrouble(&h.troubles.answer, "an answer is larger than a packet", "error", err)
}

// LimitCount is how often something was refused.
type LimitCount struct {
	Kind  Limited
	Count int64
}

// Refusals returns the counts of all kinds. Any goroutine may call it.
func (h *Hub) Refusals() []LimitCount {
	all := make([]LimitCount, limitedCount)
	for i := range all {
		all[i] = LimitCount{Limited(i), h.limits.refused[i].Count()}
	}
	return all
}
