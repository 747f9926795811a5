package tui

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/lock"
)

// PlainConfig is what Plain needs.
type PlainConfig struct {
	Conn     Conn // logged in; the caller closes it after Plain
	Room     string
	History  int            // events before ours to print
	Cursor   *client.Cursor // print what came after instead; nil: see History
	JSON     bool           // print one JSON object per line
	Commands bool           // lines that begin with "/" are commands; "//text" says "/text"
	Follow   bool           // go on after the end of the input, until ctx ends
	Location *time.Location // of the times that are printed; nil: time.Local
	In       io.Reader      // lines to say
	Out      io.Writer      // lines said
	Log      io.Writer      // what went wrong, and the state of the connection

	// Stand, if set, is called with the place up to which the room was printed: within
	// StandInterval of its move, and at the end. It may block; there is one call at a time.
	Stand         func(room string, c client.Cursor) error
	StandInterval time.Duration // 0: a second
}

// RefusedError is an end of the input with lines that were not accepted.
type RefusedError struct{ Lines int }

// Error says how many.
func (e *RefusedError) Error() string {
	return count(e.Lines, "message") + " not accepted; see above"
}

// lineBytesMax is the longest line that is read at all; what a server takes is less.
const lineBytesMax = inputBytesMax

// echoWait is how long Plain waits, at the end, for the next of the events that are due:
// those of before that were asked for, and its own messages.
const echoWait = 5 * time.Second

// blocksWait is how long Plain waits for the answer to whom the user blocks before it goes on without.
const blocksWait = 5 * time.Second

// Plain says each line of the input in a room and prints what happens there. At the end
// of the input it waits until everything is acknowledged. It returns a *RefusedError if
// something was not, and what the server said if the room can not be joined or the
// connection is over for good.
//
// When ctx ends it returns nil, or a *RefusedError if messages have no answer by then. If
// nothing else is wrong it returns the error of the last call of PlainConfig.Stand.
// Input is read in a goroutine that ends with the input: closing it is the caller's.
func Plain(ctx context.Context, c PlainConfig) error {
	c.Location = cmp.Or(c.Location, time.Local)
	p := &plain{config: c, names: names{}, moved: make(chan struct{}, 1), toStand: make(chan struct{}, 1)}
	p.loadBlocks(ctx, blocksWait) // before anything of the room comes
	j := client.Join{Name: c.Room, Create: true, HistoryItems: c.History, Cursor: c.Cursor}
	joined, err := c.Conn.Join(ctx, j)
	if err != nil {
		return fmt.Errorf("room #%s: %w", c.Room, plainly(err))
	}
	p.room, p.printed, p.printedMs, p.due = joined.Room, joined.After, joined.AfterMs, joined.Room.LastSeq
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.print(ctx, cancel) })
	if c.Stand != nil {
		wg.Go(func() { p.remember(ctx) })
	}
	err = p.say(ctx)
	if c.Follow {
		<-ctx.Done()
	}
	p.echo(ctx)
	if cause := context.Cause(ctx); err == nil && ctx.Err() != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	wg.Wait()
	p.asking.Wait()
	if c.Stand != nil {
		if standErr := p.stand(); err == nil {
			err = standErr
		}
	}
	return err
}

// standIntervalDefault is how old what is remembered of the room may be: so much is printed
// again after a program that was killed.
const standIntervalDefault = time.Second

// remember calls Stand while the room goes on.
func (p *plain) remember(ctx context.Context) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	told := false
	for {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return
		}
		select {
		case <-p.toStand:
		case <-ctx.Done():
			return
		}
		if err := p.stand(); err != nil {
			select { // once more, also if nothing else happens
			case p.toStand <- struct{}{}:
			default:
			}
			if !told {
				told = true
				p.log("can not remember where you stand: %s", CleanLine(err.Error()))
			}
		}
		rest.Reset(cmp.Or(p.config.StandInterval, standIntervalDefault))
	}
}

func (p *plain) stand() error {
	p.mu.Lock()
	at := client.Cursor{Epoch: p.room.Epoch, Seq: p.printed, TimeMs: p.printedMs}
	p.mu.Unlock()
	return p.config.Stand(p.room.Name, at)
}

// plain is the state of Plain.
type plain struct {
	config  PlainConfig
	room    client.RoomInfo // Epoch is under mu
	names   names
	blocks  blockSet
	moved   chan struct{} // buffered: printed has moved
	toStand chan struct{} // the same, for Stand

	messages plainMessages
	offline  bool           // there was no connection; of print alone
	asking   sync.WaitGroup // what print has begun

	logMu lock.Mutex // the input and what happens in the room write to the log

	mu        lock.Mutex
	printed   chat.Seq // the last event that was printed
	printedMs int64    // and its time; 0: not known
	due       chat.Seq // what is to be printed before the end: what was there, and our last message
}

// say publishes the lines of the input, one after the other.
func (p *plain) say(ctx context.Context) error {
	lines := make(chan line)
	go read(ctx, p.config.In, lines)
	refused := 0
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				return refusal(refused)
			}
			if l.err == nil && strings.TrimSpace(l.text) == "" {
				continue
			}
			if !p.sayOne(ctx, l) {
				refused++
			}
		case <-ctx.Done():
			return refusal(refused)
		}
	}
}

func refusal(refused int) error {
	if refused > 0 {
		return &RefusedError{refused}
	}
	return nil
}

func (p *plain) sayOne(ctx context.Context, l line) bool {
	err, text := l.err, l.text
	if err == nil && p.config.Commands {
		c, wrong := ParseCommand(text)
		if wrong != nil {
			p.log("%s", CleanLine(wrong.Error()))
			return false
		}
		if c.Verb != VerbSay {
			return p.command(ctx, c)
		}
		text = c.Text
	}
	var seq chat.Seq
	if err == nil {
		seq, err = p.config.Conn.PublishNonce(ctx, p.room.ID, newNonce(), text)
	}
	if err != nil {
		p.log("not sent: %s: %s", cut(CleanLine(l.text), 40), sentence(err))
		return false
	}
	p.mu.Lock()
	p.due = max(p.due, seq)
	p.mu.Unlock()
	return true
}

// line is a line of the input, or why there is none.
type line struct {
	text string
	err  error
}

var errLineLong = fmt.Errorf("the line is longer than %d bytes", lineBytesMax)

// lineShownBytes is how much of a line that is too long is kept, to tell which it was.
const lineShownBytes = 80

// read cuts the input into lines. It ends with the input, or after the line in which
// ctx has ended: nobody can be called back from a read of a pipe.
func read(ctx context.Context, in io.Reader, out chan<- line) {
	defer close(out)
	r := bufio.NewReaderSize(in, lineBytesMax)
	for {
		text, err := r.ReadSlice('\n')
		l := line{text: strings.TrimRight(string(text), "\r\n")}
		if errors.Is(err, bufio.ErrBufferFull) {
			l = line{string(text[:lineShownBytes]), errLineLong}
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
		}
		if err != nil && !errors.Is(err, io.EOF) && l.err == nil {
			l.err = err
		}
		if l.text != "" || l.err != nil {
			select {
			case out <- l:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// echo waits until what is due was printed.
func (p *plain) echo(ctx context.Context) {
	timeout := time.NewTimer(echoWait)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		done := p.printed >= p.due
		p.mu.Unlock()
		if done {
			return
		}
		select {
		case <-p.moved:
			timeout.Reset(echoWait)
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (p *plain) log(format string, args ...any) {
	p.logMu.Lock()
	defer p.logMu.Unlock()
	_, _ = fmt.Fprintf(p.config.Log, "sarang: "+format+"\n", args...) // there is nowhere to report it
}

// print writes down what happens in the room, until ctx or the events end.
func (p *plain) print(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		select {
		case e, ok := <-p.config.Conn.Events():
			if !ok {
				cancel(errors.New("the connection is over"))
				return
			}
			if err := p.happened(ctx, e); err != nil {
				cancel(err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// happened takes one event. The error ends the program.
func (p *plain) happened(ctx context.Context, e client.Event) error {
	switch e := e.(type) {
	case client.RoomEvent:
		if e.Room != p.room.ID {
			return nil
		}
		err := p.write(p.format(e.Event))
		p.messages.add(e.Event)
		p.mu.Lock()
		p.printed, p.printedMs = e.Seq, e.TimeMs
		p.mu.Unlock()
		p.tellMoved()
		return err
	case client.Gap:
		err := p.write(p.formatGap(e))
		p.mu.Lock()
		if p.printed, p.printedMs = e.To, 0; e.EpochChanged {
			p.room.Epoch, p.due = e.Epoch, 0 // its numbers are void
		}
		p.mu.Unlock()
		p.tellMoved()
		return err
	case client.Left:
		if e.Err != nil {
			return errors.New(putOut("#"+CleanLine(p.room.Name), e.Err, e.UntilMs, p.config.Location))
		}
		return fmt.Errorf("the server has put us out of #%s", CleanLine(p.room.Name))
	case client.Offline:
		p.offline = true
		if e.Final {
			return errors.New(sentence(e.Err))
		}
		p.log("%s; next try in %.1f s", sentence(e.Err), e.RetryIn.Seconds())
	case client.Online:
		if e.Resumed {
			p.log("connected again")
		}
		if p.offline { // another device may have blocked somebody meanwhile
			p.offline = false
			p.asking.Go(func() { p.loadBlocks(ctx, requestTimeout) })
		}
	case client.Blocked:
		p.blocks.set(e.User, e.Removed)
	case client.Failure:
		if e.Rejoin && !e.Retrying {
			return fmt.Errorf("the server does not let us in again: %s", sentence(e.Err))
		}
	case client.Fault:
		p.log("the server has broken the protocol: %s", sentence(e.Err))
	}
	return nil
}

func (p *plain) tellMoved() {
	for _, c := range []chan struct{}{p.moved, p.toStand} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (p *plain) write(s string) error {
	_, err := io.WriteString(p.config.Out, s+"\n")
	return err
}
