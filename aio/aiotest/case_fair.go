package aiotest

import "sarang/aio"

// fairCases: one peer does not keep the others waiting.
func fairCases() []testCase {
	few := aio.Config{RecvBufferBytes: 256, RecvBuffers: 16}
	return []testCase{
		{name: "sent-together", configs: []aio.Config{few}, run: caseSentTogether},
	}
}

// flood counts what one socket receives in a Wait.
type flood struct {
	sink   *sink
	wait   int // the last Wait that had something
	events int // of that Wait
	most   int // events of one Wait
}

func (f *flood) count(l *loop) {
	if f.wait != l.waits {
		f.wait, f.events = l.waits, 0
	}
	f.events++
	f.most = max(f.most, f.events)
}

// caseSentTogether: one peer has sent much more than the buffers of a Wait hold, and
// goes on; another has sent a word. Much is read in several pieces at a time, and the
// word comes all the same.
func caseSentTogether(b *bench) {
	const word = "and I"
	l := b.loop()
	bytesPerWait := l.config.RecvBuffers * l.config.RecvBufferBytes
	listener, at := b.listen(l, smallBuffers())
	loud, loudFar := b.join(l, l, listener, at, smallBuffers())
	quiet, quietFar := b.join(l, l, listener, at, smallBuffers())
	src := b.fill(loud, 0)
	quiet.sendAll([]byte(word))
	b.until("the word to be sent", func() bool { return !quiet.sending })
	b.settle()

	f := flood{sink: b.expect(loudFar, 0)}
	loudFar.react = func(e aio.Event) { f.count(l) }
	before := -1 // events of the flood before the word, in the same Wait
	quietFar.react = func(e aio.Event) {
		if before < 0 {
			before = 0
			if f.wait == l.waits {
				before = f.events
			}
		}
	}
	quietFar.recv()
	b.until("the word", func() bool { return string(quietFar.got) == word })
	if f.sink.pos > 4*bytesPerWait {
		b.t.Errorf("the word came behind %d bytes of another peer", f.sink.pos)
	}
	if b.factory.ReadsInTurns && before > 1 {
		b.t.Errorf("the word came behind %d reads of another peer in one Wait", before)
	}
	src.total = src.pos + bytesPerWait
	b.until("the rest", func() bool { return src.done() && f.sink.pos == src.total })
	if f.most < 2 && !b.factory.ReadsOnce {
		b.t.Error("no Wait has read more than one buffer of what was sent together")
	}
}
