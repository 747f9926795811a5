package server

import (
	"net/http"
	"sync"
	"sync/atomic"

	"sarang/internal/node"
)

// webCounts are what the web address has done.
type webCounts struct {
	http1, http2 atomic.Uint64 // requests
	upgraded     sync.Map      // by subprotocol: *atomic.Uint64
}

// counting counts requests.
func (c *webCounts) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			c.http1.Add(1)
		} else {
			c.http2.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// upgradeRefused is what is counted for those who could not come in.
const upgradeRefused = "refused"

// upgrade counts one whose request was right.
func (c *webCounts) upgrade(subprotocol string, err error) {
	if err != nil {
		subprotocol = upgradeRefused
	}
	n, _ := c.upgraded.LoadOrStore(subprotocol, new(atomic.Uint64))
	n.(*atomic.Uint64).Add(1)
}

// upgrades are those that were counted; those that may be and were not are 0.
func (c *webCounts) upgrades() map[string]uint64 {
	all := map[string]uint64{upgradeRefused: 0}
	for _, name := range node.Subprotocols() {
		all[name], all[name+node.Deflate] = 0, 0
	}
	c.upgraded.Range(func(name, n any) bool {
		all[name.(string)] = n.(*atomic.Uint64).Load()
		return true
	})
	return all
}
