package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"sarang/internal/hub"
	"sarang/internal/limit"
)

// limitFlags adds the flags of the limits; docs/limits.md explains them.
func limitFlags(f *pflag.FlagSet, c hub.Config) {
	trusted := make([]string, len(c.Limits.Trusted))
	for i, p := range c.Limits.Trusted {
		trusted[i] = p.String()
	}
	f.StringSlice("trusted", trusted, "networks that the rates and the counts of addresses do not hold for; none")
	for _, l := range hub.LimitTable() {
		help := l.Help
		if l.OrNone {
			help += "; 0: no limit"
		}
		f.Int(l.Flag, *l.Field(&c), help)
	}
	f.Duration("worker-lag-max", time.Second, "time that a worker takes for a round of its work; at half of it the server begins to refuse; 0: it does not count")
	f.Duration("store-wait-max", 2*time.Second, "time that an address waits for its turn at the store, whatever others want; at half of it the server begins to refuse; 0: it does not count")
}

// fillLimits reads what limitFlags has added.
func fillLimits(c *hub.Config, s *settings) {
	c.Limits.Trusted = s.trust("trusted")
	for _, l := range hub.LimitTable() {
		*l.Field(c) = s.number(l.Flag)
	}
	if c.WorkerLagMax = s.duration("worker-lag-max"); c.WorkerLagMax == 0 {
		c.WorkerLagMax = -1 // 0 would be the default
	}
	if c.StoreWaitMax = s.duration("store-wait-max"); c.StoreWaitMax == 0 {
		c.StoreWaitMax = -1
	}
}

// trust reads networks.
func (s *settings) trust(key string) limit.Trust {
	t, err := limit.ParseTrust(s.list(key))
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("%s: %w", key, err)
	}
	return t
}
