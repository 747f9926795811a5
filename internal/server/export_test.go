package server

import (
	"time"

	"sarang/chat"
	"sarang/engine"
)

// WrapStore has a test's store stand before the real one.
func (c *Config) WrapStore(wrap func(chat.Store) chat.Store) { c.wrapStore = wrap }

// SetStillMax has /healthz say it earlier that something stands still.
func (c *Config) SetStillMax(d time.Duration) { c.stillMax = d }

// Engine is the server's.
func (s *Server) Engine() *engine.Service { return s.node.Engine }

// OperatorsMax is how many connections the operators' side has at most.
const OperatorsMax = operatorsMax

// SetWebConnectionsMax bounds what the web address has lent at a time.
func (c *Config) SetWebConnectionsMax(n int) { c.webConnectionsMax = n }

// WebLent is how many connections of the web address are no WebSockets.
func (s *Server) WebLent() int { return s.web.door.Lent() }
