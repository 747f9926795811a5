// Package odbc keeps users, rooms and logs in a database that an ODBC driver leads to:
// PostgreSQL, or SQLite. It is there in programs built with -tags odbc, which needs cgo
// and unixODBC; see package sqlstore for all that is not of ODBC.
//
// Each handle has a thread of its own, on which all calls of the driver are made: a call
// that does not return costs its handle and its thread, and whoever waits for it goes on
// at his deadline. What a driver does to the memory of the process is out of our power.
package odbc
