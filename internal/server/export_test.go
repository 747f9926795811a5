package server

import "sarang/chat"

// WrapStore has a test's store stand before the real one.
func (c *Config) WrapStore(wrap func(chat.Store) chat.Store) { c.wrapStore = wrap }

// OperatorsMax is how many connections the operators' side has at most.
const OperatorsMax = operatorsMax
