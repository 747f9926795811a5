package main

import (
	"time"

	"github.com/spf13/pflag"

	"sarang/internal/hub"
	"sarang/internal/limit"
)

// limitFlags adds the flags of the limits; docs/limits.md explains them.
func limitFlags(f *pflag.FlagSet, l hub.Limits) {
	trusted := make([]string, len(l.Trusted))
	for i, p := range l.Trusted {
		trusted[i] = p.String()
	}
	f.StringSlice("trusted", trusted, "networks that the rates and the counts of addresses do not hold for; none")
	f.Int("addresses-max", l.AddressesMax, "addresses (IPv6: /64 networks) that are remembered at once")
	f.Int("address-connections-max", l.AddressConnectionsMax, "connections at once of an address; 0: no limit, as for all below")
	f.Int("address-connects-per-second", l.AddressConnectsPerSecond, "new connections of an address")
	f.Int("address-connects-burst", l.AddressConnectsBurst, "and so many at once")
	f.Int("address-logins-per-minute", l.AddressLoginsPerMinute, "logins of an address, successful or not")
	f.Int("address-logins-burst", l.AddressLoginsBurst, "and so many at once")
	f.Int("farewells-per-second", l.FarewellsPerSecond, "refused connections that are told why; the others are closed without a word")
	f.Int("logins-failed-max", l.LoginsFailedMax, "failed logins of a session, then it is ended")
	f.Int("messages-per-second", l.MessagesPerSecond, "messages of a session")
	f.Int("messages-burst", l.MessagesBurst, "and so many at once")
	f.Int("requests-per-second", l.RequestsPerSecond, "joins, creations, lists, histories and members of a session")
	f.Int("requests-burst", l.RequestsBurst, "and so many at once")
	f.Int("receive-bytes-per-second", l.ReceiveBytesPerSecond, "bytes of packets of a session; more waits in its socket")
	f.Int("receive-bytes-burst", l.ReceiveBytesBurst, "and so many at once")
	f.Int("publish-bytes-pending-max", 256<<20, "bytes of messages on their way to the store; at half of it the server begins to refuse")
	f.Int("store-queue-max", 65536, "reads and logins that wait for the store; at half of it the server begins to refuse")
	f.Duration("worker-lag-max", time.Second, "time that a worker takes for a round of its work; at half of it the server begins to refuse; 0: it does not count")
}

// fillLimits reads what limitFlags has added.
func fillLimits(c *hub.Config, s *settings) {
	l := &c.Limits
	l.Trusted = s.trust("trusted")
	for _, f := range []struct {
		flag  string
		field *int
	}{
		{"addresses-max", &l.AddressesMax},
		{"address-connections-max", &l.AddressConnectionsMax},
		{"address-connects-per-second", &l.AddressConnectsPerSecond},
		{"address-connects-burst", &l.AddressConnectsBurst},
		{"address-logins-per-minute", &l.AddressLoginsPerMinute},
		{"address-logins-burst", &l.AddressLoginsBurst},
		{"farewells-per-second", &l.FarewellsPerSecond},
		{"logins-failed-max", &l.LoginsFailedMax},
		{"messages-per-second", &l.MessagesPerSecond},
		{"messages-burst", &l.MessagesBurst},
		{"requests-per-second", &l.RequestsPerSecond},
		{"requests-burst", &l.RequestsBurst},
		{"receive-bytes-per-second", &l.ReceiveBytesPerSecond},
		{"receive-bytes-burst", &l.ReceiveBytesBurst},
		{"publish-bytes-pending-max", &c.PublishBytesPendingMax},
		{"store-queue-max", &c.StoreQueueMax},
	} {
		*f.field = s.number(f.flag)
	}
	for _, field := range []*int{&c.PublishBytesPendingMax, &c.StoreQueueMax} {
		if *field == 0 {
			*field = -1 // 0 would be the default; this is what Validate refuses
		}
	}
	if c.WorkerLagMax = s.duration("worker-lag-max"); c.WorkerLagMax == 0 {
		c.WorkerLagMax = -1 // 0 would be the default
	}
}

// trust reads networks.
func (s *settings) trust(key string) limit.Trust {
	t, err := limit.ParseTrust(s.list(key))
	if err != nil && s.err == nil {
		s.err = err
	}
	return t
}
