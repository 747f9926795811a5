package sqlstore

import (
	"context"
	"time"

	"sarang/chat"
)

// connect makes a connection and looks at what it leads to. A server can be restarted
// with other settings, so each connection is looked at.
func (s *Store) connect(ctx context.Context) (Conn, error) {
	c, err := s.driver.Connect(ctx)
	if err != nil || s.dialect.Check == nil {
		return c, err
	}
	if err := s.dialect.Check(ctx, c, s.driver.Name(), s.config.Unsafe); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// versionMin is the oldest PostgreSQL that has what is used, as server_version_num: 12.
const versionMin = 120000

const selectSettings = `SELECT CAST(current_setting('server_version_num') AS bigint), current_setting('server_encoding'),
	current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
	CAST(pg_is_in_recovery() AS int), current_setting('transaction_read_only')`

// checkPostgreSQL refuses a server that can not be written, and one that may lose what it
// has acknowledged.
func checkPostgreSQL(ctx context.Context, c Conn, name string, unsafe bool) error {
	var version, standby int64
	var encoding, fsync, pages, commit, readOnly string
	err := c.Query(ctx, selectSettings, nil, func(scan Scan) error {
		return scan(&version, &encoding, &fsync, &pages, &commit, &standby, &readOnly)
	})
	switch {
	case err != nil:
		return err
	case version < versionMin:
		return chat.Errorf(chat.CodeInternal, "%s is of version %d.%d: at least 12 is needed", name, version/10000, version%10000)
	case encoding != "UTF8":
		return chat.Errorf(chat.CodeInternal, "%s has the encoding %s: make it with UTF8", name, encoding)
	case standby != 0:
		return notNow(name + " is a standby, which can not be written: name all servers and target_session_attrs=read-write")
	case readOnly == "on":
		return notNow(name + " can not be written now: it is read-only")
	case unsafe:
		return nil
	}
	for _, s := range []struct{ name, value, loses string }{
		{"fsync", fsync, "a crash of its machine may damage the database"},
		{"full_page_writes", pages, "a crash of its machine may damage the database"},
		{"synchronous_commit", commit, "a crash of the database may lose acknowledged messages"},
	} {
		if s.value == "off" {
			return chat.Errorf(chat.CodeInternal, "%s runs with %s=off: %s. Turn it on, or say --sync process-safe", name, s.name, s.loses)
		}
	}
	return nil
}

func notNow(sentence string) error {
	return &chat.Error{Code: chat.CodeUnavailable, RetryAfter: time.Second, Message: sentence}
}

// SessionSettings are those of each connection to PostgreSQL, unless whoever gives the
// URL says others. A lock that somebody holds, an administrator say, ends a call with an
// error of which the outcome is known; so that comes before the deadlines of Config,
// after which it is not.
func SessionSettings() map[string]string {
	return map[string]string{
		"lock_timeout":                        "5s",
		"statement_timeout":                   "8s",
		"idle_in_transaction_session_timeout": "20s", // of a transaction whose client has gone silent
		"default_transaction_isolation":       "read committed",
		// What is asked is always found by an index, whatever a plan was made by that is as
		// old as the empty tables. Compiling it would take a hundred times as long.
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
		"jit":              "off",
		"plan_cache_mode":  "force_generic_plan",
	}
}

// FaultOfState reads an error that PostgreSQL has sent. gone says that it ends the
// connection by it. https://www.postgresql.org/docs/current/errcodes-appendix.html
func FaultOfState(state, message string, gone bool) Fault {
	if gone {
		switch state { // said before anything was asked
		case "28P01", "28000":
			return Fault{Kind: Unusable, Says: "the user or password is refused"}
		case "3D000":
			return Fault{Kind: Unusable, Says: "there is no such database"}
		case "57P03":
			return Fault{Kind: Lost, Says: "it is starting or stopping"}
		case "53300":
			return Fault{Kind: Lost, Says: "it has too many connections"}
		}
		return Fault{Kind: Lost, Says: "it has ended the connection"} // and may have been about to say that it is done
	}
	switch state {
	case "40001", "40P01":
		return Fault{Kind: Again, Says: "others are writing the same"}
	case "23505":
		return Fault{Kind: Exists, Says: "a key is in use"}
	case "55P03":
		return Fault{Says: "somebody has locked it"}
	case "57014":
		return Fault{Says: "it took too long"}
	case "53100":
		return Fault{Says: "its disk is full"}
	case "25006":
		return Fault{Says: "it is read-only"}
	case "42501":
		return Fault{Kind: Unusable, Says: "the user may not do that"}
	case "42P01", "42883", "42703":
		return Fault{Kind: Unusable, Says: "its tables are not those of Sarang"}
	}
	return Fault{Says: message}
}
