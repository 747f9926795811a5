package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// acceptGUID is appended to a client's key; RFC 6455, section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// version is the only one; RFC 6455, section 4.1.
const version = "13"

// acceptKey is what a server answers to a client's key; RFC 6455, section 4.2.2.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + acceptGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// HandshakeError is a request that does not ask for a WebSocket as it must, or an answer that
// does not give one.
type HandshakeError struct {
	Status int // of the answer
	What   string
}

// Error says what is wrong.
func (e *HandshakeError) Error() string { return "websocket: " + e.What }

// Upgrade checks a client's request (RFC 6455, section 4.2.1) and returns the whole answer
// that makes a WebSocket of its connection, with the subprotocol that it has: the first of
// known that the client offers. It does not look at Origin and Host. An error is a
// *HandshakeError; what header has by then is to be answered with it.
func Upgrade(r *http.Request, header http.Header, known ...string) (answer []byte, protocol string, err error) {
	u, err := UpgradeWith(r, header, false, known...)
	return u.Answer, u.Protocol, err
}

// Upgraded is what was agreed on.
type Upgraded struct {
	Answer   []byte
	Protocol string
	Deflate  bool // messages may be compressed
}

// UpgradeWith is Upgrade; with deflate, compression is accepted if the client offers it.
func UpgradeWith(r *http.Request, header http.Header, deflate bool, known ...string) (Upgraded, error) {
	refuse := func(status int, what string) (Upgraded, error) {
		return Upgraded{}, &HandshakeError{status, what}
	}
	keys := r.Header.Values("Sec-Websocket-Key")
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1):
		return refuse(http.StatusMethodNotAllowed, "a WebSocket begins with a GET of HTTP/1.1")
	case !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket"):
		header.Set("Connection", "Upgrade")
		header.Set("Upgrade", "websocket")
		return refuse(http.StatusUpgradeRequired, "here is a WebSocket: the request must ask for an upgrade to one")
	case r.Header.Get("Sec-Websocket-Version") != version:
		header.Set("Sec-Websocket-Version", version)
		return refuse(http.StatusUpgradeRequired, "the version of WebSocket must be "+version)
	case len(keys) != 1 || !validKey(keys[0]):
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64")
	}
	offered := tokens(r.Header, "Sec-Websocket-Protocol")
	i := slices.IndexFunc(known, func(p string) bool { return slices.Contains(offered, p) })
	if i < 0 {
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Protocol must offer one of: "+strings.Join(known, ", "))
	}
	u := Upgraded{Protocol: known[i]}
	u.Answer = fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n", acceptKey(keys[0]), known[i])
	if deflate {
		var accepted string
		if accepted, u.Deflate = AcceptDeflate(r.Header); u.Deflate {
			u.Answer = fmt.Appendf(u.Answer, "Sec-WebSocket-Extensions: %s\r\n", accepted)
		}
	}
	u.Answer = append(u.Answer, "\r\n"...)
	return u, nil
}

func validKey(key string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(key)
	return err == nil && len(b) == keyBytes
}

const keyBytes = 16

// tokens are the elements of a header field that is a list, as they are.
func tokens(h http.Header, field string) (all []string) {
	for _, line := range h.Values(field) {
		for token := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(token))
		}
	}
	return all
}

func hasToken(h http.Header, field, token string) bool {
	return slices.ContainsFunc(tokens(h, field), func(t string) bool { return strings.EqualFold(t, token) })
}
