//go:build !windows

package main

import (
	"context"

	"github.com/spf13/cobra"
)

// runAsService is for Windows; elsewhere a service is an ordinary program (packaging/
// has a unit for systemd).
func runAsService(func(context.Context) error) (bool, error) { return false, nil }

func serviceCommand() *cobra.Command { return nil }
