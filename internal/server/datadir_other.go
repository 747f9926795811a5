//go:build !windows

package server

// defaultDataDir is in the folder that the server is started in, where somebody who
// tries it out sees it. The systemd unit in packaging/ gives another.
func defaultDataDir() string { return "sarang-data" }
