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

// SetRoom changes a setting of a room, with nobody as its author.
func (s *Server) SetRoom(ctx context.Context, room chat.RoomID, set chat.Setting) error {
	return s.node.Hub.SetRoom(ctx, room, set)
}

// DeleteRoom deletes a room, and puts everybody out of it.
func (s *Server) DeleteRoom(ctx context.Context, room chat.RoomID) error {
	return s.node.Hub.DeleteRoom(ctx, room)
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
