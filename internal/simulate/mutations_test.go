package simulate_test

// mutation is a fault put into the server on purpose: the source file, a text in it,
// and what stands there instead. The simulation must notice.
type mutation struct {
	name     string
	file     string
	old, new string
	few      bool // one of those that a short check tries
}

func mutations() []mutation {
	return []mutation{
		// Acknowledged means stored.
		{
			name: "a message is acknowledged before its commit", few: true,
			file: "internal/hub/home.go",
			old:  "\tcase room.Queued:\n\t\tcounts.published.Add(1)\n",
			new:  "\tcase room.Queued:\n\t\tcounts.published.Add(1)\n\t\th.ack(room.Ack{Ref: room.Ref(c.session), Nonce: c.answer.Nonce, Seq: h.room.Info().LastSeq + 1})\n",
		},
		{
			name: "a commit that failed counts as done",
			file: "internal/hub/shard.go",
			old:  "if j.err == nil {", new: "if j.err == nil || len(j.events) > 1 {",
		},
		{
			name: "an uncertain commit counts as failed",
			file: "internal/hub/writer.go",
			old:  "if last < j.events[len(j.events)-1].Seq {", new: "if last <= j.events[len(j.events)-1].Seq {",
		},
		{
			name: "an uncertain commit counts as done",
			file: "internal/hub/writer.go",
			old:  "if last < j.events[len(j.events)-1].Seq {", new: "if last < j.events[0].Seq && false {",
		},
		// Stored before shown.
		{
			name: "events are shown before their commit",
			file: "internal/hub/shard.go",
			old:  "\t\tif h.room.Info().Ephemeral {\n", new: "\t\tif h.room.Info().Ephemeral || len(events) > 3 {\n",
		},
		// In order, once.
		{
			name: "a reader begins one event late", few: true,
			file: "internal/room/room.go",
			old:  "\treturn Start{After: seq}\n", new: "\treturn Start{After: min(seq+1, last)}\n",
		},
		{
			name: "a cursor moves one entry too far",
			file: "engine/cursor.go",
			old:  "c.next = max(c.next, next)\n", new: "c.next = min(max(c.next, next)+1, c.feed.Next())\n",
		},
		{
			name: "nonces of before a restart are not asked for",
			file: "internal/room/room.go",
			old:  "info.Ephemeral || info.LastSeq == 0)", new: "true)",
		},
		{
			name: "nonces that were loaded are not kept",
			file: "internal/room/nonces.go",
			old:  "\tp.highest = max(p.highest, n)\n", new: "\tif s == 0 {\n\t\tp.highest = max(p.highest, n)\n\t}\n",
		},
		{
			name: "a forgotten author counts as new",
			file: "internal/room/nonces.go",
			old:  "c.complete = false // somebody", new: "// somebody",
		},
		{
			name: "a failed message stays known",
			file: "internal/room/publish.go",
			old:  "\t\tpub.forget(e.Nonce)\n", new: "",
		},
		{
			name: "an ephemeral room keeps its epoch over a restart",
			file: "internal/hub/hub.go",
			old:  "r.Epoch, r.LastSeq = h.newEpoch(), 0", new: "r.LastSeq = 0",
		},
		{
			name: "the clock of a room goes back",
			file: "internal/room/publish.go",
			old:  "r.lastMs = max(r.lastMs, nowMs)", new: "r.lastMs = nowMs",
		},
		// Each request has one outcome; nobody waits for ever.
		{
			name: "a retry takes the outcome from the first attempt",
			file: "internal/room/publish.go",
			old:  "b.also = append(b.also, also{i, p.Ref})", new: "b.refs[i] = p.Ref",
		},
		{
			name: "a session that was held up is not heard again",
			file: "internal/hub/local.go",
			old:  "o.inFlight <= s.hub.config.PublishesInFlightMax/2", new: "o.inFlight < 0",
		},
		{
			name: "lost wake-up: a socket that is writable again is not served",
			file: "engine/worker.go",
			old:  "\t\ts.flags &^= flagBlocked\n", new: "\t\ts.flags &^= flagBlocked\n\t\tif e.Err == nil {\n\t\t\treturn\n\t\t}\n",
		},
		{
			name: "lost wake-up: a feed that grew is not served",
			file: "engine/feed.go",
			old:  "if !f.dirty && len(f.cursors) > 0 {", new: "if !f.dirty && len(f.cursors) > 1 {",
		},
		{
			name: "a page that is on its way is never over",
			file: "engine/cursor.go",
			old:  "\tc.fetching = false\n\tif first ==", new: "\tif first ==",
		},
		// Nobody gets what is another's.
		{
			name: "a slot is used again under the same generation", few: true,
			file: "engine/table.go",
			old:  "t.generations[slot] = (t.generations[slot] + 1) & generationMask", new: "t.generations[slot] &= generationMask",
		},
		{
			name: "a client retries under another nonce",
			file: "client/publish.go",
			old:  "uint64(r.info.ID), uint64(p.nonce), p.text", new: "uint64(r.info.ID), uint64(p.nonce)^map[bool]uint64{true: 1 << 20}[p.sent], p.text",
		},
		{
			name: "the only reader of a worker is forgotten",
			file: "internal/hub/home.go",
			old:  "if n > 0 && to != h.shard", new: "if n > 1 && to != h.shard",
		},
		{
			name: "the rest of a cut entry is lost",
			file: "engine/send.go",
			old:  "\t\tif lo < hi {\n", new: "\t\tif lo < hi && lo > n {\n",
		},
		{
			name: "bytes are released while they are being sent",
			file: "engine/send.go",
			old:  "\tbuf.Retain()\n\top.vec", new: "\tbuf.Retain()\n\tbuf.Release()\n\tbuf.Retain()\n\tif len(op.vec) > 2 {\n\t\tbuf.Release()\n\t}\n\top.vec",
		},
		{
			name: "a packet that is cut in two is forgotten",
			file: "engine/receive.go",
			old:  "\tif b = w.packets(s, b); len(b) == 0 || s.Closing() {", new: "\tif b = w.packets(s, b); len(b) < 4 || s.Closing() {",
		},
		// Bounded, and nothing left over.
		{
			name: "a window is not trimmed",
			file: "engine/feed.go",
			old:  "\tfor f.chunks.Len() > 1 {\n", new: "\tfor f.chunks.Len() > 30 {\n",
		},
		{
			name: "a session that is over is still counted",
			file: "engine/worker.go",
			old:  "\n\tw.sessions.free(s)\n\tw.service.live.Add(-1)\n", new: "\n\tw.sessions.free(s)\n",
		},
		{
			name: "events for another worker are not released",
			file: "internal/hub/local.go",
			old:  "\t\tn.run.buf.Release()\n", new: "",
		},
		{
			name: "the copy of a window is not released",
			file: "internal/hub/local.go",
			old:  "\tif n.window != nil {\n\t\tn.window.Release()\n", new: "\tif n.window != nil {\n",
		},
		{
			name: "a session that is over stays in its rooms",
			file: "internal/hub/login.go",
			old:  "for _, p := range o.places {", new: "for _, p := range o.places[min(1, len(o.places)):] {",
		},
		{
			name: "a member who is away stays for ever",
			file: "internal/room/room.go",
			old:  "m.since == a.since && m.sessions == 0", new: "m.since == a.since+1 && m.sessions == 0",
		},
	}
}
