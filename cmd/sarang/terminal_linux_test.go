package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/tui"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// onScreen starts the chat on a terminal, in a room that it shows.
func onScreen(t *testing.T, env []string, before ...string) (c *console, shown int) {
	t.Helper()
	addr := startServer(t)
	c = openConsole(t, env, append(before, "chat", "mina@"+addr, "#room")...)
	shown = c.shows(0, "mina joined")
	c.wantScreen()
	return c, shown
}

// However the program ends, the terminal is as it was.
func TestScreenRestoresTheTerminal(t *testing.T) {
	for name, end := range map[string]struct {
		signal syscall.Signal
		keys   string
		status string
	}{
		"Ctrl-C":  {keys: "\x03", status: "exited 0"},
		"Ctrl-D":  {keys: "\x04", status: "exited 0"},
		"/quit":   {keys: "/quit\r", status: "exited 0"},
		"SIGTERM": {signal: syscall.SIGTERM, status: "exited 0"},
		"SIGINT":  {signal: syscall.SIGINT, status: "exited 0"},
		"SIGHUP":  {signal: syscall.SIGHUP, status: "exited 0"},
		"SIGQUIT": {signal: syscall.SIGQUIT, status: "exited 2"}, // with all stacks, as Go has it
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := onScreen(t, nil)
			if end.keys != "" {
				c.press(end.keys)
			} else {
				c.signal(end.signal)
			}
			c.ended(end.status)
			c.wantRestored(true)
		})
	}
}

// A job that was stopped gives the terminal back, and takes it again when it goes on.
func TestScreenStopsAndGoesOn(t *testing.T) {
	for name, stop := range map[string]func(c *console){
		"Ctrl-Z":  func(c *console) { c.press("\x1a") },
		"SIGTSTP": func(c *console) { c.signal(syscall.SIGTSTP) },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := onScreen(t, nil)
			for range 2 {
				stop(c)
				c.ended("stopped stopped (signal)")
				c.wantRestored(true)
				from := len(c.written())
				c.goOn("fg")
				from = c.shows(from, "\x1b[?1049h")
				c.shows(from, "mina joined")
				c.wantScreen()
			}
			from := len(c.written())
			c.press("still here\r")
			c.shows(from, "still here")
			c.press("/quit\r")
			c.ended("exited 0")
			c.wantRestored(true)
		})
	}
}

// In the background there is no terminal to have: it waits for it.
func TestScreenInTheBackground(t *testing.T) {
	c, _ := onScreen(t, nil)
	c.press("\x1a")
	c.ended("stopped stopped (signal)")
	c.goOn("bg")
	c.ended("stopped stopped (tty output)")
	c.wantRestored(true)
	from := len(c.written())
	c.goOn("fg")
	from = c.shows(from, "\x1b[?1049h")
	c.shows(from, "mina joined")
	c.press("\x03")
	c.ended("exited 0")
	c.wantRestored(true)
}

// SIGSTOP tells nobody: the shell has its terminal as the screen left it, but the screen is
// whole again afterwards, and at the end all is as it was at the start.
func TestScreenIsStoppedByForce(t *testing.T) {
	c, _ := onScreen(t, nil)
	c.signal(syscall.SIGSTOP)
	c.ended("stopped stopped (signal)")
	// What an interactive shell does with a terminal that it gets back.
	c.setModes(c.modes)
	from := len(c.written())
	c.goOn("fg")
	from = c.shows(from, "\x1b[?1049h")
	c.shows(from, "mina joined")
	for end := time.Now().Add(consoleWait); c.termios() == c.modes && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // sleep: another process changes the terminal
	}
	c.wantScreen()
	c.press("\x03")
	c.ended("exited 0")
	c.wantRestored(true)
}

// The window is closed: what was read is remembered, and the server knows that we are gone.
func TestScreenOfAClosedTerminal(t *testing.T) {
	c, _ := onScreen(t, nil)
	c.close()
	_ = c.shell.Wait()
	c.gone()
	c.wantRead("room", 1)
}

// The same where nobody is told (nohup, a shell that has gone): nothing can be read any more.
func TestScreenOfATerminalThatIsGone(t *testing.T) {
	c, _ := onScreen(t, nil, "nohup")
	c.close()
	c.ended("exited 0")
	c.wantRead("room", 1)
}

// wantRead checks what is remembered of a room.
func (c *console) wantRead(room string, seq chat.Seq) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.config, "sarang", "identities.json"))
	var all struct {
		Identities []struct {
			Rooms map[string]tui.RoomStand `json:"rooms"`
		} `json:"identities"`
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || len(all.Identities) != 1 || all.Identities[0].Rooms[room].Seq != seq {
		c.t.Errorf("remembered %s, %v; want #%s read up to %d", text, err, room, seq)
	}
}

// A terminal that can do nothing gets lines.
func TestDumbTerminalGetsLines(t *testing.T) {
	addr := startServer(t)
	c := openConsole(t, []string{"TERM=dumb"}, "chat", "mina@"+addr, "#room")
	from := c.shows(0, "mina joined\r\n")
	c.press("hello\n")
	c.shows(from, "mina: hello\r\n")
	c.press("\x04")
	c.ended("exited 0")
	c.wantRestored(false)
}

// A panic, wherever it is, is told on a terminal that is as it was.
func TestScreenOfAPanic(t *testing.T) {
	for where, status := range map[string]string{"a worker": "exited 2", "beside": "exited 2", "the screen": "exited 1"} {
		t.Run(where, func(t *testing.T) {
			c := openConsole(t, []string{panicVariable + "=" + where}, "chat")
			if where == "the screen" {
				c.shows(0, "#room")
				c.press("hello\r")
			}
			c.ended(status)
			c.wantRestored(true)
			if !strings.Contains(c.written(), "on purpose") {
				t.Errorf("it does not say what happened: %q", c.written())
			}
		})
	}
}

// A screen shows what a hostile server says, and its terminal does nothing of it.
func TestScreenOfAHostileServer(t *testing.T) {
	bad := badText()
	addr := hostileServer(t, func(id uint16, payload []byte) map[packet.ID]packet.Marshaler {
		return map[uint16]map[packet.ID]packet.Marshaler{
			uint16(sarangv1.CLogin): {sarangv1.SLogin: &sarangv1.LoggedIn{Version: 1, User: 7, Name: bad, Token: make([]byte, 16), Server: bad, Capabilities: []string{bad}}},
			uint16(sarangv1.CJoin): {
				sarangv1.SJoin: &sarangv1.Joined{Request: requestOf(payload), Room: &sarangv1.RoomInfo{Id: 1, Name: bad, Epoch: 5}},
				sarangv1.SChat: &sarangv1.Event{Room: 1, Seq: 1, Kind: 1, User: 8, Name: bad, Text: bad + " saidsaid"},
			},
			// Who is here is asked for when the room is shown.
			uint16(sarangv1.CMembers): {sarangv1.SError: &sarangv1.Error{Code: 1, Message: bad + " wrongwrong"}},
		}[id]
	})
	c := openConsole(t, nil, "chat", "mina@"+addr, "#room")
	c.shows(c.shows(0, "said"), "wrongwrong")
	c.press("\x03")
	c.ended("exited 0")
	c.wantRestored(true)
	all := c.written()
	for _, acts := range []string{"\x1b]0;", "\x1b]52;", "\u009b", "\u009d", "\u0085", "\u202e", "\u2028", "\x07owned", "\x0e", "\x7f"} {
		if strings.Contains(all, acts) {
			t.Errorf("%q reaches the terminal", acts)
		}
	}
}
