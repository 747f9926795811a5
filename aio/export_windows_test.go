package aio

// InSystem tells how many requests of an IOCP driver the system has, and how many
// controls are lent for them: for receives and connects, for copies, for accepts.
func InSystem(d Driver) (requests, controls, copies, accepts int) {
	x := d.(*iocp)
	return x.inFlight, x.controls.inUse, x.copies.inUse, x.accepts.inUse
}

// AcceptsPosted is how many accepts wait at a listener.
const AcceptsPosted = acceptsPosted
