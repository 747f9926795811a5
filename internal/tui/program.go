package tui

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"sarang/chat"
	"sarang/client"
	"sarang/lock"
)

// Config is what Run needs.
type Config struct {
	Conn    Conn // logged in; the caller closes it after Run
	Server  string
	Rooms   []string // to go into; the first is made if there is none
	Seen    map[string]client.Cursor
	NoColor bool

	// Save is called when there is something to be remembered, and once at the end:
	// what was read of each room, and the rooms that are joined. May be nil. It is
	// called by one goroutine at a time and may block.
	Save func(seen map[string]client.Cursor, joined []string) error

	// Input and Output are the terminal by default. An Output that can not tell its
	// size has Columns and Rows.
	Input         io.Reader
	Output        io.Writer
	Columns, Rows int

	// Terminal is that of Input and Output, for who wants to restore it himself; nil:
	// Run makes one.
	Terminal *Terminal
}

// framesPerSecond is how often the library looks whether there is something to draw. It does
// so also while nothing happens, and each look wakes the process: of the 60 by default an idle
// screen used more than a percent of a core. What is typed shows within 50 ms.
const framesPerSecond = 20

// saveInterval is how often what was read is remembered.
const saveInterval = 15 * time.Second

// Run shows a connection on a terminal until the person at it has enough, or ctx ends.
func Run(ctx context.Context, c Config) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &screen{
		ctx: ctx, end: cancel, config: c, saved: time.Now(),
		model: New(Options{Server: c.Server, Name: c.Conn.Self().Name, Now: time.Now(), NewNonce: newNonce, Seen: c.Seen, JobControl: hasJobControl()}),
		out:   outbox{wake: make(chan struct{}, 1)},
	}
	options := []tea.ProgramOption{tea.WithoutSignalHandler(), tea.WithFPS(framesPerSecond)}
	if c.NoColor {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	if c.Input != nil {
		options = append(options, tea.WithInput(c.Input))
	}
	if c.Columns > 0 && c.Rows > 0 {
		options = append(options, tea.WithWindowSize(c.Columns, c.Rows))
	}
	if c.Output != nil {
		options = append(options, tea.WithOutput(c.Output))
	}
	if s.terminal = c.Terminal; s.terminal == nil {
		s.terminal = NewTerminal(c.Input, c.Output)
	}
	if s.terminal.modes != nil {
		options = append(options, tea.WithInput(lineIn{s.terminal.in, cancel}))
	}
	p := tea.NewProgram(s, options...)
	s.program, s.send = p, p.Send
	s.beside(func() { feed(ctx, c.Conn.Events(), p.Send) })
	s.beside(func() { s.out.run(ctx, c.Conn, p.Send) })
	s.beside(func() { tick(ctx, p.Send) })
	s.beside(s.jobControl(ctx))
	s.beside(func() { <-ctx.Done(); p.Quit() }) // in order: a library that is killed does not wait for its reader
	_, err := p.Run()
	killed := errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrProgramPanic)
	if killed && s.terminal.modes != nil {
		s.terminal.Restore() // a library that is killed while it takes the terminal leaves some of it
	}
	cancel()
	s.work.Wait()
	if saveErr := s.save(s.model.Seen(), s.model.Joined()); err == nil {
		err = saveErr
	}
	if killed {
		return nil // ctx has ended: that is how a signal ends us
	}
	return err
}

// newNonce returns a nonce that nobody else is likely to have.
func newNonce() chat.Nonce {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails; see crypto/rand.Read
	return chat.Nonce(binary.LittleEndian.Uint64(b[:]) | 1)
}

// batchMax bounds how many events are shown at once; a quick room is not drawn anew
// for each of its messages.
const batchMax = 256

// feed hands the events of a connection to the screen.
func feed(ctx context.Context, events <-chan client.Event, send func(tea.Msg)) {
	for {
		var batch Batch
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			batch = Batch{message(e, time.Now())}
		case <-ctx.Done():
			return
		}
		for more := true; more && len(batch) < batchMax; {
			select {
			case e, ok := <-events:
				if !ok {
					more = false
					break
				}
				batch = append(batch, message(e, time.Now()))
			default:
				more = false
			}
		}
		send(batch)
	}
}

// outbox sends messages one after the other, so that they are stored in the order in
// which they were typed, also where some have waited for a connection.
type outbox struct {
	mu   lock.Mutex
	all  []Publish
	wake chan struct{} // buffered: something was added
}

func (o *outbox) put(p Publish) {
	o.mu.Lock()
	o.all = append(o.all, p)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) take() (p Publish, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) == 0 {
		return p, false
	}
	p, o.all = o.all[0], o.all[1:]
	return p, true
}

func (o *outbox) run(ctx context.Context, c Conn, send func(tea.Msg)) {
	for {
		p, ok := o.take()
		if !ok {
			select {
			case <-o.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		answer := perform(ctx, c, p)
		if ctx.Err() != nil {
			return
		}
		send(answer)
	}
}

// screen is a Model as the terminal library wants it.
type screen struct {
	ctx      context.Context
	end      func() // ends ctx, and the screen with it
	config   Config
	model    *Model
	terminal *Terminal
	program  *tea.Program
	send     func(tea.Msg)  // from any goroutine; does nothing when the program has ended
	work     sync.WaitGroup // all that runs beside the screen
	out      outbox
	saved    time.Time
	saving   lock.Mutex // held while Config.Save runs
}

// tick sends the time every second.
func tick(ctx context.Context, send func(tea.Msg)) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			send(Tick{now})
		case <-ctx.Done():
			return
		}
	}
}

// Init begins.
func (s *screen) Init() tea.Cmd {
	effects := s.model.Update(s.config.Conn.Self())
	return s.do(append(effects, s.model.Start(s.config.Rooms...)...))
}

// Update hands what happened to the model and has done what follows.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	s.terminalMessage(msg)
	cmd := s.do(s.model.Update(msg))
	if now, ok := msg.(Tick); ok && now.Now.Sub(s.saved) >= saveInterval {
		s.saved = now.Now
		s.saveBeside()
	}
	return s, cmd
}

// View draws the model.
func (s *screen) View() tea.View { return s.model.View() }

// beside runs f beside the screen.
func (s *screen) beside(f func()) {
	s.work.Go(func() {
		defer s.terminal.guard()
		f()
	})
}

// do has effects done, beside the screen.
func (s *screen) do(effects []Effect) (cmd tea.Cmd) {
	for _, e := range effects {
		switch e := e.(type) {
		case Quit:
			cmd = tea.Quit
		case Suspend:
			suspend()
		case Publish:
			s.out.put(e)
		default:
			s.beside(func() { s.send(perform(s.ctx, s.config.Conn, e)) })
		}
	}
	return cmd
}

// saveBeside remembers what was read, beside the screen.
func (s *screen) saveBeside() {
	seen, joined := s.model.Seen(), s.model.Joined()
	s.beside(func() {
		if err := s.save(seen, joined); err != nil {
			s.send(Warning{Text: "can not remember where you stand: " + err.Error()})
		}
	})
}

func (s *screen) save(seen map[string]client.Cursor, joined []string) error {
	if s.config.Save == nil {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	return s.config.Save(seen, joined)
}
