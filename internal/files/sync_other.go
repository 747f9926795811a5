//go:build !unix

package files

import "os"

// syncDir does nothing: where it is no Unix, a folder can not be synced by itself.
func syncDir(*os.Root, string) error { return nil }
