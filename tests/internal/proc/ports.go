package proc

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports that FreeAddr gives out. They are below those that systems choose from for
// connecting: a client that tries again and again to reach a port of that range, where
// no server is, would meet itself sooner or later.
const (
	portMin = 20000
	portMax = 32000
)

// FreeAddr returns 127.0.0.1:PORT with a port that nobody listened on a moment ago.
func FreeAddr() string {
	const tries = 100
	for range tries {
		addr := fmt.Sprintf("127.0.0.1:%d", portMin+rand.IntN(portMax-portMin))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = l.Close()
		return addr
	}
	return "127.0.0.1:0" // the server will pick one, or say what is wrong
}
