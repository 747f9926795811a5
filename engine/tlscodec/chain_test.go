package tlscodec_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/packet"
	"sarang/websocket"
)

// A WebSocket of a client over TLS, in pieces of every size: the request goes out when hands
// were shaken, messages come through both, and at the end both say goodbye.
func TestClientOverTLS(t *testing.T) {
	serverTLS, cert := serverConfig(t)
	over := tlscodec.Client(&engine.Protocol{
		Name: "ws", Framer: packet.Framer{},
		NewCodec: func(*engine.Session) engine.Codec {
			return websocket.NewClient(&websocket.ClientConfig{Host: "h", Path: "/ws", Protocol: "p", Framer: packet.Framer{}})
		},
	}, cert.Client())
	for _, piece := range []int{1, 2, 3, 7, 100, 1 << 20} {
		server, client := tlscodec.NewServer(serverTLS), over.NewCodec(nil)
		toServer, err := client.Start(nil)
		if err != nil {
			t.Fatal(err)
		}
		toClient, err := server.Start(nil)
		if err != nil {
			t.Fatal(err)
		}
		var atServer, atClient []byte
		var clientEnd error
		run := func() {
			for len(toServer)+len(toClient) > 0 {
				n := min(piece, len(toServer))
				b := toServer[:n]
				toServer = toServer[n:]
				if n > 0 {
					if atServer, toClient, err = server.Decode(atServer, toClient, b); err != nil && !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
				}
				n = min(piece, len(toClient))
				b = toClient[:n]
				if toClient = toClient[n:]; n > 0 && clientEnd == nil {
					atClient, toServer, clientEnd = client.Decode(atClient, toServer, b)
				}
			}
		}
		run()
		if client.Ready() || !server.Ready() {
			t.Fatalf("pieces of %d: the client is ready: %v, the server: %v", piece, client.Ready(), server.Ready())
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(atServer)))
		if err != nil {
			t.Fatal(err)
		}
		answer, _, err := websocket.Upgrade(r, http.Header{}, "p")
		if err != nil {
			t.Fatal(err)
		}
		say := func(b []byte) {
			if toClient, err = server.Encode(toClient, b); err != nil {
				t.Fatal(err)
			}
		}
		atServer = nil
		say(answer)
		say(websocket.AppendFrame(nil, websocket.OpBinary, []byte{4, 0, 9, 0}))
		run()
		if !client.Ready() || !bytes.Equal(atClient, []byte{4, 0, 9, 0}) || clientEnd != nil {
			t.Fatalf("pieces of %d: ready %v, %x, %v", piece, client.Ready(), atClient, clientEnd)
		}
		if toServer, err = client.Encode(toServer, []byte{4, 0, 7, 0}); err != nil {
			t.Fatal(err)
		}
		say(websocket.AppendFrame(nil, websocket.OpClose, nil))
		run()
		h, err := (websocket.Framer{Masked: true, PayloadBytesMax: 100}).Header(atServer)
		if err != nil || h.Opcode != websocket.OpBinary || h.Payload != 4 || clientEnd != io.EOF {
			t.Errorf("pieces of %d: %+v, %v; the client ends with %v", piece, h, err, clientEnd)
		}
		toServer = client.End(toServer)
		run()
		if _, _, err := server.Decode(nil, nil, nil); err != io.EOF {
			t.Errorf("pieces of %d: the end of the client is %v", piece, err)
		}
		client.(engine.CodecReleaser).Release()
		server.Release()
	}
}
