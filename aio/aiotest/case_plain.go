package aiotest

import (
	"io"
	"net"
	"sync"

	"sarang/aio"
)

// casePlainPeer: the far end is the runtime's own network, in both directions
// and both roles.
func casePlainPeer(b *bench) {
	const total = 500_000
	l := b.loop()
	listener, at := b.listen(l, aio.SocketOptions{})
	plain, err := net.Listen("tcp", b.factory.Loopback.String())
	if err != nil {
		b.t.Fatal(err)
	}
	defer plain.Close()
	plainAt := plain.Addr().(*net.TCPAddr).AddrPort()

	var group sync.WaitGroup
	defer group.Wait()
	failures := make(chan error, 2)
	group.Go(func() { // echoes what connects to it
		c, err := plain.Accept()
		if err == nil {
			err = echoAll(c)
			c.Close()
		}
		failures <- err
	})
	group.Go(func() { // connects, and echoes
		c, err := net.Dial("tcp", at.String())
		if err == nil {
			err = echoAll(c)
			c.Close()
		}
		failures <- err
	})

	ends := []*sock{l.connect(plainAt, aio.SocketOptions{}), l.attach(b.nextConn(listener))}
	b.until("the connect", func() bool { return ends[0].connected })
	for i, s := range ends {
		echo := b.expect(s, i)
		src := b.send(s, i, total, 20_000, 4)
		b.until("the echo", func() bool { return src.done() && echo.pos == total })
		s.shutdown()
		b.until("the end of the stream", func() bool { return !s.receiving })
		if err := <-failures; err != nil {
			b.t.Fatalf("plain peer: %v", err)
		}
	}
}

// echoAll sends back what comes, until the end of the stream. The plain interfaces
// keep io.Copy from splicing through a pipe, which the runtime would hold on to and
// which would count as an open file after the case.
func echoAll(c net.Conn) error {
	_, err := io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
	return err
}
