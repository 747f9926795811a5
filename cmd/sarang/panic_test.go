package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// brokenConn panics where it is told to: when a room is joined, or a message is said.
type brokenConn struct {
	tui.Conn
	where    string
	terminal *tui.Terminal
	events   chan client.Event
}

func (c brokenConn) Self() client.LoggedIn       { return client.LoggedIn{User: 7, Name: "mina"} }
func (c brokenConn) Events() <-chan client.Event { return c.events }

func (c brokenConn) Join(ctx context.Context, _ client.Join) (client.Joined, error) {
	switch c.where {
	case "a worker": // as the engine reports it
		screenLog(c.terminal).Error("the program is broken and stops")
		go panic("on purpose")
	case "the screen":
		return client.Joined{Room: client.RoomInfo{ID: 1, Name: "room"}}, nil
	default:
		panic("on purpose")
	}
	<-ctx.Done()
	return client.Joined{}, ctx.Err()
}

func (c brokenConn) PublishNonce(context.Context, chat.RoomID, chat.Nonce, string) (chat.Seq, error) {
	return 0, brokenError{}
}

// MyRooms is asked for when there is a room, and so is MemberPage.
func (c brokenConn) MyRooms(context.Context) ([]client.MyRoom, error) {
	return nil, errors.New("nobody knows")
}

// MemberPage is asked for when there is a room.
func (c brokenConn) MemberPage(context.Context, chat.RoomID, chat.UserID, int) (client.MemberPage, error) {
	return client.MemberPage{}, errors.New("nobody knows")
}

// Blocks are asked for after the login.
func (c brokenConn) Blocks(context.Context) ([]client.Member, error) {
	return nil, errors.New("nobody knows")
}

// Typing is told while somebody types.
func (c brokenConn) Typing(chat.RoomID) {}

// brokenError panics when it is shown.
type brokenError struct{}

func (brokenError) Error() string { panic("on purpose") }

// panicOnScreen shows a screen and panics.
func panicOnScreen(where string) {
	terminal := tui.NewTerminal(nil, nil)
	conn := brokenConn{where: where, terminal: terminal, events: make(chan client.Event, 1)}
	if err := tui.Run(context.Background(), tui.Config{Conn: conn, Server: "here", Rooms: []string{"room"}, Terminal: terminal}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
}
