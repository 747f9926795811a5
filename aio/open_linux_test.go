package aio_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sarang/aio"
)

func TestOpenRefuses(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	_, err := aio.Open("kqueue", aio.Config{})
	var unknown *aio.UnknownKindError
	if !errors.As(err, &unknown) || !slices.Equal(unknown.Known, aio.Kinds()) {
		t.Errorf("unknown kind: got %v", err)
	}
	for _, kind := range aio.Kinds() {
		if err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%q does not name %s", err, kind)
		}
	}
	for _, c := range []aio.Config{
		{SocketsMax: -1},
		{SocketsMax: 1 << 30},
		{RecvBufferBytes: -1},
		{RecvBuffers: 3},
		{RecvBuffers: 1 << 16},
		{EventsMax: -5},
	} {
		_, err := aio.Open("epoll", c)
		var config *aio.ConfigError
		if !errors.As(err, &config) {
			t.Errorf("Open with %+v: got %v, want a ConfigError", c, err)
		}
	}
}

func TestChoose(t *testing.T) {
	kind, reason, err := aio.Choose("auto")
	if err != nil || reason == "" || !slices.Contains(aio.Kinds(), kind) {
		t.Fatalf("auto: got %q, %q, %v", kind, reason, err)
	}
	if strings.Contains(reason, "\n") {
		t.Errorf("the reason is more than a line: %q", reason)
	}
	t.Logf("auto takes %s: %s", kind, reason)

	if kind, _, err := aio.Choose("epoll"); kind != "epoll" || err != nil {
		t.Errorf("epoll: got %q, %v", kind, err)
	}
	forced, _, err := aio.Choose("uring")
	if (err == nil) != (kind == "uring") {
		t.Errorf("auto takes %s, but uring by name gives %q, %v", kind, forced, err)
	}
	if err != nil && (!errors.Is(err, aio.ErrUnavailable) || !strings.Contains(err.Error(), "epoll")) {
		t.Errorf("%q should wrap ErrUnavailable and say what to do", err)
	}
	_, _, err = aio.Choose("select")
	var unknown *aio.UnknownKindError
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "auto") {
		t.Errorf("unknown kind: got %v", err)
	}
}

// TestChooseLeavesNothingOpen: a probe must not cost a descriptor.
func TestChooseLeavesNothingOpen(t *testing.T) {
	before := openFiles(t)
	for range 3 {
		if _, _, err := aio.Choose("auto"); err != nil {
			t.Fatal(err)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open before, %d after", before, after)
	}
}
