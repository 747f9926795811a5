package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sarang/engine"
	"sarang/internal/store"
)

// collector turns the parts' own counts into metrics, when somebody asks.
type collector struct{ s *Server }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sarang_"+name, help, labels, nil)
}

var (
	descSessions      = desc("sessions", "Sessions open now.")
	descTimers        = desc("timers", "Timers running now: one for each session, and one for each that is held up, waits for a page or an answer.")
	descUsers         = desc("users", "Sessions that are logged in now.")
	descRooms         = desc("rooms", "Rooms in memory: those that somebody uses, or has used a while ago.")
	descWebLent       = desc("web_connections", "Connections of the web address that are no WebSockets: in their handshake, or asking for a page.")
	descWebRequests   = desc("web_requests_total", "Requests at the web address.", "protocol")
	descUpgrades      = desc("websocket_upgrades_total", "WebSockets that began, by what is spoken; refused: requests of that kind for which a limit left no place.", "subprotocol")
	descHandshakes    = desc("tls_handshakes_total", "Handshakes of TLS.", "outcome")
	descTLSSessions   = desc("tls_sessions_total", "Sessions over TLS, by who makes their records: own or crypto (--tls-records; TLS 1.2 always crypto).", "records")
	descTLSRecords    = desc("tls_records_total", "Records of TLS 1.3 that were sealed and opened, not by crypto/tls.", "what")
	descTLSKeyUpdates = desc("tls_key_updates_total", "KeyUpdates of such sessions.", "direction")
	descTLSKeysOpened = desc("tls_keys_opened_total", "Keys of such sessions that were opened for use.")
	descTLSAlerts     = desc("tls_alerts_total", "Alerts of such sessions; those without a name are other.", "direction", "alert")
	descCertificate   = desc("certificate_end_seconds", "When a certificate ends, in seconds since 1970; the host of those that ACME has made.", "host")
	descACMEFailed    = desc("acme_failures_total", "Times that no certificate could be had of the authority.")
	descAccepted      = desc("accepted_total", "Connections accepted.")
	descRefused       = desc("refused_total", "Things refused or put off for a limit or the load (docs/limits.md), and connections while draining.", "reason")
	descSilent        = desc("refused_silently_total", "Connections refused without a farewell.")
	descAddresses     = desc("addresses", "Addresses remembered for the limits.")
	descLoadLevel     = desc("load_level", "What the server does without: 0 nothing, 1 ephemeral rooms, 2 reads, 3 logins and joins, 4 publishes.")
	descLoad          = desc("load", "How much of what the server takes it has, as a fraction.", "signal")
	descAcceptErrors  = desc("accept_errors_total", "Times that accepting failed.")
	descDisconnected  = desc("disconnected_total", "Sessions that ended.", "reason")
	descReceived      = desc("received_bytes_total", "Bytes received.")
	descSent          = desc("sent_bytes_total", "Bytes taken by sockets.")
	descPackets       = desc("packets_total", "Packets received.")
	descFrameErrors   = desc("frame_errors_total", "Streams that were no packets; the session was ended.")
	descSlicesCut     = desc("slices_cut_total", "Times that a worker put off what waited, for timers, sends and others' turns.")
	descBadPackets    = desc("bad_packets_total", "Packets answered as malformed or unknown.")
	descSends         = desc("sends_total", "Sends completed.")
	descDeliveries    = desc("deliveries_total", "Events sent, times readers.")
	descBlocked       = desc("blocked_total", "Sends that met a full socket: slow readers.")
	descLoginsFailed  = desc("logins_failed_total", "Logins refused.")
	descWrong         = desc("passwords_wrong_total", "Passwords that were tried and are not right.")
	descChecked       = desc("passwords_checked_total", "Passwords that were tried and looked at, right or wrong.")
	descProfiles      = desc("profile_changes_total", "Changes of what users say of themselves.")
	descRenames       = desc("renames_total", "Users who have taken another name.")
	descBlocks        = desc("blocks_total", "Users who block another one, or do not any more.")
	descFiltered      = desc("publish_filtered_total", "Of the messages refused by their room: those that its filter did not take.")
	descLinksMade     = desc("invitation_links_made_total", "Invitation links into private rooms that were made.")
	descLinksUsed     = desc("invitation_links_used_total", "Users who became members of a room by such a link.")
	descLinksWrong    = desc("invitation_links_wrong_total", "Codes of such links that were tried and let nobody in.")
	descPasswords     = desc("passwords_waiting", "Passwords that wait to be checked.")
	descEnded         = desc("sessions_ended_total", "Connections ended because their user has ended the session.")
	descPublished     = desc("published_total", "Messages taken for storing.")
	descNotPublished  = desc("publish_refused_total", "Messages refused by their room.")
	descDuplicates    = desc("publish_retries_total", "Messages recognized as retries of stored ones.")
	descCommitted     = desc("committed_events_total", "Events stored.")
	descCommits       = desc("commits_total", "Transactions.")
	descCommitFailed  = desc("commits_failed_total", "Batches that could not be stored.")
	descCommitSeconds = desc("commit_seconds_total", "Time spent in transactions.")
	descMemberChanges = desc("member_changes_total", "Memberships, read marks and mutes stored.")
	descSearches      = desc("searches_total", "Searches made at the store.")
	descSearchSeconds = desc("search_seconds_total", "How long they took, all together.")
	descSearchesWait  = desc("searches_waiting", "Searches that wait for their turn.")
	descSentOut       = desc("sessions_sent_out_total", "Sessions taken out of a room by a ban or a kick.")
	descShutOut       = desc("shut_out_total", "Sessions ended, and connections refused, by a ban from the server.")
	descConflicts     = desc("commit_conflicts_total", "Batches decided again because others had written to the room.")
	descEncoded       = desc("encoded_events_total", "Events encoded, once for each format that somebody reads.")
	descPages         = desc("pages_total", "Pages read from the store for readers behind the window.")
	descPending       = desc("publish_pending_bytes", "Bytes of messages on their way to the store.")
	descStoreSlices   = desc("store_slices_total", "Slices of time for reads and claims, where they share processors with the workers.", "worker")
	descStoreWaiting  = desc("store_calls_waiting", "Reads and claims that wait for the store.")
	descMemory        = desc("buffer_bytes", "Bytes of network buffers.", "state")
	descUploads       = desc("uploads", "Files that are being uploaded.")
	descFiles         = desc("files_total", "Files that were kept (made) and removed, pictures and thumbnails among them, and bytes removed that had no record (swept).", "what")
	descFileBytes     = desc("file_bytes_total", "Bytes of files that came (received), were kept (made), and went (sent).", "what")
	descFileRequests  = desc("file_requests_total", "Requests that took a file (downloads), and that failed (refused).", "what")
	descDiskFree      = desc("disk_free_bytes", "Room on the store's disk, as it was some seconds ago.")
	descDiskFull      = desc("disk_full", "1 while messages, rooms and new guests are refused because of that.")
	descWindowsLost   = desc("windows_lost_total", "Times that there was no memory for a room's window, and its readers were fed from the store.")
	descRoomsPushed   = desc("rooms_pushed_total", "Rooms let go before their time, to make a place for others.")
	descErased        = desc("erased_events_total", "Events erased because they were older than --retention, or than their room keeps them.")
	descLogLost       = desc("log_lines_lost_total", "Log lines that had no room in the queue, or could not be written.")
	descBuffers       = desc("buffers", "Network buffers handed out now.")
)

// Describe has the registry ask Collect.
func (c *collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect asks every part for its counts.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	e := c.s.node.Engine.Stats()
	gauge(descSessions, float64(e.Sessions))
	gauge(descTimers, float64(e.Timers))
	if doors := c.s.tlsDoors(); len(doors) > 0 {
		var done, failed, refused uint64
		for _, d := range doors {
			done, failed = done+d.done.Load(), failed+d.failed.Load()
		}
		for _, d := range c.s.tls {
			refused += d.door.Refused()
		}
		count(descHandshakes, float64(done), "done")
		count(descHandshakes, float64(failed), "failed")
		count(descRefused, float64(refused), "tls_handshakes")
		c.s.collectTLS(count)
	}
	if w := c.s.web; w != nil {
		gauge(descWebLent, float64(w.door.Lent()))
		count(descWebRequests, float64(w.counts.http1.Load()), "HTTP/1.1")
		count(descWebRequests, float64(w.counts.http2.Load()), "HTTP/2")
		for name, n := range w.counts.upgrades() {
			count(descUpgrades, float64(n), name)
		}
		count(descRefused, float64(w.door.Refused()), "web_connections")
	}
	if f := c.s.files; f != nil {
		is := f.Figures()
		gauge(descUploads, float64(is.Uploads))
		for what, n := range map[string]int64{"made": is.Made, "removed": is.Removed, "pictures": is.Pictures, "thumbnails": is.Thumbnails, "swept": is.Swept} {
			count(descFiles, float64(n), what)
		}
		for what, n := range map[string]int64{"received": is.ReceivedBytes, "made": is.MadeBytes, "sent": is.WrittenBytes} {
			count(descFileBytes, float64(n), what)
		}
		count(descFileRequests, float64(is.Downloads), "downloads")
		count(descFileRequests, float64(is.Refused), "refused")
	}
	certificates := func(host string, until time.Time) { gauge(descCertificate, float64(until.Unix()), host) }
	if f := c.s.certificate; f != nil {
		certificates("", f.now.Load().Leaf.NotAfter)
	}
	if a := c.s.acme; a != nil {
		a.expiries(certificates)
		count(descACMEFailed, float64(a.failed.Load()))
	}
	if len(c.s.config.Proxies) > 0 {
		count(descRefused, float64(c.s.proxyHeaders.Load()), "proxy_header")
	}
	count(descAccepted, float64(e.Accepted))
	count(descRefused, float64(e.Refused[engine.RefusedSessionsMax]), "sessions_max")
	count(descRefused, float64(e.Refused[engine.RefusedDraining]), "draining")
	count(descSilent, float64(e.Silent))
	count(descAcceptErrors, float64(e.AcceptErrors))
	for _, r := range engine.ReasonCodes() {
		count(descDisconnected, float64(e.Disconnected[r]), r.String())
	}
	count(descReceived, float64(e.BytesReceived))
	count(descSent, float64(e.BytesSent))
	count(descPackets, float64(e.Frames))
	count(descFrameErrors, float64(e.FrameErrors))
	count(descSlicesCut, float64(e.SlicesCut))
	count(descSends, float64(e.Sends))
	count(descDeliveries, float64(e.EntriesSent))
	count(descBlocked, float64(e.Blocked))
	gauge(descMemory, float64(e.Memory.Total.InUseBytes), "in_use")
	gauge(descMemory, float64(e.Memory.Total.ReservedBytes), "reserved")
	gauge(descBuffers, float64(e.Memory.Total.InUse))
	count(descBadPackets, float64(c.s.node.BadPackets()))

	for _, r := range c.s.node.Hub.Refusals() {
		count(descRefused, float64(r.Count), r.Kind.String())
	}
	l := c.s.node.Hub.Load()
	gauge(descLoadLevel, float64(l.Level))
	gauge(descLoad, l.PublishBytes, "publish_bytes")
	gauge(descLoad, l.StoreQueue, "store_queue")
	gauge(descLoad, l.EntryWait, "entry_wait")
	gauge(descLoad, l.PageWait, "page_wait")
	gauge(descLoad, l.WorkerLag, "worker_lag")

	h := c.s.node.Hub.Stats()
	gauge(descAddresses, float64(h.Addresses))
	gauge(descUsers, float64(h.Users))
	gauge(descRooms, float64(h.Rooms))
	count(descLoginsFailed, float64(h.LoginsFailed))
	count(descWrong, float64(h.PasswordsWrong))
	count(descChecked, float64(h.PasswordsChecked))
	count(descProfiles, float64(h.ProfileChanges))
	count(descRenames, float64(h.Renames))
	count(descBlocks, float64(h.BlockChanges))
	count(descFiltered, float64(h.Filtered))
	count(descLinksMade, float64(h.LinksMade))
	count(descLinksUsed, float64(h.LinksUsed))
	count(descLinksWrong, float64(h.LinksWrong))
	gauge(descPasswords, float64(h.PasswordsWaiting))
	count(descEnded, float64(h.SessionsEnded))
	count(descPublished, float64(h.Published))
	count(descNotPublished, float64(h.Refused))
	count(descDuplicates, float64(h.Duplicates))
	count(descCommitted, float64(h.Committed))
	count(descCommits, float64(h.Commits))
	count(descCommitFailed, float64(h.Failed))
	count(descCommitSeconds, h.CommitSeconds)
	count(descConflicts, float64(h.Conflicts))
	count(descSearches, float64(h.Searches))
	count(descSearchSeconds, h.SearchSeconds)
	gauge(descSearchesWait, float64(h.SearchesWaiting))
	count(descSentOut, float64(h.SentOut))
	count(descMemberChanges, float64(h.MemberChanges))
	count(descShutOut, float64(h.ShutOut))
	count(descEncoded, float64(h.Encoded))
	count(descPages, float64(h.Pages))
	count(descWindowsLost, float64(h.WindowsLost))
	count(descRoomsPushed, float64(h.RoomsPushed))
	gauge(descPending, float64(h.PendingBytes))
	gauge(descStoreWaiting, float64(h.TasksWaiting))
	count(descStoreSlices, float64(h.SlicesBusy), "busy")
	count(descStoreSlices, float64(h.SlicesIdle), "idle")

	if lost := c.s.config.LogLinesLost; lost != nil {
		count(descLogLost, float64(lost()))
	}
	if w := c.s.disk; w != nil && w.known.Load() {
		gauge(descDiskFree, float64(w.free.Load()))
	}
	if e := c.s.erasing; e != nil {
		count(descErased, float64(h.Expired))
	}
	full := 0.0
	if c.s.node.Hub.DiskFull() {
		full = 1
	}
	gauge(descDiskFull, full)
	c.collectStore(out)
}

// collectStore shows what the store has to show.
func (c *collector) collectStore(out chan<- prometheus.Metric) {
	m, ok := c.s.store.(store.Meter)
	if !ok {
		return
	}
	for _, f := range m.Figures() {
		kind := prometheus.GaugeValue
		if f.Counter {
			kind = prometheus.CounterValue
		}
		var labels, values []string
		if f.Label != "" {
			labels, values = []string{f.Label}, []string{f.Of}
		}
		out <- prometheus.MustNewConstMetric(desc(f.Name, f.Help, labels...), kind, f.Value, values...)
	}
}
