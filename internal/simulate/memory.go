package simulate

// Sizes that bound memory, beside those of the plan.
const (
	packetBytes = 64 << 10 // the largest packet, and what a buffer is rounded up to
)

// checkMemory compares what the server has of buffers with the promise: that of the
// rooms' windows, and what is bounded per session, whatever the readers do.
func (r *run) checkMemory() {
	if r.server == nil {
		return
	}
	p := &r.plan
	perSession := 4*p.directQueueBytesMax + 2*packetBytes + len(p.rooms)*(p.pageBytesMax+packetBytes)
	bound := r.windowsBytesMax(p.feedBurstBytesMax) + r.server.svc.Sessions()*perSession
	if used := r.usedBytes(); used > bound {
		r.fail("the server has buffers of %d bytes in use; %d is the bound", used, bound)
	}
	if most := p.limits.rates.AddressesMax; most > 0 {
		if n := r.server.hub.Stats().Addresses; n > most {
			r.fail("the server remembers %d addresses; %d is the bound", n, most)
		}
	}
}

// checkIdleMemory does so when nothing moves: sessions have no buffers then.
func (r *run) checkIdleMemory() {
	if used, bound := r.usedBytes(), r.windowsBytesMax(r.plan.feedWindowBytesMax); used > bound {
		r.fail("at rest the server has buffers of %d bytes in use; %d is the bound", used, bound)
	}
}

func (r *run) usedBytes() int { return int(r.server.svc.Stats().Memory.Total.InUseBytes) }

// windowsBytesMax is a window of so many bytes, one chunk that is being filled, and
// one of which the window needs only the end, per room and format. The windows of several
// workers share bytes.
func (r *run) windowsBytesMax(windowBytes int) int {
	formats := 1
	if r.plan.webSockets() {
		formats++
	}
	return formats * len(r.plan.rooms) * (2*windowBytes + 3*max(r.plan.chunkBytes, 16<<10))
}
