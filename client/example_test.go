package client_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/engine"
)

// A bot that greets whoever comes in.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, client.Config{Addr: "localhost:7777", Name: "greeter", Program: "greeter/1.0"})
	if err != nil {
		log.Print(err)
		return
	}
	defer c.Close()
	lobby, err := c.Join(ctx, client.Join{Name: "lobby", Create: true})
	if err != nil {
		log.Print(err)
		return
	}
	for event := range c.Events() {
		switch e := event.(type) {
		case client.RoomEvent:
			if e.Kind != chat.EventJoin || e.User == c.Self().User {
				continue
			}
			// In a goroutine of its own: the answer needs the events to be read.
			go func() {
				if _, err := c.Publish(context.Background(), lobby.Room.ID, "Welcome, "+e.Name+"!"); err != nil {
					log.Print(err)
				}
			}()
		case client.Offline:
			log.Printf("offline: %v; again in %v", e.Err, e.RetryIn)
		}
	}
	log.Print(c.Err())
}

// counter counts the messages that one session sees.
type counter struct {
	client.NopEvents
	seen int
}

func (n *counter) LoggedIn(s *client.Session, in client.LoggedIn) {
	if _, err := s.Join(client.Join{Name: "lobby"}); err != nil {
		fmt.Println(in.Name, "can not join:", err)
	}
}

func (n *counter) Event(_ *client.Session, e *chat.Event) {
	if e.Kind == chat.EventMessage {
		n.seen++
	}
}

// Many sessions on one worker.
func ExampleSession() {
	config := client.ServiceConfig()
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
	addr := netip.MustParseAddrPort("127.0.0.1:7777")
	for i := range 1000 {
		state := client.NewState(client.StateConfig{Name: fmt.Sprintf("guest-%d", i)})
		if err := svc.Connect(addr, client.NewSession(state, &counter{})); err != nil {
			log.Print(err)
			return
		}
	}
}
