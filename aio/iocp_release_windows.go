package aio

import (
	"fmt"
	"time"

	"golang.org/x/sys/windows"
)

// releasePatience is how long Release waits for the system to give back what it
// holds. It is never waited out by a system that works.
const releasePatience = 5 * time.Second

// Release closes everything. Memory that the system has not given back in time is
// not freed, which is an error.
func (d *iocp) Release() error {
	for _, x := range d.listeners {
		d.dropAccepted(x)
	}
	d.sockets.each(func(_ Socket, s *socket) {
		if s.handle != windows.InvalidHandle {
			_ = windows.CancelIoEx(s.handle, nil)
			s.shut()
		}
	})
	err := d.drain()
	d.controls.close()
	d.copies.close()
	d.accepts.close()
	if e := d.waker.close(); err == nil {
		err = e
	}
	return err
}

// drain waits for the completions of all that is in flight.
func (d *iocp) drain() error {
	end := d.Now() + releasePatience
	for d.inFlight > 0 {
		left := end - d.Now()
		if left <= 0 {
			return fmt.Errorf("aio: the system keeps %d requests of a driver that is released", d.inFlight)
		}
		n, err := d.fetch(left)
		if err != nil {
			return err
		}
		for _, e := range d.entries[:n] {
			if e.control != nil {
				d.inFlight--
				d.bury(e.control)
			}
		}
	}
	d.checkBalance()
	return nil
}

// bury takes back the control of a request whose socket is gone.
func (d *iocp) bury(c *control) {
	switch c.op {
	case opCopy:
		d.copies.give(c.index)
	case opAccept:
		d.dropAccept(asControl[acceptance](c))
	default:
		d.controls.give(c.index)
	}
}

// checkBalance stops a program whose driver has lost a control: with nothing in
// flight all of them must be back.
func (d *iocp) checkBalance() {
	if lent := d.controls.inUse + d.copies.inUse + d.accepts.inUse; debugging && lent != 0 {
		panic(fmt.Sprintf("aio: %d controls are lent and nothing is in flight", lent))
	}
}
