package engine_test

import (
	"testing"
	"time"

	"sarang/engine"
)

// slack is how late a deadline may be noticed: a tick of the wheel, and a step of
// the harness.
const slack = 40 * time.Millisecond

// endsAfter waits for the only session's end and checks when and why it came.
func endsAfter(h *harness, since, want time.Duration, code engine.ReasonCode) {
	h.Helper()
	h.until("the session's end", func() bool { return len(h.ended) == 1 })
	if d := h.now() - since; d < want || d > want+slack {
		h.Errorf("the session ended after %v, not %v", d, want)
	}
	if h.ended[0].Code != code {
		h.Errorf("ended with %v, not %v", h.ended[0], code)
	}
}

// onEndClose has peers close as soon as they see the end of the stream.
func onEndClose(h *harness, p *peer) {
	h.tick = func() {
		if p.over() && !p.closed {
			p.close()
		}
	}
}

func TestLoginDeadline(t *testing.T) {
	c := setup{simply: true, config: engine.Config{LoginDeadline: 3 * time.Second}}
	everywhere(t, c, func(h *harness) {
		p, _ := h.connect()
		onEndClose(h, p)
		began := h.now()
		p.write(pack(2)) // talking is not logging in
		endsAfter(h, began, 3*time.Second, engine.ReasonLoginDeadline)
	})
}

func TestAdmitEndsLoginDeadline(t *testing.T) {
	c := setup{simply: true, config: engine.Config{
		LoginDeadline: 3 * time.Second, IdleTimeout: -1, HeartbeatInterval: -1,
	}}
	everywhere(t, c, func(h *harness) {
		_, s := h.connect()
		s.Admit()
		h.pass(time.Minute)
		if len(h.ended) != 0 {
			h.Errorf("ended with %v", h.ended[0])
		}
	})
}

// Silence is measured from the last byte, before a login and after it, with
// heartbeats and without.
func TestIdleTimeout(t *testing.T) {
	for _, c := range []struct {
		name              string
		login, beat, idle time.Duration
		admit             bool
		beats             int
	}{
		{"admitted", 10 * time.Second, -1, 7 * time.Second, true, 0},
		{"no login wanted", -1, -1, 7 * time.Second, false, 0},
		{"before the login", 10 * time.Second, -1, 7 * time.Second, false, 0},
		{"before the first beat", -1, 30 * time.Second, 7 * time.Second, true, 0},
		{"after beats", -1, 3 * time.Second, 10 * time.Second, true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := engine.Config{LoginDeadline: c.login, HeartbeatInterval: c.beat, IdleTimeout: c.idle}
			onSim(t, setup{config: conf}, func(h *harness) {
				beats := 0
				h.heartbeat = func(*engine.Session) { beats++ }
				p, s := h.connect()
				onEndClose(h, p)
				if c.admit {
					s.Admit()
				}
				h.pass(2 * time.Second)
				p.write(pack(2)[:1]) // a part of a packet is a sign of life, too
				since := h.now()
				endsAfter(h, since, c.idle, engine.ReasonIdle)
				if beats != c.beats {
					h.Errorf("%d heartbeats, not %d", beats, c.beats)
				}
			})
		})
	}
}

// A peer that answers heartbeats lives on; the interval starts with what was received.
func TestHeartbeat(t *testing.T) {
	c := setup{simply: true, config: engine.Config{HeartbeatInterval: 2 * time.Second, IdleTimeout: 5 * time.Second}}
	everywhere(t, c, func(h *harness) {
		var at []time.Duration
		h.heartbeat = func(s *engine.Session) {
			at = append(at, h.now())
			_ = s.Send(pack(idDirect))
		}
		p, s := h.connect()
		h.pass(2500 * time.Millisecond)
		if len(at) != 0 {
			h.Error("a heartbeat before Admit")
		}
		s.Admit()
		h.tick = func() {
			if len(p.take()) > 0 {
				p.write(pack(idEcho))
			}
		}
		h.pass(time.Minute)
		if len(h.ended) != 0 {
			h.Fatalf("ended with %v", h.ended[0])
		}
		if len(at) < 28 || len(at) > 31 {
			h.Errorf("%d heartbeats in a minute", len(at))
		}
		for i := 1; i < len(at); i++ {
			if d := at[i] - at[i-1]; d < 2*time.Second || d > 2*time.Second+2*slack {
				h.Errorf("%v between two heartbeats", d)
			}
		}
	})
}

// While we do not listen, the silence is ours.
func TestPausedIsNotIdle(t *testing.T) {
	c := setup{simply: true, config: engine.Config{HeartbeatInterval: 2 * time.Second, IdleTimeout: 5 * time.Second}}
	everywhere(t, c, func(h *harness) {
		beats := 0
		h.heartbeat = func(*engine.Session) { beats++ }
		p, s := h.connect()
		onEndClose(h, p)
		s.Admit()
		s.Pause()
		h.pass(time.Minute)
		if len(h.ended) != 0 || beats != 0 {
			h.Fatalf("ended with %v after %d heartbeats", h.ended, beats)
		}
		s.Resume()
		endsAfter(h, h.now(), 5*time.Second, engine.ReasonIdle)
	})
}

// The silence of a pause, and of a detachment, is not held against a peer that is switched
// out of it.
func TestSwitchedIsNotIdle(t *testing.T) {
	for name, away := range map[string]func(h *harness, s *engine.Session, p *engine.Protocol){
		"paused": func(h *harness, s *engine.Session, p *engine.Protocol) {
			s.Pause()
			h.pass(time.Minute)
			s.Switch(p, nil)
		},
		"detached": func(h *harness, s *engine.Session, p *engine.Protocol) {
			c, err := s.Detach()
			if err != nil {
				h.Fatal(err)
			}
			h.pass(time.Minute)
			if err := h.service.Adopt(c, nil, p, nil); err != nil {
				h.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := setup{simply: true, config: engine.Config{LoginDeadline: -1, HeartbeatInterval: -1, IdleTimeout: 5 * time.Second}}
			everywhere(t, c, func(h *harness) {
				p, notes := speakLines(h)
				_, s := h.connect()
				s.Admit()
				away(h, s, p)
				s.Admit()
				since := h.now()
				h.until("the session's end", func() bool { return len(notes.sessions) == 1 && notes.closing(0) })
				if d := h.now() - since; d < 5*time.Second || d > 5*time.Second+slack {
					h.Errorf("the session ended after %v", d)
				}
			})
		})
	}
}

// A pause does not put off the login.
func TestPausedMustLogIn(t *testing.T) {
	c := setup{simply: true, config: engine.Config{LoginDeadline: 3 * time.Second, IdleTimeout: time.Second}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connect()
		onEndClose(h, p)
		s.Pause()
		endsAfter(h, h.now(), 3*time.Second, engine.ReasonLoginDeadline)
	})
}

// What the deadline's farewell says arrives.
func TestFarewell(t *testing.T) {
	c := setup{simply: true, config: engine.Config{LoginDeadline: time.Second}}
	everywhere(t, c, func(h *harness) {
		h.farewell = func(to engine.Sender, why engine.Reason) {
			if to.Session() != h.sessions[0] {
				h.Error("a farewell to somebody else")
			}
			_ = to.Send(pack(idBye, []byte(why.String())...))
		}
		p, _ := h.connect()
		h.until("the end", p.over)
		got := p.take()
		if len(got) != 1 || got[0].ID != idBye || string(got[0].Payload) != "login_deadline" {
			h.Errorf("the peer got %v", got)
		}
	})
}
