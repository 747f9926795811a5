package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store"
)

func runStore(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := storeCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestStoreUsage(t *testing.T) {
	for _, args := range []string{
		"copy", "copy sqlite:a", "copy sqlite:a sqlite:a", "copy mysql:a sqlite:b", "check", "check nothing", "check sqlite:a sqlite:b",
		"check --sync never sqlite:a",
	} {
		t.Chdir(t.TempDir())
		_, err := runStore(t, strings.Fields(args)...)
		var usage usageError
		if !errors.As(err, &usage) {
			t.Errorf("sarang store %s: error %v, want one about the usage", args, err)
		}
	}
}

func TestStoreCopyAndCheck(t *testing.T) {
	from, to := "sqlite:"+t.TempDir(), "sqlite:"+t.TempDir()
	fill(t, from)
	for _, written := range []string{"(5 of all these", "(0 of all these"} {
		out, err := runStore(t, "copy", "--sync", "process-safe", from, to)
		if err != nil || !strings.Contains(out, "hold the same: 1 users, 1 rooms, 3 events, 0 devices, invitations, memberships and other records "+written) {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := runStore(t, "check", to)
	if err != nil || out != "1 users, 1 rooms, 3 events, 1 other records: 0 faults\n" {
		t.Fatalf("%v\n%s", err, out)
	}
	other := "sqlite:" + t.TempDir()
	s, err := store.Open(t.Context(), other, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.ClaimUser(t.Context(), chat.Claim{Name: "x", Key: "x", NowMs: 1})
	_ = s.Close()
	if out, err := runStore(t, "copy", from, other); err == nil || !strings.Contains(err.Error(), "not the same in both stores") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// fill makes a user and a room with three events.
func fill(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, url, store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	_, _ = s.ClaimUser(ctx, chat.Claim{Name: "u", Key: "u", NowMs: 1})
	_, _ = s.CreateRoom(ctx, chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{})
	a := chat.Append{Room: 1}
	for i := range chat.Seq(3) {
		a.Events = append(a.Events, chat.Event{Room: 1, Seq: i + 1, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(i), Text: "x"})
	}
	if _, err := s.Commit(ctx, chat.Batch{ID: chat.BatchID{Writer: 1, Number: 1}, Appends: []chat.Append{a}}); err != nil {
		t.Fatal(err)
	}
}
