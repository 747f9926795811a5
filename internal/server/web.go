package server

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sarang/engine"
	"sarang/internal/door"
	"sarang/internal/limit"
	"sarang/internal/node"
	"sarang/internal/page"
	"sarang/websocket"
)

// What the web address bounds. It is for strangers: a connection counts from when it is
// accepted until it is a WebSocket or closed.
const (
	webConnectionsMax = 512 // some 20 KB each
	webHeaderBytesMax = 16 << 10
	webHeaderTimeout  = 5 * time.Second  // for a request
	webAnswerTimeout  = 10 * time.Second // for an answer
)

const webRefusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// web is the address that browsers connect to.
type web struct {
	node        *node.Node
	door        *door.Listener
	tls         *tlsDoor // nil: there is none
	giveBackTLS func(*tls.Conn, []byte, *engine.Protocol) error
	http        *http.Server
	at          Address
	proxies     limit.Trust // whose X-Forwarded-For is believed
	origins     []string    // that may connect besides the address's own, in lower case
	deflate     bool        // WebSockets may be compressed
	log         *slog.Logger
	served      chan struct{}
	counts      webCounts
}

// serveWeb listens on c.Web; a zero Address is nobody.
func serveWeb(ctx context.Context, s *Server) (*web, error) {
	c := s.config
	if c.Web == (Address{}) {
		return nil, nil
	}
	w := &web{giveBackTLS: s.giveBackTLS, node: s.node, log: c.Logger, deflate: c.WebDeflate, served: make(chan struct{})}
	places := s.doorConfig("web", cmp.Or(c.webConnectionsMax, webConnectionsMax), webRefusal)
	if !c.ProxyWeb {
		w.proxies = c.Proxies
		places = w.lendToProxies(places)
	}
	w.door = door.New(places)
	for _, o := range c.WebOrigins {
		w.origins = append(w.origins, strings.ToLower(o))
	}
	var err error
	if w.at, err = s.open(ctx, c.Web, s.behindProxies(w.door.Protocol(), c.ProxyWeb)); err != nil {
		return nil, fmt.Errorf("web on %s: %w; --web http://HOST:PORT takes another address, --web none does without", c.Web, err)
	}
	w.door.Listening(w.at.Addr)
	var listener net.Listener = w.door
	if c.Web.Scheme == "https" {
		l := newShaken(w.door)
		w.tls = s.newTLSDoor(w.door, s.tlsConfig("h2", "http/1.1"), func(c *tls.Conn) { l.conns <- c })
		listener = l
	}
	files, err := page.Handler(c.WebFrames...)
	engine.Invariant(err == nil, "the page's files can not be read")
	mux := http.NewServeMux()
	mux.Handle("GET /", files)
	mux.HandleFunc("GET /ws", w.upgrade)
	guard := &hostGuard{next: w.withFiles(s, mux), flag: "--web-hosts", bodies: isOfFiles}
	guard.loopback = w.at.Addr.Addr().IsLoopback()
	guard.anyName = !guard.loopback && len(c.WebHosts) == 0 // the world may know this machine by any name
	for _, name := range c.WebHosts {
		guard.names = append(guard.names, strings.ToLower(name))
	}
	w.http = &http.Server{
		Handler:           w.counts.counting(w.forwarded(guard)),
		ReadHeaderTimeout: webHeaderTimeout,
		ReadTimeout:       webHeaderTimeout,
		WriteTimeout:      webAnswerTimeout,
		MaxHeaderBytes:    webHeaderBytesMax,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug), // it is about strangers
	}
	if c.Web.Scheme == "https" {
		w.http.Handler = strict(w.http.Handler, c.HSTS)
		withHTTP2(w.http)
	} else {
		w.http.SetKeepAlivesEnabled(false) // a place is for one request: they are few
	}
	go func() {
		defer close(w.served)
		if err := w.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			c.Logger.Error("web stopped", "error", err)
		}
	}()
	return w, nil
}

// upgrade makes a session of a request for a WebSocket. Nothing of net/http is left of it.
func (w *web) upgrade(answer http.ResponseWriter, r *http.Request) {
	if !w.mayCome(r) {
		http.Error(answer, "pages of this origin may not connect; --web-origins adds some", http.StatusForbidden)
		return
	}
	if r.ProtoMajor != 1 { // RFC 8441 is not offered, so no browser asks for it
		http.Error(answer, "a WebSocket begins with HTTP/1.1 here: offer no other by ALPN", http.StatusBadRequest)
		return
	}
	u, err := websocket.UpgradeWith(r, answer.Header(), w.deflate, node.Subprotocols()...)
	var refused *websocket.HandshakeError
	if errors.As(err, &refused) {
		if wants := answer.Header().Get("Connection"); wants != "" && wants != "close" {
			answer.Header()["Connection"] = []string{"close", wants} // a place is for one request
		}
		http.Error(answer, refused.What, refused.Status)
		return
	}
	subprotocol := u.Protocol
	if u.Deflate {
		subprotocol += node.Deflate
	}
	c, rw, err := http.NewResponseController(answer).Hijack()
	if err != nil {
		http.Error(answer, "no upgrade is possible on this connection", http.StatusInternalServerError)
		return
	}
	err = w.giveBack(c, r, u.Answer, rw.Reader, subprotocol)
	w.counts.upgrade(subprotocol, err)
	if err != nil {
		w.log.Debug("a WebSocket ended in its handshake", "peer", r.RemoteAddr, "error", err)
		_ = c.Close()
	}
}

// giveBack answers the request, and gives the connection to the engine with what the client
// has said ahead of the answer.
func (w *web) giveBack(c net.Conn, request *http.Request, head []byte, r *bufio.Reader, subprotocol string) error {
	// Who asks much and reads nothing leaves no room for the answer.
	if err := c.SetDeadline(time.Now().Add(webAnswerTimeout)); err != nil {
		return err
	}
	if err := w.enter(c, request); err != nil {
		_, _ = c.Write([]byte(webRefusal))
		return err
	}
	if _, err := c.Write(head); err != nil {
		return err
	}
	ahead, err := r.Peek(r.Buffered())
	if err != nil {
		return err
	}
	if over, ok := c.(*tls.Conn); ok {
		return w.giveBackTLS(over, ahead, w.node.SubprotocolTLS(subprotocol))
	}
	lent, ok := c.(*door.Conn)
	engine.Invariant(ok, "a web connection is not from the door")
	return lent.GiveBack(w.node.Engine, ahead, w.node.Subprotocol(subprotocol), nil)
}

// mayCome checks who asks for a WebSocket: a page may connect to where it came from, and
// where it is allowed to (RFC 6455, section 10.2). What is no browser gives no origin, and
// could give any.
func (w *web) mayCome(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin := strings.ToLower(origins[0])
	if len(origins) > 1 {
		return false
	}
	if slices.Contains(w.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == strings.ToLower(r.Host) && (u.Scheme == "http" || u.Scheme == "https")
}

// close ends what is not a WebSocket.
func (w *web) close() {
	if w == nil || w.http == nil {
		return
	}
	if w.tls != nil {
		w.tls.close()
	}
	_ = w.http.Close()
	<-w.served
}

// checkWeb checks what a person has set about the web address.
func (c *Config) checkWeb() error {
	switch {
	case c.Web == (Address{}) || c.Web.Scheme == "http":
	case c.Web.Scheme != "https":
		return fmt.Errorf("web is %q; it must be http://HOST:PORT, https://HOST:PORT, or none", c.Web)
	case c.TLSCert == "" && len(c.ACME.Hosts) == 0:
		return fmt.Errorf("web is %q: %w", c.Web, errNoCertificate)
	}
	for _, name := range c.WebHosts {
		if strings.ContainsAny(name, ":/*") {
			return fmt.Errorf("web-hosts has %q; it must be a name, without scheme and port", name)
		}
	}
	for name, origins := range map[string][]string{"web-origins": c.WebOrigins, "web-frames": c.WebFrames} {
		for _, origin := range origins {
			u, err := url.Parse(origin)
			if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, " ;,'\"") {
				return fmt.Errorf("%s has %q; it must be SCHEME://HOST or SCHEME://HOST:PORT, as browsers give it", name, origin)
			}
		}
	}
	return nil
}
