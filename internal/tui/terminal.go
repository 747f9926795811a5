package tui

import (
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Terminal is the terminal that a screen stands on, for when that ends in no order: the
// library gives the terminal back when it ends, when it is stopped, and after a panic of
// what it calls itself, and this is for the rest.
type Terminal struct {
	in    *os.File // nil: none
	out   io.Writer
	modes *term.State // as they were before the screen; nil: it is no terminal
	once  sync.Once
}

// NewTerminal notes how the terminal is, before there is a screen. A nil is standard input
// or output.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	t := &Terminal{in: os.Stdin, out: os.Stdout}
	if out != nil {
		t.out = out
	}
	if in != nil {
		t.in, _ = in.(*os.File)
	}
	if t.in != nil {
		t.modes, _ = term.GetState(int(t.in.Fd())) // nil if it is no terminal
	}
	return t
}

// leaveScreen switches off all that a screen switches on, whether it has got to it or not.
const leaveScreen = ansi.ResetModeSynchronizedOutput + ansi.ResetModifyOtherKeys + "\x1b[<1u" + // Kitty's keyboard: pop
	ansi.ResetModeAltScreenSaveCursor + ansi.ResetModeBracketedPaste + ansi.ResetModeFocusEvent +
	ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseAnyEvent + ansi.ResetModeMouseExtSgr +
	ansi.ResetModeUnicodeCore + ansi.SetModeTextCursorEnable + "\x1b[0 q\x1b[m" // the cursor's shape, colours

// Restore makes the terminal as it was, at once, from any goroutine. The program is to end
// behind it.
func (t *Terminal) Restore() {
	t.once.Do(func() {
		_, _ = io.WriteString(t.out, leaveScreen)
		if t.modes != nil {
			_ = term.Restore(int(t.in.Fd()), t.modes)
		}
	})
}

// guard is deferred by the goroutines of a screen: a panic is not to be printed on it.
func (t *Terminal) guard() {
	if cause := recover(); cause != nil {
		t.Restore()
		panic(cause)
	}
}

// lineIn is a terminal's input that tells when it has ended, which the library takes for
// an input that has nothing more to say.
type lineIn struct {
	*os.File
	gone func()
}

func (l lineIn) Read(b []byte) (int, error) {
	n, err := l.File.Read(b)
	if err != nil {
		l.gone()
	}
	return n, err
}
