package tui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// listener is a connection that takes down what is said.
type listener struct {
	*fake
	said []string
}

func (l *listener) PublishNonce(_ context.Context, _ chat.RoomID, _ chat.Nonce, text string) (chat.Seq, error) {
	l.said = append(l.said, text)
	return 0, nil
}

// FuzzPlainInput has a script say anything. Each line that is short enough and not blank
// is said once, as it is and in order; each that is too long is told and counted.
func FuzzPlainInput(f *testing.F) {
	const most = 64 << 10
	f.Add([]byte("hello\n\n  \nzwei\r\nno line break"), uint16(1), []byte{})
	f.Add([]byte(" indented,\tand a space behind \n"), uint16(3), []byte("\t"))
	f.Add([]byte("x"), uint16(most-1), []byte("\nafter\n"))
	f.Add([]byte("xy"), uint16(most/2), []byte("\nafter\n"))
	f.Add([]byte("\r"), uint16(most-1), []byte("\r\r"))
	f.Add([]byte("가"), uint16(22000), []byte{})
	f.Add([]byte("  "), uint16(40000), []byte("\n\xff\x1b[2J\n"))
	f.Fuzz(func(t *testing.T, often []byte, n uint16, end []byte) {
		if len(often)*int(n) > 4*most {
			n = uint16(4 * most / len(often))
		}
		input := string(bytes.Repeat(often, int(n))) + string(end)
		var want []string
		long := 0
		for line := range strings.Lines(input) {
			text := strings.TrimRight(line, "\r\n")
			switch {
			case len(line) > most || len(line) == most && !strings.HasSuffix(line, "\n"):
				long++
			case strings.TrimSpace(text) != "":
				want = append(want, text)
			}
		}
		conn := &listener{fake: newFake()}
		var log bytes.Buffer
		err := tui.Plain(t.Context(), tui.PlainConfig{Conn: conn, Room: "lobby", In: strings.NewReader(input), Out: io.Discard, Log: &log})
		if !slices.Equal(conn.said, want) {
			t.Fatalf("%d lines were said; want %d", len(conn.said), len(want))
		}
		var refused *tui.RefusedError
		if long == 0 && err != nil || long > 0 && (!errors.As(err, &refused) || refused.Lines != long) {
			t.Fatalf("%d lines were too long: %v", long, err)
		}
		if strings.Count(log.String(), "\n") != long || !utf8.ValidString(log.String()) || strings.ContainsRune(log.String(), '\x1b') {
			t.Fatalf("%d lines were too long: logged %q", long, log.String())
		}
	})
}

// FuzzIdentityCursors keeps how far rooms were read, whatever they are called.
func FuzzIdentityCursors(f *testing.F) {
	f.Add("사랑방", "Dev", "dev", uint64(1<<64-1), uint64(42))
	f.Add("", "\xff", "\xff", uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, one, two, ask string, epoch, seq uint64) {
		at := client.Cursor{Epoch: chat.Epoch(epoch), Seq: chat.Seq(seq)}
		seen := map[string]client.Cursor{one: at, two: at}
		var id tui.Identity
		id.SetCursors(seen)
		got := id.Cursors()
		if len(got) != len(seen) || got[one] != at || got[two] != at {
			t.Fatalf("%v became %v", seen, got)
		}
		if _, ok := id.Cursor(one); !ok {
			t.Fatalf("%q of %v is not known", one, seen)
		}
		if c, ok := id.Cursor(ask); ok && c != at || !ok && (ask == one || ask == two) {
			t.Fatalf("%q of %v is %+v, %t", ask, seen, c, ok)
		}
	})
}
