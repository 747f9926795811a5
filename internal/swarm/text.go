package swarm

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteText writes the report for people.
func (r *Report) WriteText(to io.Writer) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("clients", "%d in %d rooms, %d publish, %d stalled (workers %d, io %s, seed %d)",
		r.Clients, r.Rooms, r.Publishers, r.Stalled, r.Workers, r.IO, r.Seed)
	row("joined in", "%.2f s", r.JoinSeconds)
	if r.Publishers > 0 {
		r.messageRows(row)
	}
	if n := r.People; n != nil {
		row("people", "%d accounts; %d renames, %d blocks and %d taken back, %d marks, %d settings, %d direct rooms, %d strangers sent away; %d refused",
			n.Accounts, n.Renames, n.Blocks, n.Unblocks, n.Marks, n.Settings, n.Directs, n.Strangers, n.Refused)
		row("wrong", "%d accounts, %d names, %d blocks, %d marks, %d settings, %d direct rooms, %d strangers, %d not asked about",
			n.AccountsWrong, n.NamesWrong, n.BlocksWrong, n.MarksWrong, n.SettingsWrong, n.DirectsWrong, n.StrangersWrong, n.Unasked)
	}
	row("connections", "%d broken by the swarm, %d otherwise (%d goodbyes); %d reconnects, %d failed connects",
		r.Broken, r.Disconnects, r.Goodbyes, r.Reconnects, r.ConnectsFailed)
	row("swarm's CPU", "%.2f s", r.ClientCPU)
	if u := r.ServerUsage; u != nil {
		row("server's CPU", "%.2f s user, %.2f s system in %.1f s; %.3f µs per delivery",
			u.UserSeconds, u.SystemSeconds, u.IntervalSeconds, u.CPUPerDelivery)
		row("server's memory", "%.1f MiB before, %.1f MiB joined (%.0f bytes per session), %.1f MiB at the end",
			mebi(u.RSSBytesBefore), mebi(u.RSSBytesJoined), u.RSSBytesPerJoin, mebi(u.RSSBytes))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.ErrorKinds)) {
		k := r.ErrorKinds[kind]
		row("error", "%d × %s: %s", k.Count, kind, k.First[0])
	}
	if r.Interrupted {
		row("note", "publishing was interrupted")
	}
	row("verdict", "%s", r.verdict())
	return t.Flush()
}

func (r *Report) messageRows(row func(name, format string, args ...any)) {
	how := fmt.Sprintf("closed loop, window %d", r.Window)
	if r.Rate > 0 {
		how = fmt.Sprintf("open loop, %g/s", r.Rate)
	}
	row("published", "%d messages of %d bytes in %.2f s (%s)", r.Published, r.SizeBytes, r.PublishSeconds, how)
	row("acked", "%d (%.0f/s); %d refused, %d retried, %d unanswered, %d unsent",
		r.Acked, r.MessagesPerSecond, r.Refused, r.Retried, r.Unanswered, r.Unsent)
	row("deliveries", "%d of %d (%.0f/s)", r.Delivered, r.Expected, r.DeliveriesPerSecond)
	row("wrong", "%d lost, %d duplicated, %d reordered, %d corrupted, %d misacked, %d faults, %d gaps",
		r.Lost, r.Duplicated, r.Reordered, r.Corrupted, r.Misacked, r.Faults, r.Gaps)
	if n := r.Changes; n != nil {
		row("of these", "%d messages, %d replies, %d of threads, %d mentions, %d edits, %d deletions, %d reactions, %d taken back; %d overtaken by a deletion",
			n.Messages, n.Replies, n.ThreadMessages, n.Mentions, n.Edits, n.Deletions, n.Reactions, n.Unreactions, n.Overtaken)
		row("compared", "%d pictures of rooms, %d pages of history, %d of mentions and threads", n.Pictures, n.Pages, n.Lists)
		row("wrong", "%d pictures, %d lists, %d answers, %d erased, %d shown after their deletion",
			n.PicturesWrong, n.ListsWrong, n.AnswersWrong, n.ErasedWrong, n.ShownDeleted)
	}
	for _, l := range []struct {
		name string
		of   Latency
	}{{"delivery latency", r.Latency}, {"ack latency", r.AckLatency}} {
		row(l.name, "p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms (from %s)",
			l.of.P50, l.of.P90, l.of.P99, l.of.P999, l.of.Max, r.LatencyFrom)
	}
	if r.Stalled > 0 {
		row("caught up in", "%.2f s", r.CatchUpSeconds)
	}
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }

func (r *Report) verdict() string {
	switch {
	case r.Failure != "":
		return "FAILED: " + r.Failure
	case !r.OK():
		return "FAILED: see above what is not 0"
	case r.Publishers == 0:
		return "all joined and stayed"
	}
	const all = "every message came to every member, once, in order and unchanged"
	if r.Changes != nil {
		return all + "; all show the same, and what was acknowledged"
	}
	return all
}
