package client_test

import (
	"context"
	"log"
	"time"

	"sarang/chat"
	"sarang/client"
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
