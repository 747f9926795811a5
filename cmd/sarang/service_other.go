//go:build !windows

package main

import "github.com/spf13/cobra"

// serviceCommand is for Windows; elsewhere a service is an ordinary program (packaging/
// has a unit for systemd).
func serviceCommand() *cobra.Command { return nil }
