package control

import "syscall"

// chmodFails: the socket has the access list of the data folder, which is under the user's own
// profile by default.
const chmodFails = true

func ownerOnly(_, _ string, _ syscall.RawConn) error { return nil }
