package server

import "sarang/chat"

// WrapStore has a test's store stand before the real one.
func (c *Config) WrapStore(wrap func(chat.Store) chat.Store) { c.wrapStore = wrap }

// OperatorsMax is how many connections the operators' side has at most.
const OperatorsMax = operatorsMax

// SetWebConnectionsMax bounds what the web address has lent at a time.
func (c *Config) SetWebConnectionsMax(n int) { c.webConnectionsMax = n }

// WebLent is how many connections of the web address are no WebSockets.
func (s *Server) WebLent() int { return s.web.door.Lent() }
