package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestSwarmUsage(t *testing.T) {
	for _, args := range []string{
		"--clients 0", "--window 0", "--size 10", "--rooms 7 --clients 5", "--idle --messages 3",
		"--rate -1", "--addr=", "--stalled 9 --clients 9", "--room-prefix #x",
	} {
		c := swarmCommand()
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetOut(&bytes.Buffer{})
		c.SetArgs(strings.Fields(args))
		err := c.ExecuteContext(t.Context())
		var usage usageError
		if !errors.As(err, &usage) {
			t.Errorf("sarang swarm %s: error %v, want one about the usage", args, err)
		}
	}
}
