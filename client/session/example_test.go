package session_test

import (
	"fmt"
	"log"
	"net/netip"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// counter counts the messages that one session sees.
type counter struct {
	session.NopEvents
	seen int
}

func (n *counter) LoggedIn(s *session.Session, in session.LoggedIn) {
	if _, err := s.Join(session.Join{Name: "lobby"}); err != nil {
		fmt.Println(in.Name, "can not join:", err)
	}
}

func (n *counter) Event(_ *session.Session, e *chat.Event) {
	if e.Kind == chat.EventMessage {
		n.seen++
	}
}

// Many sessions on one worker.
func Example() {
	config := session.ServiceConfig()
	config.SessionsMax = 1000
	svc, err := engine.New(config)
	if err != nil {
		log.Print(err)
		return
	}
	if err := svc.Start(); err != nil {
		log.Print(err)
		return
	}
	defer svc.Close()
	addr, protocol := netip.MustParseAddrPort("127.0.0.1:7777"), session.NewProtocol(nil)
	for i := range 1000 {
		state := session.NewState(session.StateConfig{Name: fmt.Sprintf("guest-%d", i)})
		if err := svc.Connect(addr, protocol, session.New(state, &counter{})); err != nil {
			log.Print(err)
			return
		}
	}
}
