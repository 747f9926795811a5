package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"

	"sarang/internal/tui"
)

// logSettings say where the log goes, how much of it, and what it looks like.
type logSettings struct{ path, level, format string }

// check reports what is wrong with them, short of opening the file.
func (s logSettings) check() error {
	_, err := newLogger(io.Discard, false, s.level, s.format)
	return err
}

// serverLog is the log of a server: a logger that does not wait.
type serverLog struct {
	*slog.Logger
	queue *logQueue
	path  string // "": standard error
}

// open opens the log; it goes to standard error if there is no path. close ends it.
func (s logSettings) open() (*serverLog, error) {
	if s.path == "" {
		return s.start(keptOpen{os.Stderr}, isTerminal(os.Stderr))
	}
	f, err := openLogFile(s.path)
	if err != nil {
		return nil, fmt.Errorf("log-file: %w", err)
	}
	return s.start(f, isTerminal(f))
}

// keptOpen is standard error, which outlives the log: the program's last words go there.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

func (s logSettings) start(out io.WriteCloser, terminal bool) (*serverLog, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	l := &serverLog{path: s.path}
	l.queue = newLogQueue(out, func(lost uint64) {
		l.Warn("log lines were lost: they came faster than they were read, or could not be written", "lines", lost)
	})
	var err error
	l.Logger, err = newLogger(l.queue, terminal, s.level, s.format)
	return l, err
}

// openLogFile opens a log to append to it. Only its owner may read it.
func openLogFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// close writes what is to be written, within logFlushTimeout.
func (l *serverLog) close() { l.queue.close(logFlushTimeout) }

// reopen goes on in a new file of the same name, after somebody has moved the old one
// away. If there can be none, the old one is written to as before.
func (l *serverLog) reopen() {
	f, err := openLogFile(l.path)
	if err != nil {
		l.Error("reopening the log file failed; going on in the old one", "error", err)
		return
	}
	l.queue.replace(f)
	l.Info("log file reopened", "path", l.path)
}

// newLogger makes a logger that writes to w, which may be a terminal in the end.
func newLogger(w io.Writer, terminal bool, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level is %q; it must be debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(jsonLines{w}, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "auto":
		if terminal && os.Getenv("NO_COLOR") == "" {
			return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, TimeFormat: time.TimeOnly, ReplaceAttr: visible})), nil
		}
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log-format is %q; it must be auto, text or json", format)
}

// jsonLines writes lines of JSON that a terminal can show.
type jsonLines struct{ io.Writer }

func (j jsonLines) Write(line []byte) (int, error) {
	if _, err := j.Writer.Write(tui.CleanJSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// visible makes what a log line says of others fit for a terminal. tint undoes the quoting
// of an escape character, for texts that are coloured, and takes the four characters "\x1b"
// for one, too.
func visible(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.LevelKey {
		return a
	}
	text := ""
	switch a.Value.Kind() {
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		text = fmt.Sprint(a.Value.Any())
	default:
		return a
	}
	return slog.String(a.Key, strings.ReplaceAll(tui.CleanLine(text), `\x1b`, `\X1B`))
}
