package server

import (
	"context"

	"sarang/chat"
	"sarang/internal/control"
)

// EndSessions ends all sessions of a user, and their connections.
func (s *Server) EndSessions(ctx context.Context, u chat.UserID) error {
	return s.node.Hub.EndSessions(ctx, u, chat.DeviceSet{})
}

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
