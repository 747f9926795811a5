package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/internal/store/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlags(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--faults", "0"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--faults") {
		t.Error(err)
	}
}

// A run that found something, or nothing at all, is not called good.
func TestReport(t *testing.T) {
	r := newRun(options{seed: 1}, nil)
	var out strings.Builder
	r.write(&out, time.Second)
	if r.ok() || out.Len() > 0 {
		t.Errorf("a run that never began says %q", out.String())
	}
	r.protocol.Messages = 5
	if !r.ok() {
		t.Error("a good run is called broken")
	}
	r.doubled = 1
	if r.ok() {
		t.Error("doubled messages are called good")
	}
}

// The short form of make faults: the standby takes over, the disk is slow and full.
func TestShortCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a PostgreSQL, its standby and a server")
	}
	if len(kindsOfFault()) == 0 {
		t.Skip("needs signals")
	}
	probe, err := postgrestest.Prepare()
	if err == nil {
		err = probe.Restart()
		_ = probe.Stop()
	}
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	var out strings.Builder
	o := options{faults: 3, seed: 4, brief: true, rooms: 2, rate: 30, kinds: "failover,slow fsync,disk full"}
	if err := faults(t.Context(), o, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	if !strings.Contains(out.String(), "failover") || !strings.Contains(out.String(), "every promise was kept") {
		t.Errorf("the report says\n%s", out.String())
	}
}
