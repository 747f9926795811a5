package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"sarang/aio/aiosim"
)

// plan is what a seed decides before anything runs.
type plan struct {
	clients, workers int
	rooms            []roomPlan
	steps            int

	// Limits, small so that they are met.
	feedWindowBytesMax   int
	feedBurstBytesMax    int
	directQueueBytesMax  int
	answerQueueBytesMax  int // an answer from the store waits while more is to be sent
	sendBytesMax         int
	pageBytesMax         int
	textBytesMax         int
	historyItemsMax      int
	authorsMax           int
	batchEventsMax       int
	retriesWaitMax       int
	chunkBytes           int
	commitEventsMax      int
	feedTurnMax          int
	sliceFramesMax       int
	turnFramesMax        int
	doorwayBytes         int // read by another protocol first; 0: none
	publishesInFlightMax int
	announceMembersMax   int
	sessionsMax          int
	editSecondsMax       int // 0: a message may be edited for ever
	socketBufferBytes    int
	recvBufferBytes      int

	heartbeat, idle time.Duration
	login, linger   time.Duration
	awayGrace       time.Duration
	roomIdle        time.Duration
	debug           bool // buffers from the allocator that faults on use after free

	weather float64 // 0: a perfect world, 1: everything goes wrong often
	rates   rates
	limits  limitPlan
}

type roomPlan struct {
	name      string
	ephemeral bool
}

// rates are how often something is done, per step.
type rates struct {
	act, pass            float64
	harm, move           float64
	crash, drain         float64
	storm, jump, weather float64
	disk, stall, ghost   float64
	copyDisk, putBack    float64 // see putBack
}

// drawAnswers decides how soon an answer from the store waits, and is overtaken by what does not.
func (p *plan) drawAnswers(rng *rand.Rand) {
	p.answerQueueBytesMax = []int{1, 100, 4 << 10}[rng.IntN(3)]
}

// draw makes a plan. size scales how much happens.
func draw(rng *rand.Rand, size float64) plan {
	among := func(all ...int) int { return all[rng.IntN(len(all))] }
	milliseconds := func(lo, hi int) time.Duration {
		return time.Duration(lo+rng.IntN(hi-lo+1)) * time.Millisecond
	}
	p := plan{
		clients: 3 + rng.IntN(among(4, 10, 28)), workers: 1 + rng.IntN(3),
		feedWindowBytesMax: among(200, 600, 3000, 20000), sendBytesMax: among(300, 2000, 16<<10),
		pageBytesMax: among(1, 500, 5000, 64<<10), textBytesMax: among(60, 1000, 6000),
		authorsMax: among(1, 2, 5, 4096), publishesInFlightMax: among(1, 2, 5, 256),
		announceMembersMax: among(0, 3, 100),
		socketBufferBytes:  among(300, 1500, 9000, 65536), recvBufferBytes: among(64, 700, 4096),
		heartbeat: milliseconds(300, 1500), login: milliseconds(500, 2000), linger: milliseconds(50, 500),
		awayGrace: milliseconds(50, 2000),
		debug:     rng.IntN(16) == 0, // it costs three times the time of all else
		weather:   rng.Float64(),
	}
	p.feedBurstBytesMax = p.feedWindowBytesMax * among(1, 1, 10)
	p.idle = 2*p.heartbeat + milliseconds(500, 2000)
	p.historyItemsMax = 1 + rng.IntN(20)
	// A page of history goes through the direct queue, and must fit.
	page := min(p.historyItemsMax*(p.textBytesMax+100), 40<<10)
	p.directQueueBytesMax = page + among(2000, 5000, 30000)
	p.sessionsMax = among(p.clients, p.clients+2, 3*p.clients, 60000)
	for i := range 1 + rng.IntN(among(1, 3, 6)) {
		p.rooms = append(p.rooms, roomPlan{fmt.Sprintf("room%d", i), rng.IntN(4) == 0})
	}
	p.steps = int(size * float64(2000+rng.IntN(6000)))
	p.rates = drawRates(rng)
	p.batchEventsMax, p.chunkBytes = among(1, 2, 5, 1024), among(200, 1000, 16<<10)
	p.retriesWaitMax = among(1, 2, 1024)
	p.roomIdle = milliseconds(1, 3000)
	p.doorwayBytes = among(0, 0, 1, 5, 12)
	p.feedTurnMax, p.commitEventsMax = among(1, 2, 1024), among(1, 20, 8192)
	p.sliceFramesMax, p.turnFramesMax = among(4, 12, 1<<20), among(1, 2, 16)
	return p
}

func drawRates(rng *rand.Rand) rates {
	// Some runs have none of a kind, so that the others are seen without it.
	rate := func(most float64) float64 {
		if rng.IntN(4) == 0 {
			return 0
		}
		return most * rng.Float64()
	}
	return rates{
		act: 0.05 + 0.3*rng.Float64(), pass: 0.1 + 0.4*rng.Float64(),
		harm: rate(0.01), move: rate(0.01), crash: rate(0.002), drain: rate(0.0005),
		storm: rate(0.001), jump: rate(0.002), weather: rate(0.005), disk: rate(0.005), stall: rate(0.005),
		ghost: rate(0.003),
	}
}

// drawFaults makes a weather: what the network does from now on.
func (p *plan) drawFaults(rng *rand.Rand) aiosim.Faults {
	sometimes := func(most float64) float64 {
		if rng.IntN(2) == 0 {
			return 0
		}
		return most * p.weather * rng.Float64()
	}
	f := aiosim.Faults{
		DelayMax:  time.Duration(rng.IntN(60)) * time.Millisecond,
		ShortSend: sometimes(0.9), ShortRecv: sometimes(0.9), SpuriousFull: sometimes(0.5),
		Stall: sometimes(0.1), StallMin: time.Millisecond, StallMax: time.Duration(1+rng.IntN(1500)) * time.Millisecond,
		AbortDelayMax: time.Duration(rng.IntN(80)) * time.Millisecond,
		Reset:         sometimes(0.02), Refuse: sometimes(0.3), AcceptError: sometimes(0.2), Vanish: sometimes(0.1),
	}
	f.DelayMin = f.DelayMax / time.Duration(1+rng.IntN(4))
	if rng.IntN(2) == 0 {
		f.SegmentBytesMin, f.SegmentBytesMax = 1, 1+rng.IntN(400)
	}
	if rng.IntN(4) == 0 {
		f.BytesPerSecond = 2000 + rng.IntN(100000)
	}
	return f
}
