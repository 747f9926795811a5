// Package store opens the store that a URL names. Servers use it and know no driver's
// name; what drivers have beside chat.Store is told by the interfaces here.
package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"

	"sarang/chat"
)

// Options are what all drivers are told. Zero fields take the driver's defaults.
type Options struct {
	Sync       SyncMode     // what a commit that has returned survives
	ReadersMax int          // reads at one time
	NoSearch   bool         // nobody searches: no index is kept for it
	Logger     *slog.Logger // default: none
}

// Shrinker is a store that holds memory which it can give back in a quiet moment.
type Shrinker interface {
	// Shrink gives it back. What is needed again is read again.
	Shrink(ctx context.Context) error
}

// Checker is a store that knows whether it can take anything, without being written to.
type Checker interface {
	// Check returns why it takes nothing now, nil if that is not known. It is asked each time
	// that somebody looks at /readyz, and must not take long. Errors are *chat.Error.
	Check(ctx context.Context) error
}

// Meter is a store that has figures of its own.
type Meter interface {
	// Figures returns them as they are now, always of the same names and labels. It may
	// be called at any time, also after Close.
	Figures() []Figure
}

// Disk is a store that lies on a disk of this machine, which may be full one day.
type Disk interface {
	// FreeBytes is how much room there is. It may block. An error means that nobody knows.
	FreeBytes() (uint64, error)
}

// Figure is one number for whoever watches a server.
type Figure struct {
	Name    string // as of a metric, without the server's prefix: store_wal_bytes
	Help    string // a sentence
	Label   string // name of the one label; "" if there is none
	Of      string // the label's value
	Value   float64
	Counter bool // it only grows
}

// driver is a kind of store.
type driver struct {
	scheme string
	form   string // of its URLs, for sentences
	open   func(ctx context.Context, place string, o Options) (chat.Store, error)
}

// drivers are those that there are.
func drivers() []driver {
	return []driver{
		{"sqlite", "sqlite:FOLDER", openSQLite},
		{"postgres", "postgres://USER@HOST/DATABASE", openPostgres},
		{"odbc", "odbc:DSN=NAME", openODBC},
	}
}

// DefaultURL returns the URL of the store that is kept in a data folder.
func DefaultURL(dataDir string) string {
	if strings.HasPrefix(dataDir, "//") {
		dataDir = filepath.Clean(dataDir) // or it would be taken for a URL's own slashes
	}
	return "sqlite:" + dataDir
}

// Open opens the store that url names, such as sqlite:/var/lib/sarang. ctx bounds the
// opening, not the store's life. CodeBadRequest if the URL is none; the driver's errors
// are its own. The store may be a Shrinker and a Meter as well.
func Open(ctx context.Context, url string, o Options) (chat.Store, error) {
	d, place, err := find(url)
	if err != nil {
		return nil, err
	}
	return d.open(ctx, place, o)
}

// Check returns the error that Open has for a URL that names no store, and opens nothing.
func Check(url string) error {
	_, _, err := find(url)
	return err
}

// find returns the driver that a URL names, and what it is to open.
func find(url string) (driver, string, error) {
	scheme, place, err := ParseURL(url)
	if err != nil {
		return driver{}, "", err
	}
	for _, d := range drivers() {
		if d.scheme == scheme {
			return d, place, nil
		}
	}
	return driver{}, "", chat.Errorf(chat.CodeBadRequest, "there is no store of the kind %q: %s", scheme, known())
}

// ParseURL splits a store's URL into its scheme, in lower case, and what stands behind
// the colon: a path of whatever system for sqlite. CodeBadRequest if it has none of them.
// Sentences show the scheme alone: there may be a password in the rest.
func ParseURL(url string) (scheme, place string, err error) {
	scheme, place, found := strings.Cut(url, ":")
	scheme = strings.ToLower(scheme)
	if scheme == "postgresql" { // the other name that libpq knows
		scheme = "postgres"
	}
	switch {
	case url == "":
		return "", "", chat.Errorf(chat.CodeBadRequest, "no store is given: %s", known())
	case !found || len(scheme) == 1 || strings.ContainsAny(scheme, `/\.`):
		// A path: on Windows, a drive is a letter with a colon.
		return "", "", chat.Errorf(chat.CodeBadRequest, "the store's URL does not begin with its kind and a colon: %s", known())
	case place == "":
		return "", "", chat.Errorf(chat.CodeBadRequest, "the store's URL ends behind %q: %s", scheme+":", known())
	}
	return scheme, place, nil
}

// Forms are the forms of URLs that there are.
func Forms() []string {
	var forms []string
	for _, d := range drivers() {
		forms = append(forms, d.form)
	}
	return forms
}

// known says what can be given.
func known() string { return "give " + strings.Join(Forms(), " or ") }
