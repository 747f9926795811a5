package store

import (
	"context"
	"errors"

	"sarang/chat"
	"sarang/internal/store/postgres"
	"sarang/internal/store/sqlstore"
)

// sqlStore is a store on a database server, which several servers may have.
type sqlStore struct{ *sqlstore.Store }

var (
	_ Meter   = sqlStore{}
	_ Checker = sqlStore{}
)

func openPostgres(ctx context.Context, place string, o Options) (chat.Store, error) {
	s, err := postgres.Open(ctx, postgres.Config{
		URL:   "postgres:" + place,
		Store: sqlConfig(o),
	})
	if err != nil {
		return nil, err
	}
	return sqlStore{s}, nil
}

func sqlConfig(o Options) sqlstore.Config {
	return sqlstore.Config{ReadersMax: o.ReadersMax, Unsafe: o.Sync == ProcessSafe, NoSearch: o.NoSearch, Logger: o.Logger}
}

// Check is documented at Checker. A database that can not be asked may be back soon; until
// then this server is of no use, which is what whoever looks wants to know.
func (s sqlStore) Check(ctx context.Context) error {
	err := s.Ready(ctx)
	var e *chat.Error
	if errors.As(err, &e) {
		return &chat.Error{Code: chat.CodeInternal, Message: e.Message, Err: err}
	}
	return err
}

// Figures is documented at Meter.
func (s sqlStore) Figures() []Figure {
	stats := s.Stats()
	var all []Figure
	for _, p := range []struct {
		name string
		sqlstore.PoolStats
	}{{"readers", stats.Readers}, {"writers", stats.Writers}} {
		conns := func(state string, n int) Figure {
			return Figure{
				Name: "store_" + p.name, Help: "Connections of the store: " + p.name + ".",
				Label: "state", Of: state, Value: float64(n),
			}
		}
		all = append(all, conns("max", p.Max), conns("open", p.Open), conns("in_use", p.InUse))
	}
	pool := func(name, help string, readers, writers float64) {
		all = append(all,
			Figure{Name: name, Help: help, Label: "pool", Of: "readers", Value: readers, Counter: true},
			Figure{Name: name, Help: help, Label: "pool", Of: "writers", Value: writers, Counter: true})
	}
	r, w := stats.Readers, stats.Writers
	pool("store_pool_waits_total", "Calls that had to wait for a connection.", float64(r.Waits), float64(w.Waits))
	pool("store_pool_wait_seconds_total", "How long they waited.", r.WaitTotal.Seconds(), w.WaitTotal.Seconds())
	pool("store_pool_waits_expired_total", "And those that waited in vain.", float64(r.WaitsExpired), float64(w.WaitsExpired))
	pool("store_connects_total", "Connections made.", float64(r.Connects), float64(w.Connects))
	pool("store_connects_failed_total", "Connections that could not be made.", float64(r.ConnectsFailed), float64(w.ConnectsFailed))
	return append(all,
		Figure{Name: "store_index_behind", Help: "Events that are to be looked at for the index of what messages say, about.", Value: float64(stats.IndexBehind)},
		Figure{Name: "store_tries_again_total", Help: "Transactions made again, after a deadlock or a lost connection.", Value: float64(stats.Again), Counter: true},
		Figure{Name: "store_commits_settled_total", Help: "Commits that were found to have taken effect before.", Value: float64(stats.Settled), Counter: true})
}
