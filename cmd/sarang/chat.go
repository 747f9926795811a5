package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// Where one goes without saying more.
const (
	chatPort = "7777"
	chatRoom = "lobby"
)

// chatFlags are the flags of `sarang chat`.
type chatFlags struct {
	plain, json, follow, resume, noSave, commands bool
	tls                                           bool
	ca                                            string
	history                                       int
	tokenFile, logLevel                           string
	password, register                            bool
	passwordFile, invitation                      string
}

func chatCommand() *cobra.Command {
	var f chatFlags
	c := &cobra.Command{
		Use:   "chat NAME@HOST[:PORT] [#room]",
		Short: "Talk, on a terminal or in a script",
		Long: "Talk in the rooms of a server. On a terminal it is a screen with rooms, members\n" +
			"and history; /help there says how. If standard input or output is no terminal,\n" +
			"or TERM is dumb, each line of input is said in the room, what happens there is\n" +
			"printed, one event per line, and the end of the input ends the program when\n" +
			"everything was acknowledged. It fails if a message was not accepted.\n\n" +
			"Without NAME@ the name is that of the user. Without a room it is the rooms of\n" +
			"last time, else #" + chatRoom + "; a room that does not exist is made. What proves that\n" +
			"the name is yours is kept in a file that only you can read.",
		Example: "  sarang chat mina@127.0.0.1\n" +
			"  sarang chat mina@chat.example.org:7777 '#사랑방'\n" +
			"  sarang chat --tls mina@chat.example.org:7778\n" +
			"  echo 'the build is done' | sarang chat bot@chat.example.org '#dev'\n" +
			"  sarang chat --json --follow --resume log@chat.example.org '#dev' </dev/null",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{errors.New("the server is missing: sarang chat NAME@HOST[:PORT] [#room], such as sarang chat mina@127.0.0.1 '#lobby'")}
			case len(args) > 2:
				return usageError{fmt.Errorf("%q is one too many; a text to say comes by standard input", args[2])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return printable(runChat(c, f, args)) },
	}
	l := c.Flags()
	l.SortFlags = false
	l.BoolVar(&f.plain, "plain", false, "lines in, lines out, also on a terminal")
	l.BoolVar(&f.json, "json", false, "like --plain; print each event as a JSON object")
	l.BoolVar(&f.commands, "commands", false, "with --plain: lines that begin with / are commands (/help lists them), and //text says /text")
	l.BoolVar(&f.follow, "follow", false, "with --plain: go on after the end of the input")
	l.BoolVar(&f.resume, "resume", false, "with --plain: first print what came since the last time; after a kill up to a second of it again")
	l.IntVar(&f.history, "history", 0, "with --plain: first print this many events of before")
	l.BoolVar(&f.noSave, "no-save", false, "remember nothing: neither the proof of the name nor what was read")
	l.StringVar(&f.tokenFile, "token-file", "", "keep the proof of the name in this file, and nothing else")
	l.BoolVar(&f.password, "password", false, "ask for the password of the name; needed once on each device")
	l.BoolVar(&f.register, "register", false, "keep the name, with a password that is asked for")
	l.StringVar(&f.invitation, "invitation", "", "with --register: the code, where the server wants one")
	l.StringVar(&f.passwordFile, "password-file", "", "read the password from the first line of this file instead of asking for it")
	l.BoolVar(&f.tls, "tls", false, "speak TLS: the server's address is one of its tls:// ones")
	l.StringVar(&f.ca, "ca", "", "with --tls: PEM file of the authorities to believe, instead of the system's")
	l.StringVar(&f.logLevel, "log-level", "warn", "with --plain: debug, info, warn or error")
	return c
}

// chatTarget is whom to be, where.
type chatTarget struct {
	name, addr, room string // room: "" if none was given
}

// parseTarget reads NAME@HOST[:PORT] and the room. user is the name if there is none.
func parseTarget(args []string, user string) (t chatTarget, err error) {
	host := args[0]
	t.name = user
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		t.name, host = host[:i], host[i+1:]
		if t.name == "" {
			t.name = user
		}
	}
	if host == "" {
		return t, fmt.Errorf("%q names no server; write NAME@HOST or NAME@HOST:PORT", args[0])
	}
	if t.name == "" {
		return t, fmt.Errorf("%q names nobody, and USER is not set; write NAME@%s", args[0], host)
	}
	if _, _, err := chat.ParseUserName(t.name); err != nil {
		return t, err
	}
	if t.addr, err = hostPort(host); err != nil {
		return t, err
	}
	if len(args) > 1 {
		if t.room, err = tui.RoomName(args[1]); err != nil {
			return t, err
		}
	}
	return t, nil
}

// hostPort adds the usual port. An IPv6 address may stand without brackets if it has
// no port. One server has one form, for its identities are found by it.
func hostPort(s string) (string, error) {
	bare, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		bare, bracketed = strings.CutSuffix(bare, "]")
	}
	if !bracketed {
		bare = s
	}
	host, port := bare, chatPort
	if _, err := netip.ParseAddr(bare); err != nil || !hostIsSound(bare) {
		if host, port, err = net.SplitHostPort(s); err != nil {
			host, port = s, chatPort
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", fmt.Errorf("%q is no HOST:PORT; a port is a number from 1 to 65535", s)
	}
	if !hostIsSound(host) {
		return "", fmt.Errorf("%q is no HOST or HOST:PORT", s)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// hostIsSound reports whether a host may be one: nothing in it belongs to what stands
// around a host, and only an IPv6 address has colons.
func hostIsSound(host string) bool {
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("[]/@", r)
	}
	if !utf8.ValidString(host) || strings.ContainsFunc(host, odd) {
		return false
	}
	_, err := netip.ParseAddr(host)
	address, zone, _ := strings.Cut(host, "%")
	return !strings.Contains(zone, ":") && (err == nil || !strings.Contains(address, ":"))
}

// userName is who the system says we are.
func userName() string {
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return os.Getenv("USERNAME")
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// canShow reports whether we stand on a terminal that a screen can be shown on.
func canShow() bool {
	switch os.Getenv("TERM") {
	case "dumb", "unknown":
		return false // it can not even move its cursor
	}
	return isTerminal(os.Stdin) && isTerminal(os.Stdout)
}

func runChat(c *cobra.Command, f chatFlags, args []string) error {
	t, err := parseTarget(args, userName())
	if err != nil {
		return usageError{err}
	}
	if f.history < 0 || f.resume && f.history > 0 {
		return usageError{errors.New("--history wants a number that is not negative, and not together with --resume")}
	}
	if f.noSave && (f.resume || f.tokenFile != "") {
		return usageError{errors.New("--no-save does not go with --resume or --token-file")}
	}
	if f.resume && f.tokenFile != "" {
		return usageError{errors.New("--resume does not go with --token-file, which keeps the proof of the name and not what was read")}
	}
	if f.ca != "" && !f.tls {
		return usageError{errors.New("--ca goes with --tls")}
	}
	if f.invitation != "" && !f.register {
		return usageError{errors.New("--invitation goes with --register")}
	}
	login, err := f.login(t.name)
	if err != nil {
		return err
	}
	trusted, err := trusting(f.ca)
	if err != nil {
		return usageError{err}
	}
	plain := f.plain || f.json || !canShow()
	terminal := tui.NewTerminal(nil, nil)
	logger := screenLog(terminal)
	if plain {
		if logger, err = newLogger(os.Stderr, isTerminal(os.Stderr), f.logLevel, "auto"); err != nil {
			return usageError{err}
		}
	}
	keep, err := openKeeper(f, t)
	if err != nil {
		return err
	}
	keep.login = login
	ctx, stop := untilHangup(c.Context())
	defer stop()
	if !plain {
		fmt.Fprintf(os.Stderr, "connecting to %s …\n", tui.CleanLine(t.addr))
	}
	conn, err := dialChat(ctx, t, f.scheme(), trusted, keep, logger)
	if err != nil {
		return err
	}
	defer func() {
		if err := conn.Close(); err != nil {
			logger.Warn("closing the connection", "error", err)
		}
	}()
	if err := keep.accepted(conn); err != nil {
		return err
	}
	if plain {
		return chatPlain(ctx, c, conn, f, t, keep)
	}
	return chatScreen(ctx, conn, t, keep, terminal)
}

// screenLog is the log behind a screen. It has the last words of a program that is broken:
// anything else would be written over the screen.
func screenLog(t *tui.Terminal) *slog.Logger {
	return slog.New(slog.NewTextHandler(afterScreen{t}, &slog.HandlerOptions{Level: slog.LevelError}))
}

// afterScreen is standard error without a screen on it.
type afterScreen struct{ terminal *tui.Terminal }

func (a afterScreen) Write(b []byte) (int, error) {
	a.terminal.Restore()
	return os.Stderr.Write(b)
}

// scheme is what stands before an address.
func (f chatFlags) scheme() string {
	if f.tls {
		return "tls://"
	}
	return ""
}

// dialChat logs in.
func dialChat(ctx context.Context, t chatTarget, scheme string, trusted *tls.Config, keep *keeper, logger *slog.Logger) (*client.Client, error) {
	conn, err := client.Dial(ctx, client.Config{
		Addr: scheme + t.addr, TLS: trusted, Name: t.name, Token: keep.id.Token, Program: "sarang " + version(), Logger: logger,
		Password: keep.login.password, Register: keep.login.register, Invitation: keep.login.invitation, Device: deviceName(),
	})
	keep.refused(err)
	var said *chat.Error
	switch {
	case errors.As(err, &said) && said.Code == chat.CodeNameTaken:
		return nil, fmt.Errorf("%s at %s: %s; choose another name, or log in with --password if it is yours", t.name, t.addr, said.Message)
	case errors.As(err, &said) && said.Code == chat.CodeBadToken:
		return nil, fmt.Errorf("%s at %s: the name belongs to somebody else (%s); choose another name, or log in with --password if it is yours", t.name, t.addr, said.Message)
	case errors.As(err, &said) && said.Code == chat.CodeNeedsPassword:
		return nil, fmt.Errorf("%s at %s: %s (--password, --register)", t.name, t.addr, said.Message)
	case errors.As(err, &said):
		return nil, fmt.Errorf("%s says: %s", t.addr, said.Message)
	}
	return conn, err
}

func chatPlain(ctx context.Context, c *cobra.Command, conn *client.Client, f chatFlags, t chatTarget, keep *keeper) error {
	room := cmp.Or(t.room, chatRoom)
	config := tui.PlainConfig{
		Conn: conn, Room: room, History: f.history, JSON: f.json, Follow: f.follow, Commands: f.commands,
		In: c.InOrStdin(), Out: c.OutOrStdout(), Log: c.ErrOrStderr(),
	}
	if f.resume {
		if at, ok := keep.id.Cursor(room); ok {
			config.Cursor = &at
		}
	}
	config.Stand = keep.stand
	return tui.Plain(ctx, config)
}

func chatScreen(ctx context.Context, conn *client.Client, t chatTarget, keep *keeper, terminal *tui.Terminal) error {
	rooms := []string{t.room}
	if t.room == "" {
		if rooms = keep.id.Joined; len(rooms) == 0 {
			rooms = []string{chatRoom}
		}
	}
	return tui.Run(ctx, tui.Config{
		Conn: conn, Server: t.addr, Rooms: rooms, Seen: keep.id.Cursors(),
		NoColor: os.Getenv("NO_COLOR") != "", Save: keep.screen, Terminal: terminal,
	})
}
