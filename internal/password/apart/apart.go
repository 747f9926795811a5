// Package apart hashes passwords in processes of their own, which the system runs when nobody else
// has anything to do.
//
// A hash holds its processor for tens of milliseconds, and Go can take it away from a goroutine
// only every ten. On a machine with one processor everybody in a room waited for that. The
// system's scheduler gives a process of low priority up at once.
//
// What is said between the two is one question and one answer at a time, by pipes: who can read
// them can read the server's memory as well.
package apart

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"sarang/internal/password"
)

const (
	// headBytes: size of what follows, memory, passes, lanes, bytes of the key and of the salt.
	headBytes       = 4 + 4 + 4 + 1 + 1 + 1
	questionBytes   = 1 << 16          // at most, behind the head
	patience        = 2 * time.Second  // then the machine is found to be so busy that the process gets no time
	hurryFor        = time.Minute      // processes are in a hurry then
	answerTimeout   = 30 * time.Second // and then it is done without them
	idleMax         = time.Minute      // after that a process that is not asked ends itself
	processesKept   = 16
	answerBytesMost = 255
)

// Hasher starts processes as it needs them. It may be used from any goroutine, by as many at once
// as processes are wanted.
type Hasher struct {
	command []string
	logger  *slog.Logger
	free    chan *process
	hurry   atomic.Int64 // until when processes are to be in a hurry, in nanoseconds since 1970
	warned  atomic.Bool  // said in the log that there is no process; not again before there was one
}

// process is one that computes.
type process struct {
	cmd      *exec.Cmd
	ask, say *os.File
	hurry    bool
}

// Hurry is what a command is given as its last argument if the process is to have its share of
// the time.
const Hurry = "hurry"

// New returns a Hasher whose processes are started by command, which has to call Serve.
func New(logger *slog.Logger, command ...string) *Hasher {
	return &Hasher{command: command, logger: logger, free: make(chan *process, processesKept)}
}

// Key is password.Key. Where no process can be had, or it does not answer, it is computed here.
func (h *Hasher) Key(secret, salt []byte, c password.Cost, lanes uint8, keyBytes int) []byte {
	if len(secret)+len(salt) > questionBytes || len(salt) > answerBytesMost || keyBytes > answerBytesMost {
		return password.Own(secret, salt, c, lanes, keyBytes)
	}
	key, err := h.asked(secret, salt, c, lanes, keyBytes)
	if err != nil {
		if !h.warned.Swap(true) {
			h.logger.Warn("no process of its own hashes passwords: the server does it, and holds up others by it", "error", err)
		}
		return password.Own(secret, salt, c, lanes, keyBytes)
	}
	h.warned.Store(false)
	return key
}

// asked asks a process. One that was idle may have ended meanwhile: then another is asked. One that
// gets no time is given up for one that is in a hurry.
func (h *Hasher) asked(secret, salt []byte, c password.Cost, lanes uint8, keyBytes int) ([]byte, error) {
	for {
		p, fresh, err := h.take()
		if err != nil {
			return nil, err
		}
		key, err := p.answer(secret, salt, c, lanes, keyBytes)
		if err == nil {
			h.giveBack(p)
			return key, nil
		}
		p.end()
		switch late := errors.Is(err, os.ErrDeadlineExceeded); {
		case late && !p.hurry:
			h.hurry.Store(time.Now().Add(hurryFor).UnixNano())
		case fresh || late:
			return nil, err
		}
	}
}

func (h *Hasher) hurries() bool { return time.Now().UnixNano() < h.hurry.Load() }

func (h *Hasher) take() (p *process, fresh bool, err error) {
	for {
		select {
		case p := <-h.free:
			if p.hurry == h.hurries() {
				return p, false, nil
			}
			p.end()
		default:
			p, err = h.start(h.hurries())
			return p, true, err
		}
	}
}

func (h *Hasher) giveBack(p *process) {
	select {
	case h.free <- p:
	default:
		p.end()
	}
}

// start starts a process. It ends when its end of the pipe is closed, also by our death.
func (h *Hasher) start(hurry bool) (*process, error) {
	theirs, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	say, answers, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirs.Close(), ask.Close())
	}
	args := h.command[1:]
	if hurry {
		args = append(slices.Clone(args), Hurry)
	}
	p := &process{cmd: exec.Command(h.command[0], args...), ask: ask, say: say, hurry: hurry}
	p.cmd.Stdin, p.cmd.Stdout = theirs, answers
	p.cmd.Env = []string{"GOMAXPROCS=1"}
	err = p.cmd.Start()
	err = errors.Join(err, theirs.Close(), answers.Close())
	if err != nil {
		return nil, errors.Join(err, ask.Close(), say.Close())
	}
	return p, nil
}

// answer asks one question.
func (p *process) answer(secret, salt []byte, c password.Cost, lanes uint8, keyBytes int) ([]byte, error) {
	b := make([]byte, 0, headBytes+len(salt)+len(secret))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(salt)+len(secret)))
	b = binary.LittleEndian.AppendUint32(b, uint32(c.MemoryKiB))
	b = binary.LittleEndian.AppendUint32(b, uint32(c.Passes))
	b = append(b, lanes, uint8(keyBytes), uint8(len(salt)))
	b = append(append(b, salt...), secret...)
	deadline := time.Now().Add(patience)
	if p.hurry {
		deadline = time.Now().Add(answerTimeout)
	}
	if err := errors.Join(p.ask.SetWriteDeadline(deadline), p.say.SetReadDeadline(deadline)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return nil, err
	}
	_, err := p.ask.Write(b)
	clear(b)
	if err != nil {
		return nil, err
	}
	key := make([]byte, keyBytes)
	_, err = io.ReadFull(p.say, key)
	return key, err
}

// end ends a process, whatever it does.
func (p *process) end() {
	_ = p.ask.Close()
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
	_ = p.say.Close()
}

// Close ends the processes that nobody asks. Nobody may use h any more.
func (h *Hasher) Close() {
	for {
		select {
		case p := <-h.free:
			p.end()
		default:
			return
		}
	}
}

// Serve is what such a process does: it computes until in ends, or nobody has asked for a while.
// Unless it is in a hurry it takes what time is left over.
func Serve(in io.Reader, out io.Writer, hurry bool) error {
	runtime.LockOSThread() // priorities are of threads, in places
	stepBack(hurry)
	idle := time.AfterFunc(idleMax, func() { os.Exit(0) })
	var head [headBytes]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if !idle.Stop() {
			return nil // it is just ending
		}
		n, saltBytes := binary.LittleEndian.Uint32(head[:]), int(head[headBytes-1])
		c := password.Cost{MemoryKiB: int(binary.LittleEndian.Uint32(head[4:])), Passes: int(binary.LittleEndian.Uint32(head[8:]))}
		if err := c.Check(); err != nil {
			return err
		}
		if n > questionBytes || saltBytes > int(n) || head[12] == 0 {
			return errors.New("this is no question")
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return err
		}
		key := password.Own(b[saltBytes:], b[:saltBytes], c, head[12], int(head[13]))
		clear(b)
		if _, err := out.Write(key); err != nil {
			return err
		}
		idle.Reset(idleMax)
	}
}
