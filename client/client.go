package client

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"sarang/client/session"
	"sarang/engine"
	"sarang/lock"
)

// Client is one user of a server. It stays connected until Close, or until the server
// refuses the login for good. All methods may be called from any goroutine, and all that
// take a context return soon after it ends.
type Client struct {
	config   Config
	addr     address
	svc      *engine.Service
	protocol *engine.Protocol
	link     *link // the worker's
	inbox    *inbox
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup // the inbox and resolvers
	ready    chan error     // the outcome of the first login

	closing  sync.Once
	closeErr error

	mu      lock.Mutex
	me      LoggedIn
	started bool  // ready was answered
	err     error // why it is over
}

// Dial connects and logs in. When it fails nothing is left behind; a refusal of the
// server is a *chat.Error, a server that could not be reached a *ConnectError, an Addr
// that is none an *AddrError. ctx is for dialing only. The caller closes the Client.
func Dial(ctx context.Context, config Config) (*Client, error) {
	addr, err := parseAddress(config.Addr)
	if err != nil {
		return nil, err
	}
	if (addr.path != "" || addr.tls) && config.NewCodec != nil {
		return nil, &AddrError{config.Addr, errors.New("NewCodec does not go with WebSocket or TLS, which are codecs themselves")}
	}
	if config.Password != "" && len(config.Token) == 0 {
		// So a login whose answer was lost is the same one when it is said again.
		config.Token = make([]byte, tokenBytes)
		_, _ = crand.Read(config.Token) // never fails; see crypto/rand.Read
	}
	c := &Client{config: config.withDefaults(), addr: addr, ready: make(chan error, 1)}
	c.mu.Init(lock.NewClass("client"))
	c.inbox = newInbox(c.config.EventsBuffer)
	c.protocol = addr.protocol(c.config.TLS, func(*engine.Worker) engine.Handler { return c.link.handler })
	if c.config.NewCodec != nil {
		c.protocol.NewCodec = c.config.NewCodec
	}
	service := c.config.service()
	service.OnStart = c.newLink
	c.svc, err = engine.New(service)
	if err != nil {
		return nil, err
	}
	if err := c.svc.Start(); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.wg.Go(func() { c.inbox.run(c.ctx.Done(), func() { c.post((*link).hasRoom) }) })
	c.post((*link).start)
	select {
	case err = <-c.ready:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// tokenBytes is the length of a token that a client makes up.
const tokenBytes = 16

// newLink is called once, on the worker.
func (c *Client) newLink(w *engine.Worker) {
	seed := cmp.Or(c.config.Seed, rand.Uint64())
	c.link = &link{
		client: c, w: w, handler: session.NewHandler(), rng: rand.New(rand.NewPCG(seed, seed)),
		state: session.NewState(session.StateConfig{
			Name: c.config.Name, Token: c.config.Token, Program: c.config.Program,
			Password: c.config.Password, Register: c.config.Register, Invitation: c.config.Invitation, JWT: c.config.JWT, Device: c.config.Device,
			Capabilities: c.config.Capabilities, PublishesPendingMax: c.config.PublishesPendingMax,
			Seed: c.config.Seed,
		}),
	}
}

// post has f done on the worker. It reports false when the worker has ended.
func (c *Client) post(f func(l *link)) bool {
	return c.svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) { f(c.link) }))
}

// self notes who the server says we are.
func (c *Client) self(in LoggedIn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.me = in
	c.answerDial(nil)
}

// over notes why nothing is tried any more.
func (c *Client) over(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = cause
	c.answerDial(cause)
	c.inbox.close()
}

func (c *Client) answerDial(err error) {
	if !c.started {
		c.started = true
		c.ready <- err
	}
}

// Self returns what the server said at the last login: name, id, limits, and the token by
// which a later Dial is the same user.
func (c *Client) Self() LoggedIn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me
}

// Err returns why the client has ended: ErrClosed, or what the server said; nil while it
// goes on.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Events returns the channel of room events and changes of the connection, each once, in
// order. At most Config.EventsBuffer of them wait; then the client stops receiving,
// answers to its requests included, until they are read. Nothing is dropped. The
// channel is closed by Close (what was not read is lost then), or after an Offline
// that is Final. With Config.DiscardEvents nothing comes.
func (c *Client) Events() <-chan Event { return c.inbox.out }

// closeGrace is how long Close waits for the server to take what was sent.
const closeGrace = time.Second

// Close ends the connection and everything that belongs to the client. Calls that wait
// fail with ErrClosed. Its error is the engine's: memory that leaked. It may be called
// several times.
func (c *Client) Close() error {
	c.closing.Do(func() {
		c.post(func(l *link) { l.finish(ErrClosed) })
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		c.svc.Drain(ctx)
		c.closeErr = c.svc.Close()
		c.cancel()
		c.wg.Wait()
	})
	return c.closeErr
}
