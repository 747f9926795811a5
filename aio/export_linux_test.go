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
