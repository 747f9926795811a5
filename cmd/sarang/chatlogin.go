package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sarang/chat"
	"sarang/internal/tui"
)

// chatLogin is what is shown beside the token.
type chatLogin struct {
	password, invitation string
	register             bool
}

// login asks for the password, if one is wanted.
func (f chatFlags) login(name string) (l chatLogin, err error) {
	if !f.password && !f.register && f.passwordFile == "" {
		return l, nil
	}
	l.register, l.invitation = f.register, f.invitation
	switch {
	case f.passwordFile != "":
		l.password, err = passwordIn(f.passwordFile)
	case !isTerminal(os.Stdin):
		err = errors.New("a password is asked for on a terminal; standard input is none: use --password-file")
	default:
		l.password, err = askPassword(name, f.register)
	}
	if err != nil {
		return l, usageError{err}
	}
	_, err = chat.ParsePassword(l.password)
	if err != nil {
		err = usageError{err}
	}
	return l, err
}

// passwordIn is the first line of a file.
func passwordIn(file string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	line, err := bufio.NewReader(io.LimitReader(in, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword asks on the terminal, without echo; twice for a new one.
func askPassword(name string, fresh bool) (string, error) {
	ask := func(what string) (string, error) {
		fmt.Fprintf(os.Stderr, "%s for %s: ", what, tui.CleanLine(name))
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(b), err
	}
	if !fresh {
		return ask("password")
	}
	first, err := ask("a new password")
	if err != nil {
		return "", err
	}
	again, err := ask("once more")
	if err == nil && again != first {
		err = errors.New("these were two different passwords")
	}
	return first, err
}

// deviceName is how the list of one's sessions calls this program here.
func deviceName() string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return "sarang chat on " + host
}
