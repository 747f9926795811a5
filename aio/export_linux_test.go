package aio

// OpenTinyUring opens an io_uring driver whose queues hold next to nothing, so that
// early hand-over and completions that do not fit happen all the time.
func OpenTinyUring(c Config) (Driver, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	return openUringSized(c, 4, 8)
}

// OpenCoarseEpoll opens an epoll driver as it is where epoll_pwait2 is missing.
func OpenCoarseEpoll(c Config) (Driver, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	d, err := openEpoll(c)
	if err == nil {
		d.(*epoll).precise = false
	}
	return d, err
}

// ProbeResets has an io_uring driver make a round of its probes for resets. It returns
// how many are queued then, and how many sockets the system was asked about.
func ProbeResets(d Driver) (queued, probed int) {
	u := d.(*uring)
	for first := true; first || u.resets.round > 0; first = false {
		u.probeResets()
		probed += len(u.resets.polls)
	}
	return u.resets.queue.count, probed
}
