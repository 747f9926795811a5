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

// Inspect has an io_uring driver look at a round of its suspects and tells how many
// are left, and how many of the sockets that it asked the system about.
func Inspect(d Driver) (left, asked int) {
	u := d.(*uring)
	for first := true; first || u.suspects.round > 0; first = false {
		u.inspect()
		asked += len(u.suspects.asked)
	}
	return u.suspects.names.count, asked
}
