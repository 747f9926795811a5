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
	promiseLimits  = "limits hold, and nobody within them is refused"
	promiseLoad    = "too much to do: one thing after the other, and back"
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
			name: "the timer of a session that was held runs on when it is over", promise: promiseBounded,
			file: "internal/hub/limits.go",
			old:  "o := sessionOf(s.worker.Session(held.id))\n\tif o == nil {\n", new: "o := sessionOf(s.worker.Session(held.id))\n\tif o == nil {\n\t\ts.worker.After(t, time.Second, releaseBytes)\n",
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
		{
			name: "a connection of an address is never given back", promise: promiseLimits, few: true,
			file: "internal/limit/address.go",
			old:  "\t\ta.places[i].sessions--\n", new: "",
		},
		{
			name: "connections of an address are not counted", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "\tp.sessions++\n", new: "",
		},
		{
			name: "an address may have one connection more", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "most > 0 && int(p.sessions) >= most", new: "most > 0 && int(p.sessions) > most",
		},
		{
			name: "each address of a /64 counts for itself", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "return addressKey{binary.BigEndian.Uint64(b[:8]), false}", new: "return addressKey{binary.BigEndian.Uint64(b[8:]), false}",
		},
		{
			name: "addresses that are busy are forgotten", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "if p.used && p.sessions == 0 && p.connects", new: "if p.used && p.connects",
		},
		{
			name: "addresses that have used up their rate are forgotten", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "p.sessions == 0 && p.connects.Rested(now) && p.logins.Rested(now) {", new: "p.sessions == 0 {",
		},
		{
			name: "addresses are never forgotten", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "if p.used && p.sessions == 0 &&", new: "if p.used && p.sessions < 0 &&",
		},
		{
			name: "one address more than there is room for", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "\tcase len(a.places) < a.config.AddressesMax:", new: "\tcase len(a.places) <= a.config.AddressesMax:",
		},
		{
			name: "logins of an address are not counted", promise: promiseLimits,
			file: "internal/limit/address.go",
			old:  "\treturn p.logins.Take(a.config.Logins, now)\n", new: "\treturn 0\n",
		},
		{
			name: "what was used comes back too slowly", promise: promiseLimits,
			file: "internal/limit/rate.go",
			old:  "r := Rate{every: float64(per) / float64(units)}", new: "r := Rate{every: 1.1 * float64(per) / float64(units)}",
		},
		{
			name: "what was used does not come back", promise: promiseLimits,
			file: "internal/limit/rate.go",
			old:  "full := min(max(m.full, now), now+r.slack) + r.worth(1)", new: "full := min(max(m.full, now), now+r.slack) + r.worth(1)\n\tif m.full > 0 && m.full < now {\n\t\tfull = now + r.slack + r.worth(1)\n\t}",
		},
		{
			name: "who is refused has a burst again", promise: promiseLimits,
			file: "internal/limit/rate.go",
			old:  "wait = full - now - r.slack; wait > 0 {\n", new: "wait = full - now - r.slack; wait > 0 {\n\t\tm.full = now\n",
		},
		{
			name: "who is refused has used a unit", promise: promiseLimits,
			file: "internal/limit/rate.go",
			old:  "wait = full - now - r.slack; wait > 0 {\n", new: "wait = full - now - r.slack; wait > 0 {\n\t\tm.full = full\n",
		},
		{
			name: "a burst has one more", promise: promiseLimits,
			file: "internal/limit/rate.go",
			old:  "r.slack = r.worth(max(burst, 1))", new: "r.slack = r.worth(max(burst, 1) + 1)",
		},
		{
			name: "trusted sessions are limited", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "o.trusted = s.hub.limits.config.Trusted.Contains(", new: "o.trusted = limit.Trust{}.Contains(",
		},
		{
			name: "trusted addresses are limited", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "return !h.limits.config.addressesBound() || h.limits.config.Trusted.Contains(a)", new: "return !h.limits.config.addressesBound()",
		},
		{
			name: "messages that are too fast are stored all the same", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "s.fail(o, a, &chat.Error{Code: chat.CodeTooFast, Message: what, RetryAfter: wait})\n\treturn true\n", new: "s.fail(o, a, &chat.Error{Code: chat.CodeTooFast, Message: what, RetryAfter: wait})\n\treturn why != limitedMessages\n",
		},
		{
			name: "who is too fast is not told when to try again", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "Message: what, RetryAfter: wait})", new: "Message: what})",
		},
		{
			name: "who is too fast is told to try again too early", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "Message: what, RetryAfter: wait})", new: "Message: what, RetryAfter: wait / 2})",
		},
		{
			name: "messages count as other requests", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "return s.slow(o, a, &o.messages, s.hub.limits.messages,", new: "return s.slow(o, a, &o.asked, s.hub.limits.messages,",
		},
		{
			name: "a hold for bytes is never over", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\to.release(holdBytes)\n", new: "",
		},
		{
			name: "nobody is held for his bytes", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\to.hold(holdBytes)\n", new: "",
		},
		{
			name: "bytes count twice", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "o.bytes.Spend(s.hub.limits.bytes, s.now(), bytes)", new: "o.bytes.Spend(s.hub.limits.bytes, s.now(), 2*bytes)",
		},
		{
			name: "small packets count their bytes only", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "s.charge(o, max(bytes, packetBytesLeast))", new: "s.charge(o, bytes)",
		},
		{
			name: "what is refused counts no more than what is not", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\ts.limited(o, why)\n\ts.charge(o, RefusedBytes)\n", new: "\ts.limited(o, why)\n",
		},
		{
			name: "a hold ends with the other one", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "if s.holds &^= why; s.holds == 0 {", new: "if s.holds = 0; s.holds == 0 {",
		},
		{
			name: "failed logins are not counted", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\to.failures++\n", new: "",
		},
		{
			name: "a store that fails counts as a failed login", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\tif err.Code == chat.CodeUnavailable {\n", new: "\tif err.Code == chat.CodeVersion {\n",
		},
		{
			name: "a session may be in one room more", promise: promiseLimits,
			file: "internal/hub/join.go",
			old:  "if len(o.places) >= s.hub.config.RoomsJoinedMax {", new: "if len(o.places) > s.hub.config.RoomsJoinedMax {",
		},
		{
			name: "everybody who is turned away is told", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "Farewell: h.limits.mayTell(now)}", new: "Farewell: h.limits.mayTell(now) || true}",
		},
		{
			name: "who was told why it is turned away is still counted", promise: promiseLimits,
			file: "engine/gate.go",
			old:  "\t\tw.service.farewells.Add(-1)\n\t\treturn\n\t}\n\tw.service.live", new: "\t\treturn\n\t}\n\tw.service.live",
		},
		{
			name: "who is turned away counts as a session", promise: promiseLimits,
			file: "engine/gate.go",
			old:  "\t\t\tsvc.live.Add(-1)\n\t\t\tl.refuse(c, RefusedByGate, r)\n", new: "\t\t\tl.refuse(c, RefusedByGate, r)\n",
		},
		{
			name: "who is turned away is told a wrong code", promise: promiseLimits,
			file: "internal/hub/limits.go",
			old:  "\tcase limit.TooFast:\n\t\treturn h.keepOut(limitedConnects, now, peer.Addr(), &chat.Error{\n\t\t\tCode: chat.CodeTooFast,", new: "\tcase limit.TooFast:\n\t\treturn h.keepOut(limitedConnects, now, peer.Addr(), &chat.Error{\n\t\t\tCode: chat.CodeTooMany,",
		},
		{
			name: "a client tries again before it is to", promise: promiseLimits,
			file: "client/publish.go",
			old:  "at := s.es.Worker().Now() + retryAfter(cause)", new: "at := s.es.Worker().Now() + retryAfter(cause)/2",
		},
		{
			name: "a client does not try again what was too fast", promise: promiseLimits,
			file: "client/publish.go",
			old:  "retrying := told && temporary(cause) && !r.leaving", new: "retrying := told && temporary(cause) && !r.leaving && cause.Code != chat.CodeTooFast",
		},
		{
			name: "the level of load never falls", promise: promiseLoad, few: true,
			file: "internal/limit/load.go",
			old:  "for l > LevelNone && load < enterAt[l]-leaveBelow {", new: "for l > LevelPublishes && load < enterAt[l]-leaveBelow {",
		},
		{
			name: "the level of load does not rise", promise: promiseLoad,
			file: "internal/limit/load.go",
			old:  "for l < LevelPublishes && load >= enterAt[l+1] {", new: "for l < LevelNone && load >= enterAt[l+1] {",
		},
		{
			name: "messages to durable rooms are refused before those to ephemeral ones", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "level >= limit.LevelEphemeral && s.isEphemeral(a.Room):", new: "level >= limit.LevelEphemeral && !s.isEphemeral(a.Room):",
		},
		{
			name: "messages to ephemeral rooms are refused last", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "level >= limit.LevelEphemeral && s.isEphemeral(a.Room):", new: "level >= limit.LevelPublishes && s.isEphemeral(a.Room):",
		},
		{
			name: "lists are refused with the first level", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "func (s *Shard) List(o *Session, a Answer, after chat.RoomID, itemsWant int) {\n\tif !s.mayRequest(o, a, limit.LevelReads) {", new: "func (s *Shard) List(o *Session, a Answer, after chat.RoomID, itemsWant int) {\n\tif !s.mayRequest(o, a, limit.LevelEphemeral) {",
		},
		{
			name: "history is never refused", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "after, before chat.Seq, itemsWant int) {\n\tif !s.mayRequest(o, a, limit.LevelReads) {", new: "after, before chat.Seq, itemsWant int) {\n\tif !s.mayRequest(o, a, limit.LevelPublishes+1) {",
		},
		{
			name: "connections are let in at every level", promise: promiseLoad,
			file: "internal/hub/limits.go",
			old:  "\tif h.load.now() >= limit.LevelEntries {\n", new: "\tif h.load.now() > limit.LevelPublishes {\n",
		},
		{
			name: "logins are taken at every level", promise: promiseLoad,
			file: "internal/hub/login.go",
			old:  "if !s.bearable(o, a, limit.LevelEntries) || s.loginTooFast(o, a) {", new: "if s.loginTooFast(o, a) || !s.bearable(o, a, limit.LevelPublishes+1) {",
		},
		{
			name: "rooms are joined at every level", promise: promiseLoad,
			file: "internal/hub/join.go",
			old:  "r JoinRequest) {\n\tif s.mayRequest(o, a, limit.LevelEntries) {", new: "r JoinRequest) {\n\tif s.mayRequest(o, a, limit.LevelPublishes+1) {",
		},
		{
			name: "rooms are made at every level", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "name string, ephemeral bool) {\n\tif !s.mayRequest(o, a, limit.LevelEntries) {", new: "name string, ephemeral bool) {\n\tif !s.mayRequest(o, a, limit.LevelPublishes+1) {",
		},
		{
			name: "messages to durable rooms are refused with the third level", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "case level >= limit.LevelPublishes:", new: "case level >= limit.LevelEntries:",
		},
		{
			name: "who is refused for the load is to come back with all others", promise: promiseLoad,
			file: "internal/hub/requests.go",
			old:  "try again with the same nonce\")\n\terr.RetryAfter += s.spread(o, a)\n", new: "try again with the same nonce\")\n",
		},
		{
			name: "requests at the store have no bound", promise: promiseBounded,
			file: "internal/hub/requests.go",
			old:  "\to.requests++\n", new: "",
		},
		{
			name: "messages on their way are not counted off", promise: promiseLoad,
			file: "internal/hub/home.go",
			old:  "h.shard.hub.pending.Add(int64(now - h.pending))", new: "h.shard.hub.pending.Add(int64(max(now-h.pending, 0)))",
		},
		{
			name: "messages whose nonces are asked for stay counted", promise: promiseLoad,
			file: "internal/room/publish.go",
			old:  "\tfor _, p := range pub.held {\n\t\tr.pendingBytes -= cost(p.Text)\n", new: "\tfor _, p := range pub.held {\n",
		},
		{
			name: "reads that wait for the store have messages refused", promise: promiseLoad,
			file: "internal/hub/load.go",
			old:  "const storeQueueMost = 0.99", new: "const storeQueueMost = 1.0",
		},
	}
}
