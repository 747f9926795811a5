package aiotest

import (
	"errors"
	"io"
	"testing"

	"sarang/aio"
)

// byteCases: what is sent arrives, once, in order, whatever the sizes.
func byteCases() []testCase {
	tiny := aio.Config{RecvBufferBytes: 512, RecvBuffers: 4}
	return []testCase{
		{name: "echo", run: caseEcho},
		{name: "large-transfer", run: caseLargeTransfer},
		{name: "short-writes", run: caseShortWrites},
		{name: "would-block-then-writable", run: caseWouldBlock},
		{name: "would-block-frees-bytes", run: caseWouldBlockFreesBytes},
		{name: "would-block-does-not-hold-up-others", run: caseWouldBlockOthers},
		{name: "vector-limit", run: caseVectorLimit},
		{name: "shutdown", run: caseShutdown},
		{name: "stop-recv", run: caseStopRecv},
		{name: "stop-recv-again-and-again", run: caseStopRecvAgain},
		{name: "batch-of-one", batch: 1, run: caseManyConversations},
		{name: "small-completion-batches", configs: []aio.Config{{EventsMax: 4}}, run: caseManyConversations},
		{name: "receive-buffers-exhausted", configs: []aio.Config{tiny}, run: caseReceiveBuffersExhausted},
	}
}

// smallBuffers make a socket full after some tens of kilobytes.
func smallBuffers() aio.SocketOptions {
	return aio.SocketOptions{SendBufferBytes: 16 << 10, RecvBufferBytes: 16 << 10}
}

func caseEcho(b *bench) {
	near, far := b.pair(aio.SocketOptions{})
	near.recv()
	far.recv()
	for _, text := range []string{"a", "hello", "사랑방"} {
		b.transfer(near, far, text)
		b.transfer(far, near, text)
	}
}

func caseLargeTransfer(b *bench) {
	total := 8 << 20
	if testing.Short() {
		total = 1 << 20
	}
	near, far := b.pair(aio.SocketOptions{})
	atNear, atFar := b.expect(near, 1000), b.expect(far, 0)
	b.send(near, 0, total, 200_000, 2*aio.VectorMax)
	b.send(far, 1000, total, 70_000, 7)
	b.until("all bytes both ways", func() bool {
		return atNear.pos == total && atFar.pos == total && !near.sending && !far.sending
	})
	b.settle()
	if atNear.pos != total || atFar.pos != total {
		b.t.Fatalf("received %d and %d bytes of %d", atNear.pos, atFar.pos, total)
	}
}

func caseShortWrites(b *bench) {
	const total, perSend = 2 << 20, 256 << 10
	near, far := b.pair(smallBuffers())
	atFar := b.expect(far, 7)
	b.send(near, 7, total, perSend, 3)
	b.until("all bytes", func() bool { return atFar.pos == total })
	if near.shortTimes == 0 {
		b.t.Errorf("a socket of 16 KiB took %d bytes in whole sends of %d", total, perSend)
	}
}

func caseWouldBlock(b *bench) {
	near, far := b.pair(smallBuffers())
	src := b.fill(near, 0)
	full := src.pos
	if full == 0 {
		b.t.Fatal("the socket was full before it took a byte")
	}
	b.settle()
	if src.pos != full {
		b.t.Fatal("a socket went on taking bytes that nobody reads")
	}
	// Each KindWritable promises a try that is worth it; a few may be in vain.
	src.total = full + 1<<20
	fullTimes := near.fullTimes
	atFar := b.expect(far, 0)
	b.until("all bytes", func() bool { return atFar.pos == src.total && src.done() })
	if tries := near.fullTimes - fullTimes; tries > 20_000 {
		b.t.Errorf("full %d times for 1 MiB: the driver spins", tries)
	}
}

func caseWouldBlockFreesBytes(b *bench) {
	near, far := b.pair(smallBuffers())
	src := b.fill(near, 0)
	// The source has scribbled over what the blocked send had offered. Other
	// content goes into the same memory when the socket drains.
	src.stopped = true
	sent := src.pos
	atFar := b.expect(far, 0)
	b.until("the writable event", func() bool { return !near.sending })
	if near.sendErr != nil {
		b.t.Fatalf("writable with error %v on a healthy socket", near.sendErr)
	}
	src.stopped, src.total = false, sent+300_000
	src.start()
	b.until("all bytes", func() bool { return atFar.pos == src.total && src.done() })
}

// caseWouldBlockOthers: a stalled reader is its own problem only.
func caseWouldBlockOthers(b *bench) {
	listener, at := b.listen(b.loop(), smallBuffers())
	stalled, _ := b.join(b.loop(), b.loop(), listener, at, smallBuffers())
	src := b.fill(stalled, 0)
	near, far := b.join(b.loop(), b.loop(), listener, at, aio.SocketOptions{})
	near.recv()
	far.recv()
	for range 20 {
		b.transfer(near, far, "passing by")
		b.transfer(far, near, "likewise")
	}
	if src.done() {
		b.t.Fatal("the stalled socket drained with nobody reading")
	}
}

func caseVectorLimit(b *bench) {
	near, far := b.pair(aio.SocketOptions{})
	far.recv()
	v := make([][]byte, 100)
	for i := range v {
		v[i] = []byte{byte(i), byte(i), byte(i)}
	}
	near.send(v...) // the ledger refuses N beyond the first VectorMax slices
	b.until("the send to end", func() bool { return !near.sending })
	b.until("what was taken", func() bool { return len(far.got) == near.sentBytes })
	for i, c := range far.got {
		if c != byte(i/3) {
			b.t.Fatalf("byte %d is %d, want %d", i, c, i/3)
		}
	}
}

func caseShutdown(b *bench) {
	const total = 300_000
	near, far := b.pair(aio.SocketOptions{})
	atFar := b.expect(far, 5)
	atNear := b.expect(near, 9)
	src := b.send(near, 5, total, 50_000, 4)
	b.until("all to be taken", src.done)
	near.shutdown()
	b.until("the end of the stream", func() bool { return !far.receiving })
	if !errors.Is(far.recvErr, io.EOF) || atFar.pos != total {
		b.t.Fatalf("receiving ended with %v after %d bytes of %d", far.recvErr, atFar.pos, total)
	}
	far.recv()
	b.until("the end of the stream once more", func() bool { return !far.receiving })
	b.want("receiving after the end", far.recvErr, func(err error) bool { return errors.Is(err, io.EOF) })

	// The other direction still works, then ends too.
	back := b.send(far, 9, total, 50_000, 4)
	b.until("all bytes back", func() bool { return back.done() && atNear.pos == total })
	if !near.receiving {
		b.t.Fatalf("receiving ended early: %v", near.recvErr)
	}
	far.shutdown()
	b.until("the end of the other stream", func() bool { return !near.receiving })
	b.want("end of the other stream", near.recvErr, func(err error) bool { return errors.Is(err, io.EOF) })
}

func caseStopRecv(b *bench) {
	near, far := b.pair(aio.SocketOptions{})
	far.stopRecv() // nothing to stop: no effect, no event
	b.settle()
	far.recv()
	b.transfer(near, far, "one")
	far.stopRecv()
	b.until("receiving to end", func() bool { return !far.receiving })
	b.want("end of receiving", far.recvErr, isCanceled)
	near.sendAll([]byte("two"))
	b.until("the send to end", func() bool { return !near.sending })
	b.settle()
	if string(far.got) != "one" {
		b.t.Fatalf("received %q while receiving was stopped", far.got)
	}
	far.recv()
	b.until("the bytes that waited", func() bool { return string(far.got) == "onetwo" })
}

func caseStopRecvAgain(b *bench) {
	const total = 2 << 20
	near, far := b.pair(aio.SocketOptions{})
	atFar := b.expect(far, 3)
	b.send(near, 3, total, 10_000, 3)
	stops := 0
	far.react = func(e aio.Event) {
		switch {
		case e.Kind != aio.KindRecv || far.closing:
		case !e.More:
			b.want("end of receiving", e.Err, isCanceled)
			far.recv()
		case b.rng.IntN(3) == 0:
			far.stopRecv()
			far.stopRecv() // a second request changes nothing
			stops++
		}
	}
	b.until("all bytes", func() bool { return atFar.pos == total })
	if stops == 0 || far.recvEnds == 0 {
		b.t.Fatalf("receiving was stopped %d times and ended %d times", stops, far.recvEnds)
	}
}

// caseManyConversations: 50 connections talk both ways at once, whatever the
// size of a batch.
func caseManyConversations(b *bench) {
	const connections, bytesEach = 50, 30_000
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	var sinks []*sink
	for i := range connections {
		near, far := b.join(b.loop(), b.loop(), listener, at, aio.SocketOptions{})
		sinks = append(sinks, b.expect(near, 2*i), b.expect(far, 2*i+1))
		b.send(near, 2*i+1, bytesEach, 1000+i, 1+i%5)
		b.send(far, 2*i, bytesEach, 1000+i, 1+i%5)
	}
	b.until("all bytes", func() bool { return receivedAll(sinks, bytesEach) })
}

func receivedAll(sinks []*sink, bytesEach int) bool {
	for _, k := range sinks {
		if k.pos < bytesEach {
			return false
		}
	}
	return true
}

// caseReceiveBuffersExhausted: 64 sockets have data waiting when only four small
// buffers can be lent.
func caseReceiveBuffersExhausted(b *bench) {
	const connections, bytesEach = 64, 8000
	listener, at := b.listen(b.loop(), aio.SocketOptions{})
	var fars []*sock
	var sources []*source
	for i := range connections {
		near, far := b.join(b.loop(), b.loop(), listener, at, aio.SocketOptions{})
		fars = append(fars, far)
		sources = append(sources, b.send(near, i, bytesEach, bytesEach, 1))
	}
	b.until("everything to be sent", func() bool {
		for _, src := range sources {
			if !src.done() {
				return false
			}
		}
		return true
	})
	b.settle()
	var sinks []*sink
	for i, far := range fars {
		sinks = append(sinks, b.expect(far, i))
	}
	b.until("all bytes", func() bool { return receivedAll(sinks, bytesEach) })
}
