package simulate

import (
	"reflect"

	"sarang/aio/aiosim"
	"sarang/internal/hub"
)

// Counts are what has happened in a run, or in several.
type Counts struct {
	Steps, Published, Acked, Refused, Shown, Stored int
	Joins, Rejoins, Pages                           int
	Edits, Deletes, Reactions, Pins, Replies        int // stored
	ChangesStood, ChangesRefused, Pictures          int
	Searches                                        int // that were answered
	Gaps, NewEpochs                                 int // told of, in ephemeral rooms

	// What was done to the server.
	Crashes, PowerLosses, Drains, Starts int
	Marks                                int // read marks that were told
	PutBacks, Voided                     int // older copies of the store that were put back, and readers who were told

	// What the disk did, by kind. Full ones are counted per call that they refused,
	// slow ones per spell, and what dies dies before, within or after a call.
	DiskUnavailable, DiskFull, DiskUncertain, DiskSlow int
	DiedBefore, DiedBetween, DiedAfter                 int
	Kept, Lost                                         int // writes in doubt

	// What clients did and what was done to them.
	Pauses, Moves, Storms, Ghosts int
	WebSockets                    int // connects of clients that talk over WebSocket
	TLS                           int // those of them that do so over TLS
	WrongAnswered                 int // answers to what a client must not say

	// Clocks: all time ahead at once; the time of day alone, either way.
	Leaps, WallJumps int

	// How often limits were met.
	Limits LimitCounts

	// What the check of package linear has looked at.
	LinearRooms, LinearOperations, LinearUndecided int

	Network aiosim.Stats

	// Of runs with several nodes.
	Nodes NodeCounts
}

// NodeCounts are what has happened in runs with several nodes.
type NodeCounts struct {
	Steps, Stored, Shown, Omitted           int
	Published, Retried, Elsewhere           int // messages, attempts, of these on another node
	Acked, TryAgain, Refused, Lost          int // outcomes of attempts
	Joins, Resumes, Roles, SentOut          int
	Crashes, Faults, Hints, Conflicts       int
	Pages, EncodedProbes, Rights, Forbidden int
}

// Add adds another run's.
func (c *Counts) Add(o Counts) { addFields(reflect.ValueOf(c).Elem(), reflect.ValueOf(o)) }

// addFields adds up two structs of numbers, field by field.
func addFields(a, b reflect.Value) {
	for i := range a.NumField() {
		to, from := a.Field(i), b.Field(i)
		switch to.Kind() {
		case reflect.Struct:
			addFields(to, from)
		case reflect.Uint64:
			to.SetUint(to.Uint() + from.Uint())
		default:
			to.SetInt(to.Int() + from.Int())
		}
	}
}

// Figure is one count with its name.
type Figure struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	N     uint64 `json:"n"`
}

// Figures are the counts in an order for reading.
func (c *Counts) Figures() []Figure {
	var all []Figure
	group := func(name string, list ...any) {
		for i := 0; i < len(list); i += 2 {
			f := Figure{Group: name, Name: list[i].(string)}
			switch n := list[i+1].(type) {
			case int:
				f.N = uint64(n)
			case uint64:
				f.N = n
			}
			all = append(all, f)
		}
	}
	n := &c.Network
	group("clients", "messages published", c.Published, "acknowledged", c.Acked, "refused, to be tried again", c.Refused,
		"events stored", c.Stored, "events shown", c.Shown, "joins", c.Joins, "returns to a room", c.Rejoins,
		"pages of history", c.Pages, "stopped reading", c.Pauses, "gaps told (ephemeral rooms)", c.Gaps,
		"new epochs told (ephemeral rooms)", c.NewEpochs, "read marks told", c.Marks)
	group("messages that change", "edits", c.Edits, "deletions", c.Deletes, "reactions", c.Reactions, "pins", c.Pins, "replies", c.Replies,
		"that were so already", c.ChangesStood, "refused for good", c.ChangesRefused, "pictures compared", c.Pictures)
	group("server", "kills", c.Crashes, "power losses", c.PowerLosses, "drains", c.Drains, "starts", c.Starts,
		"older copies of the store put back", c.PutBacks, "readers told that their numbers are void", c.Voided)
	group("disk", "calls refused", c.DiskUnavailable, "calls refused because it is full", c.DiskFull,
		"slow spells", c.DiskSlow, "commits with an unknown outcome", c.DiskUncertain,
		"deaths before a call", c.DiedBefore, "deaths between write and sync", c.DiedBetween, "deaths after a call", c.DiedAfter,
		"writes in doubt that were kept", c.Kept, "writes in doubt that were lost", c.Lost)
	group("network", "connections", n.Connected, "connects refused", n.Refusals, "accepts failed", n.AcceptErrors,
		"resets by the network", n.NetworkResets, "resets that reached an end", n.Resets,
		"connections gone silent", n.Vanished, "clients that came back by another network", c.Moves,
		"strangers that never log in", c.Ghosts, "connects over WebSocket", c.WebSockets, "of these over TLS", c.TLS, "answers to what is wrong", c.WrongAnswered, "readers of a few bytes at a time", n.Sips, "stalls", n.Stalls,
		"short sends", n.ShortSends, "short receives", n.ShortRecvs, "full sockets", n.WouldBlocks,
		"aborts held up", n.HeldAborts, "reconnect storms", c.Storms)
	group("clock", "leaps of all time", c.Leaps, "jumps of the time of day", c.WallJumps)
	l := &c.Limits
	group("limits", "connections let in", l.LetIn, "connections of an address", l.AddressConnections,
		"connects of an address", l.AddressConnects, "addresses", l.AddressTable, "told why", l.Told, "not told why", l.Silent,
		"logins of an address", l.AddressLogins, "sent away for failed logins", l.SentAway,
		"answers judged", l.Answers, "messages too fast", l.MessagesTooFast, "requests too fast", l.RequestsTooFast,
		"sessions held for their bytes", l.Holds, "requests in flight", l.RequestsInFlight, "rooms joined", l.RoomsJoined)
	group("load", "messages to ephemeral rooms", l.LoadEphemeral, "reads", l.LoadReads,
		"logins, joins, rooms and connections", l.LoadEntries, "messages to durable rooms", l.LoadPublishes,
		"tried at a load that is known", l.LoadTried, "up to the last level", l.Full)
	m := &c.Nodes
	group("several nodes", "steps", m.Steps, "messages", m.Published, "sent again", m.Retried, "of these to another node", m.Elsewhere,
		"acknowledged", m.Acked, "refused, to be tried again", m.TryAgain, "refused for good", m.Refused, "outcomes lost", m.Lost,
		"events stored", m.Stored, "shown", m.Shown, "left out as one's own", m.Omitted, "roles given by the operator", m.Roles, "sent out", m.SentOut,
		"joins", m.Joins, "goings-on where one stood", m.Resumes, "deaths of a node", m.Crashes, "faults of the disk", m.Faults,
		"hints", m.Hints, "batches decided again", m.Conflicts, "pages from the store", m.Pages,
		"formats counted", m.EncodedProbes, "rights asked for", m.Rights, "and refused", m.Forbidden)
	group("linearizability", "rooms", c.LinearRooms, "operations", c.LinearOperations, "undecided", c.LinearUndecided)
	return all
}

// total is what this run amounts to so far.
func (r *run) total() Counts {
	c := r.counts
	c.Steps, c.Published, c.Network = r.steps, len(r.model.wanted), r.world.Stats()
	c.Network.EndsOpen, c.Network.StreamsInUse = 0, 0
	return c
}

// LimitCounts are how often something was refused, as the server counts, and what the
// watch has judged.
type LimitCounts struct {
	AddressConnections, AddressConnects, AddressTable, AddressLogins int
	LoginsFailed, RequestsInFlight, RoomsJoined                      int
	LoadEphemeral, LoadReads, LoadEntries, LoadPublishes             int

	LetIn, Told, Silent              int // connections
	Answers                          int // to messages and requests
	MessagesTooFast, RequestsTooFast int
	LoginsTooFast, SentAway, Holds   int
	LoadTried, Full                  int // what the load refuses: tried, and to its end
}

// countRefusals adds what a server has refused in its life.
func (r *run) countRefusals(h *hub.Hub) {
	l := &r.counts.Limits
	for _, c := range h.Refusals() {
		to := map[string]*int{
			"address_connections": &l.AddressConnections, "address_connects": &l.AddressConnects,
			"address_table": &l.AddressTable, "address_logins": &l.AddressLogins, "logins_failed": &l.LoginsFailed,
			"requests_in_flight": &l.RequestsInFlight, "rooms_joined": &l.RoomsJoined,
			"load_ephemeral": &l.LoadEphemeral, "load_reads": &l.LoadReads,
			"load_entries": &l.LoadEntries, "load_publishes": &l.LoadPublishes,
		}[c.Kind.String()]
		if to != nil {
			*to += int(c.Count)
		}
	}
}
