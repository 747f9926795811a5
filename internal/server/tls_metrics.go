package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"sarang/engine/tlsrecord"
)

// collectTLS counts what was done with TLS behind its handshakes.
func (s *Server) collectTLS(count func(d *prometheus.Desc, v float64, labels ...string)) {
	count(descTLSSessions, float64(s.tlsSessions.own.Load()), "own")
	count(descTLSSessions, float64(s.tlsSessions.crypto.Load()), "crypto")
	var sealed, opened, keys, sent, received uint64
	alerts := map[[2]string]uint64{}
	s.node.TLSRecords().Each(func(c *tlsrecord.Counts) {
		sealed, opened, keys = sealed+c.Sealed.Load(), opened+c.Opened.Load(), keys+c.KeysOpened.Load()
		sent, received = sent+c.UpdatesSent.Load(), received+c.UpdatesReceived.Load()
		for i := range 256 {
			a := tlsrecord.Alert(i)
			name := a.String()
			if !a.Known() {
				name = "other" // strangers choose them
			}
			alerts[[2]string{"sent", name}] += c.AlertsSent(a).Load()
			alerts[[2]string{"received", name}] += c.AlertsReceived(a).Load()
		}
	})
	count(descTLSRecords, float64(sealed), "sealed")
	count(descTLSRecords, float64(opened), "opened")
	count(descTLSKeysOpened, float64(keys))
	count(descTLSKeyUpdates, float64(sent), "sent")
	count(descTLSKeyUpdates, float64(received), "received")
	for what, n := range alerts {
		if n > 0 {
			count(descTLSAlerts, float64(n), what[0], what[1])
		}
	}
}
