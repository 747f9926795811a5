package server

import (
	"os"
	"path/filepath"
)

// defaultDataDir is under the user's local application data, where Windows wants it.
func defaultDataDir() string {
	if dir, err := os.UserCacheDir(); err == nil { // %LocalAppData%
		return filepath.Join(dir, "sarang", "data")
	}
	return "sarang-data"
}
