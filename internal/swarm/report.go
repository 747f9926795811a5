package swarm

import "github.com/HdrHistogram/hdrhistogram-go"

// Report is the outcome of a run. Times are in the unit that the name ends with. A
// "delivery" is one message that came to one member.
type Report struct {
	Clients    int     `json:"clients"`
	Joined     int     `json:"joined"` // clients that have come into their rooms; less than Clients: nothing was measured
	Rooms      int     `json:"rooms"`
	Publishers int     `json:"publishers"`
	Stalled    int     `json:"stalled"`
	Workers    int     `json:"workers"`
	IO         string  `json:"io"`
	Seed       uint64  `json:"seed"`
	SizeBytes  int     `json:"size_bytes"`
	Rate       float64 `json:"rate"` // 0: as fast as acks allow
	Window     int     `json:"window"`
	Ephemeral  bool    `json:"ephemeral"`

	ChangesPercent int      `json:"changes_percent"`
	Changes        *Changes `json:"changes,omitempty"` // with ChangesPercent

	Private         bool    `json:"private"`
	PeopleRate      float64 `json:"people_rate"`
	AccountsPercent int     `json:"accounts_percent"`
	People          *People `json:"people,omitempty"` // with one of these

	Published uint64 `json:"published"` // messages made
	Unsent    uint64 `json:"unsent"`    // open loop: were due, but the server was too slow to let them be made
	Acked     uint64 `json:"acked"`
	Refused   uint64 `json:"refused"` // for good; a retried one is not
	Retried   uint64 `json:"retried"` // refused for a time, and sent again

	// Expected deliveries are Delivered + Lost + those that came Corrupted.
	Expected   uint64 `json:"expected"`
	Delivered  uint64 `json:"delivered"`
	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"` // a place of the log, or a message, that came twice
	Reordered  uint64 `json:"reordered"`  // late, out of the publisher's order, or not in the same order for all
	Corrupted  uint64 `json:"corrupted"`  // not what the publisher sent, or not the same for all
	Misacked   uint64 `json:"misacked"`   // acks that name the place of another message
	Unanswered uint64 `json:"unanswered"` // messages with neither ack nor refusal at the end
	Faults     uint64 `json:"faults"`     // breaches of the protocol
	Gaps       uint64 `json:"gaps"`       // losses that the server has admitted; after one with a new epoch nothing more is compared

	JoinSeconds         float64 `json:"join_seconds"`    // from the first connect to the last join
	PublishSeconds      float64 `json:"publish_seconds"` // from the first message until publishing stopped
	CatchUpSeconds      float64 `json:"catch_up_seconds"`
	MessagesPerSecond   float64 `json:"messages_per_second"`   // acknowledged, from the first message to the last ack
	DeliveriesPerSecond float64 `json:"deliveries_per_second"` // to clients that are not stalled, from the first message to the last delivery

	LatencyFrom    string  `json:"latency_from"` // "schedule" (open loop) or "publish"
	Latency        Latency `json:"latency_ms"`   // to delivery, for clients that are not stalled
	AckLatency     Latency `json:"ack_latency_ms"`
	Reconnects     uint64  `json:"reconnects"`
	Broken         uint64  `json:"broken"`      // connections that the swarm broke (--churn)
	Disconnects    uint64  `json:"disconnects"` // that it did not break
	ConnectsFailed uint64  `json:"connects_failed"`
	Goodbyes       uint64  `json:"goodbyes"`
	GaveUp         int     `json:"gave_up"` // clients that could not come back
	Interrupted    bool    `json:"interrupted"`
	ClientCPU      float64 `json:"client_cpu_seconds"` // of the swarm itself, while measuring
	*ServerUsage           // with --server-pid

	Errors     uint64                `json:"errors"`
	ErrorKinds map[string]*ErrorKind `json:"error_kinds"`
	Failure    string                `json:"failure,omitempty"` // why the run could not go on
}

// Changes is what a run with Config.Changes has done, and what it has found. The first ones are
// acknowledged; all are among Report.Acked.
type Changes struct {
	Messages       uint64 `json:"messages"` // that answer and mention nobody
	Replies        uint64 `json:"replies"`
	ThreadMessages uint64 `json:"thread_messages"`
	Mentions       uint64 `json:"mentions"`
	Edits          uint64 `json:"edits"`
	Deletions      uint64 `json:"deletions"`
	Reactions      uint64 `json:"reactions"`
	Unreactions    uint64 `json:"unreactions"`
	Overtaken      uint64 `json:"overtaken"` // refused, for the message had been deleted; among Report.Refused

	Pictures uint64 `json:"pictures"` // of a room, as a client shows it, compared with what was acknowledged
	Pages    uint64 `json:"pages"`    // of history, read in the end
	Lists    uint64 `json:"lists"`    // pages of mentions and threads, read in the end

	PicturesWrong uint64 `json:"pictures_wrong"`
	ListsWrong    uint64 `json:"lists_wrong"`   // not what follows from what was acknowledged, or not told
	AnswersWrong  uint64 `json:"answers_wrong"` // of changes: acks of what could not be done, refusals of what could
	ErasedWrong   uint64 `json:"erased_wrong"`  // places that came without a text, of messages that nobody has deleted
	ShownDeleted  uint64 `json:"shown_deleted"` // texts of deleted messages on connections and in pages that were asked for afterwards
}

func (n *Changes) add(o Changes) {
	n.Messages += o.Messages
	n.Replies += o.Replies
	n.ThreadMessages += o.ThreadMessages
	n.Mentions += o.Mentions
	n.Edits += o.Edits
	n.Deletions += o.Deletions
	n.Reactions += o.Reactions
	n.Unreactions += o.Unreactions
	n.Overtaken += o.Overtaken
	n.Pictures += o.Pictures
	n.PicturesWrong += o.PicturesWrong
	n.ListsWrong += o.ListsWrong
	n.AnswersWrong += o.AnswersWrong
	n.ErasedWrong += o.ErasedWrong
}

func (n *Changes) count(a act) {
	*[...]*uint64{
		actMessage: &n.Messages, actReply: &n.Replies, actThread: &n.ThreadMessages, actMention: &n.Mentions,
		actEdit: &n.Edits, actDelete: &n.Deletions, actReact: &n.Reactions, actUnreact: &n.Unreactions,
	}[a]++
}

// ok reports whether nothing is wrong; of nil, too.
func (n *Changes) ok() bool {
	return n == nil || n.PicturesWrong == 0 && n.ListsWrong == 0 && n.AnswersWrong == 0 && n.ErasedWrong == 0 && n.ShownDeleted == 0
}

// People is what clients of a run with Config.People, Accounts or Private have done beside talking, as
// it was acknowledged, and what was found.
type People struct {
	Accounts  uint64 `json:"accounts"` // clients that the server says are accounts
	Renames   uint64 `json:"renames"`
	Blocks    uint64 `json:"blocks"`
	Unblocks  uint64 `json:"unblocks"`
	Marks     uint64 `json:"marks"`
	Settings  uint64 `json:"settings"`
	Directs   uint64 `json:"directs"`   // pairs that talk in a direct room in the end; in every other one has blocked the other
	Strangers uint64 `json:"strangers"` // that were told that a private room of others is not there
	Refused   uint64 `json:"refused"`   // by limits, or since the room is another one's

	AccountsWrong  uint64 `json:"accounts_wrong"`  // clients that are accounts, and should not be, or the other way round
	NamesWrong     uint64 `json:"names_wrong"`     // at a login, in an answer, or in the end
	BlocksWrong    uint64 `json:"blocks_wrong"`    // that are there, and should not be, or the other way round
	MarksWrong     uint64 `json:"marks_wrong"`     // that went back, or went further than was said
	SettingsWrong  uint64 `json:"settings_wrong"`  // whose place in the log has something else
	DirectsWrong   uint64 `json:"directs_wrong"`   // pairs in which a blocked one was heard, or one who is not was not
	StrangersWrong uint64 `json:"strangers_wrong"` // that read a private room of others
	Unasked        uint64 `json:"unasked"`         // clients that were not told what is compared
}

func (n *People) add(o People) {
	n.Accounts += o.Accounts
	n.Renames += o.Renames
	n.Blocks += o.Blocks
	n.Unblocks += o.Unblocks
	n.Marks += o.Marks
	n.Settings += o.Settings
	n.Directs += o.Directs
	n.Strangers += o.Strangers
	n.Refused += o.Refused
	n.DirectsWrong += o.DirectsWrong
	n.StrangersWrong += o.StrangersWrong
	n.AccountsWrong += o.AccountsWrong
	n.NamesWrong += o.NamesWrong
	n.BlocksWrong += o.BlocksWrong
	n.MarksWrong += o.MarksWrong
	n.SettingsWrong += o.SettingsWrong
	n.Unasked += o.Unasked
}

// ok reports whether nothing is wrong; of nil, too.
func (n *People) ok() bool {
	return n == nil || n.AccountsWrong == 0 && n.NamesWrong == 0 && n.BlocksWrong == 0 && n.MarksWrong == 0 && n.SettingsWrong == 0 &&
		n.DirectsWrong == 0 && n.StrangersWrong == 0 && n.Unasked == 0
}

// ServerUsage is what the server's process has used.
type ServerUsage struct {
	UserSeconds      float64 `json:"server_user_seconds"` // while measuring
	SystemSeconds    float64 `json:"server_system_seconds"`
	CPUPerDelivery   float64 `json:"server_cpu_us_per_delivery"`
	RSSBytesBefore   int64   `json:"server_rss_bytes_before"` // before the first connect
	RSSBytesJoined   int64   `json:"server_rss_bytes_joined"` // when all had joined
	RSSBytes         int64   `json:"server_rss_bytes"`        // at the end
	RSSBytesPerJoin  float64 `json:"server_rss_bytes_per_session"`
	IntervalSeconds  float64 `json:"server_interval_seconds"` // that the CPU seconds are of
	CPUBusyFraction  float64 `json:"server_cpu_busy"`         // CPU seconds per second; 1 is one core
	DeliveriesPerCPU float64 `json:"server_deliveries_per_cpu_second"`
}

// Latency is a distribution, in milliseconds.
type Latency struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	Mean  float64 `json:"mean"`
	Count int64   `json:"count"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return Latency{
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: float64(h.Max()) / 1000, Mean: h.Mean() / 1000, Count: h.TotalCount(),
	}
}

// OK reports whether every check has passed.
func (r *Report) OK() bool {
	return r.Failure == "" && r.GaveUp == 0 && r.Faults == 0 && r.Unanswered == 0 && r.Gaps == 0 &&
		r.Lost == 0 && r.Duplicated == 0 && r.Reordered == 0 && r.Corrupted == 0 && r.Misacked == 0 &&
		r.Changes.ok() && r.People.ok()
}
