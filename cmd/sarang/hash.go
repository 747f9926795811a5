package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"sarang/internal/password/apart"
)

const hashCommandName = "hash-passwords"

// hashCommand is what a server starts for itself.
func hashCommand() *cobra.Command {
	return &cobra.Command{
		Use: hashCommandName, Hidden: true, Args: cobra.MaximumNArgs(1),
		Short: "Hash passwords for a server, which starts this itself",
		RunE: func(_ *cobra.Command, args []string) error {
			return apart.Serve(os.Stdin, os.Stdout, slices.Contains(args, apart.Hurry))
		},
	}
}

// self is a path of this very program, also when another version was put in its place.
func self() string {
	const running = "/proc/self/exe" // Linux
	if _, err := os.Stat(running); err == nil {
		return running
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
