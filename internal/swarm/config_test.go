package swarm

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
)

func TestConfigRefuses(t *testing.T) {
	for want, c := range map[string]Config{
		"--addr":        {Addr: ""},
		"--clients":     {Clients: -1},
		"--rooms":       {Clients: 2, Rooms: 3},
		"--workers":     {Workers: 65},
		"--stalled":     {Clients: 2, Stalled: 3},
		"nobody":        {Clients: 2, Stalled: 2},
		"--publishers":  {Clients: 4, Stalled: 2, Publishers: 3},
		"--size":        {SizeBytes: SizeBytesMin - 1},
		"--window":      {Window: WindowMax + 1},
		"--rate":        {Rate: -1},
		"--churn":       {Churn: -1},
		"--messages":    {Messages: -1},
		"negative":      {Duration: -time.Second},
		"--room-prefix": {RoomPrefix: "has space"},
	} {
		if want != "--addr" {
			c.Addr = "server.test:7777"
		}
		c = c.WithDefaults()
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one about %q", c, err, want)
		}
	}
	if c := (Config{Addr: "tcp://server.test:7777"}).WithDefaults(); c.Validate() != nil || c.Addr != "server.test:7777" {
		t.Errorf("the defaults with an address are refused: %v", c.Validate())
	}
}

// TestNamesAreAllowed has the longest prefix and the highest numbers.
func TestNamesAreAllowed(t *testing.T) {
	c := Config{Addr: "server.test:7777", RoomPrefix: strings.Repeat("x", roomPrefixBytesMax), Clients: ClientsMax}.WithDefaults()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := chat.ParseRoomName(roomName(&c, ClientsMax-1)); err != nil {
		t.Error(err)
	}
	if _, _, err := chat.ParseUserName(userName(&c, ClientsMax-1)); err != nil {
		t.Error(err)
	}
}

func TestErrorLogMerges(t *testing.T) {
	a, b := errorLog{}, errorLog{}
	for _, what := range []string{"1", "2", "3", "4"} {
		a.add("x", what)
		b.add("x", "b"+what)
	}
	b.add("y", "only b")
	a.merge(b)
	if a["x"].Count != 8 || a["y"].Count != 1 || a.total() != 9 || strings.Join(a["x"].First, " ") != "1 2 3" {
		t.Errorf("merged: x %+v, y %+v", a["x"], a["y"])
	}
}
