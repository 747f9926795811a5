package server

import "sarang/internal/hub"

// Hub is the chat at work, for what operators do: hub/admit.go.
func (s *Server) Hub() *hub.Hub { return s.node.Hub }
