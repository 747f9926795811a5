package tlscodec

import (
	"sarang/engine"
	"sarang/engine/tlsrecord"
	"sarang/mem"
)

// Bind gives a codec what its worker would.
func Bind(c engine.Codec, pool *mem.Pool) {
	if c, ok := c.(*records); ok {
		c.share = &share{keys: tlsrecord.NewKeys(2, 0), pool: pool}
	}
}
