package simulate

import "time"

// How long a message may take when nothing is wrong, and how long a reader may take to
// make up for what it has not read: less than the heartbeats, which would get a
// session going that was forgotten.
const (
	promptly     = 150 * time.Millisecond
	promptlySlow = 280 * time.Millisecond
)

// probe says something in every room, again and again, and expects all to have it at
// once.
func (r *run) probe() {
	for _, a := range r.actors {
		for _, s := range a.seats {
			a.say(s, a.text(30))
			r.settleWithin(promptly)
		}
	}
}

func (r *run) settleWithin(d time.Duration) {
	end := r.world.Now() + d
	r.until("a message is everywhere at once", 0, func() string {
		missing := r.unsettled()
		if missing != "" && r.world.Now() > end {
			r.fail("nothing is wrong, and a message is not everywhere after %v: %s", d, missing)
		}
		return missing
	})
}

// probeSlow has a client stop reading until its socket is full, and expects it to make
// up for that at once when it reads on.
func (r *run) probeSlow() {
	if r.plan.socketBufferBytes > 1500 {
		return // it would take too much to fill it
	}
	for _, reader := range r.actors {
		for _, writer := range r.actors {
			if reader == writer {
				continue
			}
			for _, s := range writer.seats {
				if reader.seat(s.room) != nil {
					r.fill(reader, writer, s)
					return
				}
			}
		}
	}
}

func (r *run) fill(reader, writer *actor, s *seat) {
	reader.note("is asleep")
	reader.asleep = true
	reader.link.session.Engine().Pause()
	for bytes := 0; bytes < 2*r.plan.socketBufferBytes+1000; {
		text := writer.text(200)
		writer.say(s, text)
		bytes += len(text) + 30 // and what is around it
	}
	r.until("the others have the messages", 0, writer.unsettled)
	reader.asleep = false
	if reader.link == nil || reader.link.session.Engine() == nil {
		r.until("all are back", time.Second, r.unsettled) // it was asleep for too long
		return
	}
	reader.resume()
	r.settleWithin(promptlySlow)
}
