package server

import (
	"context"

	"sarang/internal/control"
)

// startControl opens the local socket by which the server is operated. A server runs without it,
// too: not every file system has sockets.
func (s *Server) startControl(ctx context.Context) {
	c := s.config
	o := &control.Operations{Store: s.store, Live: s, Now: s.now}
	var err error
	if s.control, err = control.Listen(ctx, c.DataDir, o, c.Logger); err != nil {
		c.Logger.Warn("there is no local socket, so sarang user, backup and the like can not reach this server", "error", err)
	}
}
