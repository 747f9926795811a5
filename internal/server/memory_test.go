package server

import "testing"

func TestMemoryIsGivenBackWhenItIsQuiet(t *testing.T) {
	const mi = 1 << 20
	cases := []struct {
		name        string
		before, now heap
		want        bool
	}{
		{"nothing to give", heap{allocatedBytes: 0}, heap{liveBytes: 10 * mi, slackBytes: 1 * mi}, false},
		{"a peak is over", heap{}, heap{liveBytes: 10 * mi, slackBytes: 12 * mi, allocatedBytes: mi}, true},
		{"busy", heap{}, heap{liveBytes: 10 * mi, slackBytes: 12 * mi, allocatedBytes: 20 * mi}, false},
		{"little, of much", heap{}, heap{liveBytes: 800 * mi, slackBytes: 50 * mi}, false},
	}
	for _, c := range cases {
		if got := c.now.worthGiving(c.before); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if h := readHeap(); h.liveBytes+h.slackBytes == 0 || h.allocatedBytes == 0 {
		t.Errorf("the runtime says %+v: are the names of its metrics still right?", h)
	}
}
