package store

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// sqliteStore is the store of a single server, in a file.
type sqliteStore struct{ *sqlite.Store }

var (
	_ Shrinker = sqliteStore{}
	_ Meter    = sqliteStore{}
	_ Checker  = sqliteStore{}
	_ Disk     = sqliteStore{}
)

func openSQLite(ctx context.Context, place string, o Options) (chat.Store, error) {
	c := sqlite.Config{
		// sqlite:///var/lib/sarang is the long form of sqlite:/var/lib/sarang.
		Dir:        strings.TrimPrefix(place, "//"),
		ReadersMax: o.ReadersMax,
		NoSearch:   o.NoSearch,
		Logger:     o.Logger,
	}
	if o.Sync == ProcessSafe {
		c.Sync = sqlite.ProcessSafe
	}
	s, err := sqlite.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	return sqliteStore{s}, nil
}

// Figures is documented at Meter.
func (s sqliteStore) Figures() []Figure {
	stats := s.Stats()
	readers := func(state string, n int) Figure {
		return Figure{
			Name: "store_readers", Help: "Reader connections of the store.",
			Label: "state", Of: state, Value: float64(n),
		}
	}
	return []Figure{
		readers("max", stats.ReadersMax),
		readers("open", stats.ReadersOpen),
		readers("in_use", stats.ReadersInUse),
		{
			Name: "store_read_waits_total", Help: "Reads that had to wait for a connection.",
			Value: float64(stats.ReadWaits), Counter: true,
		},
		{
			Name: "store_read_wait_seconds_total", Help: "How long they waited.",
			Value: stats.ReadWaitTotal.Seconds(), Counter: true,
		},
		{
			Name: "store_wal_holds_total", Help: "Times that reads had to wait so that the write-ahead log could be begun anew.",
			Value: float64(stats.WALHolds), Counter: true,
		},
		{
			Name: "store_index_behind", Help: "Events that are to be looked at for the index of what messages say, about.",
			Value: float64(stats.IndexBehind),
		},
		{Name: "store_wal_bytes", Help: "Size of the write-ahead log.", Value: float64(stats.WALBytes)},
	}
}
