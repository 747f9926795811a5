package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"sarang/engine"
	"sarang/packet"
)

// parrot answers every frame with the same frame.
type parrot struct{ engine.NopHandler }

func (parrot) Received(s *engine.Session, frame []byte) {
	_ = s.Send(frame) // an error ends the session, and Disconnected is called
}

func Example() {
	service, err := engine.New(engine.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer service.Close()
	_ = service.Start()
	echo := &engine.Protocol{
		Name:       "echo",
		Framer:     packet.Framer{},
		NewHandler: func(*engine.Worker) engine.Handler { return parrot{} },
	}
	at, _ := service.Listen(netip.MustParseAddrPort("127.0.0.1:0"), echo)

	client, _ := net.Dial("tcp", at.String())
	defer client.Close()
	hello := []byte{12, 0, 2, 0, 'a', 'n', 'n', 'y', 'e', 'o', 'n', 'g'}
	_, _ = client.Write(hello)
	reply := make([]byte, len(hello))
	_, _ = io.ReadFull(client, reply)
	fmt.Printf("%s\n", reply[packet.HeaderBytes:])
	// Output: annyeong
}
