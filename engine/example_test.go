package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"sarang/engine"
	"sarang/packet"
)

// parrot answers every packet with the same packet.
type parrot struct {
	engine.NopHandler
	reply []byte // reused: a worker's handler is alone with what it has
}

func (p *parrot) Packet(s *engine.Session, got packet.Packet) {
	p.reply, _ = packet.AppendHeader(p.reply[:0], got.ID, len(got.Payload))
	p.reply = append(p.reply, got.Payload...)
	_ = s.Send(p.reply) // an error ends the session, and Disconnected tells
}

func Example() {
	service, err := engine.New(engine.Config{
		NewHandler: func(*engine.Worker) engine.Handler { return new(parrot) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer service.Close()
	_ = service.Start()
	at, _ := service.Listen(netip.MustParseAddrPort("127.0.0.1:0"))

	client, _ := net.Dial("tcp", at.String())
	defer client.Close()
	hello := []byte{12, 0, 2, 0, 'a', 'n', 'n', 'y', 'e', 'o', 'n', 'g'}
	_, _ = client.Write(hello)
	reply := make([]byte, len(hello))
	_, _ = io.ReadFull(client, reply)
	fmt.Printf("%s\n", reply[packet.HeaderBytes:])
	// Output: annyeong
}
