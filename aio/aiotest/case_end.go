package aiotest

import (
	"sarang/aio"
)

// endCases: the ways in which a connection is over.
func endCases() []testCase {
	return []testCase{
		{name: "reset-during-recv", run: caseResetDuringRecv},
		{name: "reset-during-blocked-send", run: caseResetDuringBlockedSend},
		{name: "reset-during-both", run: caseResetDuringBoth},
		{name: "send-to-closed-peer", run: caseSendToClosedPeer},
		{name: "send-after-shutdown", run: caseSendAfterShutdown},
		{name: "close-during-recv", run: caseCloseDuringRecv},
		{name: "close-during-blocked-send", run: caseCloseDuringBlockedSend},
		{name: "close-with-all-in-flight", run: caseCloseAllInFlight},
		{name: "close-delivers-what-was-sent", run: caseCloseDelivers},
		{name: "close-refuses-further-requests", run: caseCloseRefuses},
		{name: "release-with-all-in-flight", run: caseReleaseAllInFlight},
	}
}

// resetting closes with a reset.
func resetting() aio.SocketOptions {
	o := smallBuffers()
	o.LingerResetOnClose = true
	return o
}

func caseResetDuringRecv(b *bench) {
	near, far := b.pair(resetting())
	far.recv()
	b.transfer(near, far, "before")
	near.close()
	b.until("receiving to end", func() bool { return !far.receiving })
	b.want("receiving", far.recvErr, isReset)
	if !near.dead {
		b.until("the closed end to be gone", func() bool { return near.dead })
	}
}

func caseResetDuringBlockedSend(b *bench) {
	near, far := b.pair(resetting())
	b.fill(far, 0).stopped = true // the writable event itself must have the error
	near.close()
	b.until("the blocked send to end", func() bool { return !far.sending })
	b.want("blocked send", far.sendErr, isReset)
}

func caseResetDuringBoth(b *bench) {
	near, far := b.pair(resetting())
	far.recv()
	b.fill(far, 0).stopped = true // the writable event itself must have the error
	near.close()
	b.until("both requests to end", func() bool { return !far.sending && !far.receiving })
	b.want("blocked send", far.sendErr, isReset)
	if !far.ended() {
		b.t.Fatalf("receiving ended with %v, want a reset", far.recvErr)
	}
}

// caseSendToClosedPeer: sooner or later, sending to a peer that is gone fails.
func caseSendToClosedPeer(b *bench) {
	near, far := b.pair(resetting())
	near.close()
	src := b.send(far, 0, 64<<20, 1000, 1)
	b.until("a send to fail", func() bool { return !far.sending })
	b.want("send", far.sendErr, isReset)
	if src.done() {
		b.t.Fatal("everything was sent to nobody")
	}
}

func caseSendAfterShutdown(b *bench) {
	near, _ := b.pair(aio.SocketOptions{})
	near.shutdown()
	bytes := []byte("too late")
	if err := near.loop.d.Send(near.name, [][]byte{bytes}); err != nil {
		return // refused at once: nothing was started
	}
	near.sending, near.sendBytes = true, len(bytes)
	b.until("the send to fail", func() bool { return !near.sending })
	b.want("send after shutdown", near.sendErr, func(error) bool { return true })
}

func caseCloseDuringRecv(b *bench) {
	near, far := b.pair(aio.SocketOptions{})
	near.recv()
	far.recv()
	b.settle()
	far.close()
	b.until("the socket to be gone", func() bool { return far.dead })
	b.want("receiving", far.recvErr, isCanceled)
	b.until("the peer to see the end", func() bool { return !near.receiving })
	if !near.ended() {
		b.t.Fatalf("the peer's receiving ended with %v", near.recvErr)
	}
}

func caseCloseDuringBlockedSend(b *bench) {
	near, _ := b.pair(smallBuffers())
	b.fill(near, 0)
	near.close()
	b.until("the socket to be gone", func() bool { return near.dead })
	b.want("blocked send", near.sendErr, func(error) bool { return true })
}

// caseCloseAllInFlight: both ends receive, send without end and are closed in
// the midst of it.
func caseCloseAllInFlight(b *bench) {
	listener, at := b.listen(b.loop(), smallBuffers())
	for round := range 30 {
		near, far := b.join(b.loop(), b.loop(), listener, at, smallBuffers())
		b.expect(near, 0)
		b.expect(far, 1)
		b.send(near, 1, 64<<20, 40_000, 5)
		b.send(far, 0, 64<<20, 40_000, 5)
		for range round % 5 {
			b.step(0)
		}
		near.close()
		if round%2 == 0 {
			far.close()
		}
		b.until("the near end to be gone", func() bool { return near.dead })
		b.want("receiving", near.recvErr, func(err error) bool { return isCanceled(err) || near.ended() })
		b.until("the far end to notice", func() bool { return !far.receiving && !far.sending })
	}
}

// caseCloseDelivers: what a socket has taken reaches a peer that reads, although
// the socket is closed.
func caseCloseDelivers(b *bench) {
	const total = 100_000
	near, far := b.pair(aio.SocketOptions{})
	src := b.send(near, 0, total, 10_000, 2)
	atFar := b.expect(far, 0)
	b.until("all to be taken", src.done)
	near.close()
	b.until("the end of the stream", func() bool { return !far.receiving })
	if atFar.pos != total || !far.ended() {
		b.t.Fatalf("received %d bytes of %d, then %v", atFar.pos, total, far.recvErr)
	}
}

func caseCloseRefuses(b *bench) {
	near, far := b.pair(aio.SocketOptions{})
	near.recv()
	b.settle()
	near.close()
	near.loop.stale(near.name)
	far.close()
	far.loop.stale(far.name)
	b.until("both to be gone", func() bool { return near.dead && far.dead })
}

// caseReleaseAllInFlight: Release needs no Close; the open files are counted
// afterwards.
func caseReleaseAllInFlight(b *bench) {
	listener, at := b.listen(b.loop(), smallBuffers())
	for range 10 {
		near, far := b.join(b.loop(), b.loop(), listener, at, smallBuffers())
		near.recv()
		far.recv()
		b.join(b.loop(), b.loop(), listener, at, smallBuffers())
		stuck, _ := b.join(b.loop(), b.loop(), listener, at, smallBuffers())
		b.send(stuck, 0, 1<<20, 100_000, 3)
	}
	b.step(0)
	b.loop().connect(at, aio.SocketOptions{})
	b.release()
}
