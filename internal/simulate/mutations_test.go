package simulate_test

// mutation is a fault put into the server on purpose: the source file, a text in it,
// and what stands there instead. The simulation must notice.
type mutation struct {
	name     string
	promise  string
	file     string
	old, new string
	few      bool // one of those that a short check tries
	clients  bool // package linear notices it, too, by what clients see alone
}

// The promises that mutations break.
const (
	promiseStored  = "acknowledged means stored"
	promiseShown   = "stored before shown"
	promiseOrder   = "in order, once"
	promiseTold    = "gaps and ends are told"
	promiseOutcome = "each request has one outcome"
	promiseOwn     = "nobody gets what is another's"
	promiseAlive   = "who is there stays, who is gone goes"
	promiseBounded = "bounded, nothing left over"
)

func mutations() []mutation {
	return []mutation{
		{
			name: "a message is acknowledged before its commit", promise: promiseStored, few: true, clients: true,
			file: "internal/hub/home.go",
			old:  "\tcase room.Queued:\n\t\tcounts.published.Add(1)\n",
			new:  "\tcase room.Queued:\n\t\tcounts.published.Add(1)\n\t\th.ack(room.Ack{Ref: room.Ref(c.session), Nonce: c.answer.Nonce, Seq: h.room.Info().LastSeq + 1})\n",
		},
		{
			name: "a commit that failed counts as done", promise: promiseStored, clients: true,
			file: "internal/hub/shard.go",
			old:  "if j.err == nil {", new: "if j.err == nil || len(j.events) > 1 {",
		},
		{
			name: "an uncertain commit counts as failed", promise: promiseStored,
			file: "internal/hub/writer.go",
			old:  "if last < j.events[len(j.events)-1].Seq {", new: "if last <= j.events[len(j.events)-1].Seq {",
		},
		{
			name: "an uncertain commit counts as done", promise: promiseStored, clients: true,
			file: "internal/hub/writer.go",
			old:  "if last < j.events[len(j.events)-1].Seq {", new: "if last < j.events[0].Seq && false {",
		},
		{
			name: "events are shown before their commit", promise: promiseShown, clients: true,
			file: "internal/hub/shard.go",
			old:  "\t\tif h.room.Info().Ephemeral {\n", new: "\t\tif h.room.Info().Ephemeral || h.room.PendingBytes() > 600 {\n",
		},
		{
			name: "a reader begins one event late", promise: promiseOrder, few: true,
			file: "internal/room/room.go",
			old:  "\treturn Start{After: seq}\n", new: "\treturn Start{After: min(seq+1, last)}\n",
		},
		{
			name: "a cursor moves one entry too far", promise: promiseOrder,
			file: "engine/cursor.go",
			old:  "c.next = max(c.next, next)\n", new: "c.next = min(max(c.next, next)+1, c.feed.Next())\n",
		},
		{
			name: "nonces of before a restart are not asked for", promise: promiseOrder, clients: true,
			file: "internal/room/room.go",
			old:  "info.Ephemeral || info.LastSeq == 0)", new: "true)",
		},
		{
			name: "nonces that were loaded are not kept", promise: promiseOrder,
			file: "internal/room/nonces.go",
			old:  "\tp.highest = max(p.highest, n)\n", new: "\tif s == 0 {\n\t\tp.highest = max(p.highest, n)\n\t}\n",
		},
		{
			name: "a forgotten author counts as new", promise: promiseOrder, clients: true,
			file: "internal/room/nonces.go",
			old:  "c.complete = false // somebody", new: "// somebody",
		},
		{
			name: "a failed message stays known", promise: promiseOrder,
			file: "internal/room/publish.go",
			old:  "\t\tpub.forget(e.Nonce)\n", new: "",
		},
		{
			name: "an ephemeral room keeps its epoch over a restart", promise: promiseTold,
			file: "internal/hub/hub.go",
			old:  "r.Epoch, r.LastSeq = h.newEpoch(), 0", new: "r.LastSeq = 0",
		},
		{
			name: "the clock of a room goes back", promise: promiseOrder,
			file: "internal/room/publish.go",
			old:  "r.lastMs = max(r.lastMs, nowMs)", new: "r.lastMs = nowMs",
		},
		{
			name: "a retry takes the outcome from the first attempt", promise: promiseOutcome,
			file: "internal/room/publish.go",
			old:  "b.also = append(b.also, also{i, p.Ref})", new: "b.refs[i] = p.Ref",
		},
		{
			name: "a session that was held up is not heard again", promise: promiseOutcome,
			file: "internal/hub/local.go",
			old:  "int(o.inFlight) <= s.hub.config.PublishesInFlightMax/2", new: "o.inFlight < 0",
		},
		{
			name: "lost wake-up: a socket that is writable again is not served", promise: promiseOutcome,
			file: "engine/worker.go",
			old:  "\t\ts.flags &^= flagBlocked\n", new: "\t\ts.flags &^= flagBlocked\n\t\tif e.Err == nil {\n\t\t\treturn\n\t\t}\n",
		},
		{
			name: "lost wake-up: a feed that grew is not served", promise: promiseOutcome,
			file: "engine/feed.go",
			old:  "if !f.dirty && f.left > 0 {", new: "if !f.dirty && f.left > 1 {",
		},
		{
			name: "a page that is on its way is never over", promise: promiseOutcome,
			file: "engine/cursor.go",
			old:  "\tc.fetching = false\n\tif first ==", new: "\tif first ==",
		},
		{
			name: "a slot is used again under the same generation", promise: promiseOwn, few: true,
			file: "engine/table.go",
			old:  "t.generations[slot] = (t.generations[slot] + 1) & generationMask", new: "t.generations[slot] &= generationMask",
		},
		{
			name: "a client retries under another nonce", promise: promiseOwn, clients: true,
			file: "client/publish.go",
			old:  "uint64(r.info.ID), uint64(p.nonce), p.text", new: "uint64(r.info.ID), uint64(p.nonce)^map[bool]uint64{true: 1 << 20}[p.sent], p.text",
		},
		{
			name: "the only reader of a worker is forgotten", promise: promiseOwn,
			file: "internal/hub/home.go",
			old:  "if n > 0 && to != h.shard", new: "if n > 1 && to != h.shard",
		},
		{
			name: "the rest of a cut entry is lost", promise: promiseOwn,
			file: "engine/send.go",
			old:  "\t\tif lo < hi {\n", new: "\t\tif lo < hi && lo > n {\n",
		},
		{
			name: "bytes are released while they are being sent", promise: promiseOwn,
			file: "engine/send.go",
			old:  "\tbuf.Retain()\n\top.vec", new: "\tbuf.Retain()\n\tbuf.Release()\n\tbuf.Retain()\n\tif len(op.vec) > 2 {\n\t\tbuf.Release()\n\t}\n\top.vec",
		},
		{
			name: "a packet that is cut in two is forgotten", promise: promiseOwn,
			file: "engine/receive.go",
			old:  "\tif len(b) == 0 || s.Closing() {", new: "\tif len(b) < 4 || s.Closing() {",
		},
		{
			name: "a window is not trimmed", promise: promiseBounded,
			file: "engine/feed.go",
			old:  "\tfor f.chunks.Len() > 1 {\n", new: "\tfor f.chunks.Len() > 30 {\n",
		},
		{
			name: "a session that is over is still counted", promise: promiseBounded,
			file: "engine/gate.go",
			old:  "\t}\n\tw.service.live.Add(-1)\n", new: "\t}\n",
		},
		{
			name: "events for another worker are not released", promise: promiseBounded,
			file: "internal/hub/local.go",
			old:  "\t\tn.run.buf.Release()\n", new: "",
		},
		{
			name: "the copy of a window is not released", promise: promiseBounded,
			file: "internal/hub/local.go",
			old:  "\tif n.window != nil {\n\t\tn.window.Release()\n", new: "\tif n.window != nil {\n",
		},
		{
			name: "a session that is over stays in its rooms", promise: promiseAlive,
			file: "internal/hub/login.go",
			old:  "for _, p := range o.places {", new: "for _, p := range o.places[min(1, len(o.places)):] {",
		},
		{
			name: "a member who is away stays for ever", promise: promiseAlive,
			file: "internal/room/room.go",
			old:  "m.since == a.since && m.sessions == 0", new: "m.since == a.since+1 && m.sessions == 0",
		},
		{
			name: "a slow reader of an ephemeral room is not told its gap", promise: promiseTold,
			file: "internal/hub/local.go",
			old:  "if o != nil && to > c.Next() {", new: "if o != nil && to > c.Next()+1000 {",
		},
		{
			name: "a new life of an ephemeral room is not told", promise: promiseTold,
			file: "client/receive.go",
			old:  "case c.Epoch != j.Room.Epoch:", new: "case c.Epoch != j.Room.Epoch && j.After > 0:",
		},
		{
			name: "a page of history says that there is no more", promise: promiseTold, clients: true,
			file: "internal/hub/requests.go",
			old:  "return events[:items], true, err", new: "return events[:items], false, err",
		},
		{
			name: "a page of history forgets the first event of the log", promise: promiseTold,
			file: "internal/hub/requests.go",
			old:  "len(events) > 0 && events[0].Seq > 1, nil", new: "len(events) > 0 && events[0].Seq > 2, nil",
		},
		{
			name: "a page of members begins too late", promise: promiseTold,
			file: "internal/room/room.go",
			old:  "\t\tif u > after {\n", new: "\t\tif u > after+1 {\n",
		},
		{
			name: "an ack tells the place of another message", promise: promiseOwn, clients: true, few: true,
			file: "internal/room/publish.go",
			old:  "ack(Ack{to, e.Nonce, e.Seq}) })", new: "ack(Ack{to, e.Nonce, r.flying.events[0].Seq}) })",
		},
		{
			name: "a page from the store begins one event late", promise: promiseOrder,
			file: "internal/hub/local.go",
			old:  "Store.History(ctx, id, after, pageEventsMax", new: "Store.History(ctx, id, after+1, pageEventsMax",
		},
		{
			name: "a question that the store does not answer has no answer", promise: promiseOutcome,
			file: "internal/hub/requests.go",
			old:  "\t\t\t\ts.fail(o, a, s.hub.typed(\"reading history\", err))\n", new: "",
		},
		{
			name: "messages whose nonces can not be read are dropped", promise: promiseOutcome,
			file: "internal/hub/home.go",
			old:  "\t\tfor _, a := range h.room.NoncesFailed(u) {\n\t\t\th.refuse(a, unavailable(err))\n\t\t}\n", new: "\t\th.room.NoncesFailed(u)\n",
		},
		{
			name: "who never logs in is never given up", promise: promiseAlive,
			file: "engine/worker.go",
			old:  "case !admitted && c.LoginDeadline > 0 && w.since(s.mark) >= c.LoginDeadline:", new: "case !admitted && c.LoginDeadline > 0 && w.since(s.mark) >= 100*c.LoginDeadline:",
		},
		{
			name: "who has gone silent is never given up", promise: promiseAlive,
			file: "engine/worker.go",
			old:  "case c.IdleTimeout > 0 && silent >= c.IdleTimeout:", new: "case c.IdleTimeout > 0 && silent >= c.IdleTimeout && !admitted:",
		},
		{
			name: "nobody is asked for a sign of life", promise: promiseAlive,
			file: "engine/worker.go",
			old:  "if h, ok := w.handler.(Heartbeater); ok {", new: "if h, ok := w.handler.(Heartbeater); ok && !admitted {",
		},
		{
			name: "answers that nobody reads have no bound", promise: promiseBounded,
			file: "engine/session.go",
			old:  "\tmost := s.w.service.config.DirectQueueBytesMax\n", new: "\tmost := 100 * s.w.service.config.DirectQueueBytesMax\n",
		},
	}
}
