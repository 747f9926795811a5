package server

import (
	"context"
	"log/slog"
)

// crashLogger is the engine's logger. The engine logs an error only when the program is
// broken and about to end, so that line is waited for: it says where the crash report is.
func crashLogger(l *slog.Logger, flush func()) *slog.Logger {
	if flush == nil {
		return l
	}
	return slog.New(crashHandler{l.Handler(), flush})
}

type crashHandler struct {
	slog.Handler
	flush func()
}

// Handle is documented at slog.Handler, as are the others.
func (h crashHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		h.flush()
	}
	return err
}

func (h crashHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return crashHandler{h.Handler.WithAttrs(attrs), h.flush}
}

func (h crashHandler) WithGroup(name string) slog.Handler {
	return crashHandler{h.Handler.WithGroup(name), h.flush}
}
