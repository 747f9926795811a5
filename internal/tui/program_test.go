package tui_test

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sarang/client"
	"sarang/internal/tui"
)

// display is a terminal that remembers what was written to it.
type display struct {
	mu      sync.Mutex
	all     bytes.Buffer
	changed chan struct{}
}

func newDisplay() *display { return &display{changed: make(chan struct{}, 1)} }

func (d *display) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
	return d.all.Write(b)
}

// shows waits until a text was on the display.
func (d *display) shows(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	for {
		d.mu.Lock()
		s := ansi.Strip(d.all.String())
		d.mu.Unlock()
		if strings.Contains(s, text) {
			return
		}
		select {
		case <-d.changed:
		case <-ctx.Done():
			t.Fatalf("%q never came; the display had %q", text, s)
		}
	}
}

// onText calls a function when a text was written.
type onText struct {
	text string
	then func()
}

func (o onText) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(o.text)) {
		o.then()
	}
	return len(b), nil
}

// A person at a screen, and another one at a pipe, on a real server.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h := newHouse(t)
	conn := h.dial("민지", nil)
	keys, type_ := io.Pipe()
	d := newDisplay()
	var saved map[string]client.Cursor
	var joined []string
	done := make(chan error, 1)
	go func() {
		done <- tui.Run(ctx, tui.Config{
			Conn: conn, Server: "here", Rooms: []string{"사랑방"}, NoColor: true, Input: keys, Output: d, Columns: 60, Rows: 20,
			Save: func(seen map[string]client.Cursor, rooms []string) error {
				saved, joined = seen, rooms
				return nil
			},
		})
	}()
	press := func(s string) {
		if _, err := io.WriteString(type_, s); err != nil {
			t.Error(err)
		}
	}
	d.shows(ctx, t, "민지 joined")
	press("반가워요\r")
	d.shows(ctx, t, "민지: 반가워요")

	var out bytes.Buffer
	c := plain(h.dial("ann", nil), "nice to meet you\n", &out, io.Discard)
	c.History = 10
	if err := tui.Plain(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "민지: 반가워요\n") {
		t.Errorf("ann has seen %s", out.String())
	}
	d.shows(ctx, t, "nice to meet you")

	// What is typed while the server is away is sent in order when it is back.
	h.close()
	d.shows(ctx, t, "offline")
	press("하나\r둘\r셋\r")
	d.shows(ctx, t, "셋")
	h.open()
	out.Reset()
	bob, heard := context.WithCancel(ctx)
	c = plain(h.dial("bob", nil), "", io.MultiWriter(&out, onText{"민지: 셋", heard}), io.Discard)
	c.In, c.History = silence(t), 100
	if err := tui.Plain(bob, c); err != nil {
		t.Error(err)
	}
	order := regexp.MustCompile(`(?s)민지: 하나\n.*민지: 둘\n.*민지: 셋\n`)
	if s := out.String(); !order.MatchString(s) || strings.Count(s, "민지: ") != 4 {
		t.Errorf("bob has seen\n%s", s)
	}
	press("/rooms\r")
	d.shows(ctx, t, "rooms of the server")
	press("/create #둘째방\r")
	d.shows(ctx, t, "2 #둘째방")
	press("\x03")
	if err := <-done; err != nil {
		t.Error(err)
	}
	_ = type_.Close()
	if saved["사랑방"].Seq < 4 || len(joined) != 2 {
		t.Errorf("remembered %v, %v", saved, joined)
	}
}
