package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// loginRecorder is a server that ends each session at its login.
type loginRecorder struct {
	mu     sync.Mutex
	tokens [][]byte
	answer map[packet.ID]packet.Marshaler
}

func (r *loginRecorder) start(t *testing.T) string {
	return hostileServer(t, func(id uint16, payload []byte) map[packet.ID]packet.Marshaler {
		var m sarangv1.Login
		if err := m.UnmarshalVT(payload); id != uint16(sarangv1.CLogin) || err != nil {
			t.Errorf("packet %d, %v", id, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tokens = append(r.tokens, m.Token)
		return r.answer
	})
}

func (r *loginRecorder) seen() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens
}

func goodbye() map[packet.ID]packet.Marshaler {
	return map[packet.ID]packet.Marshaler{sarangv1.SGoodbye: &sarangv1.Goodbye{Code: 16, Message: "not now"}}
}

// configIn has the system's folder for settings be dir.
func configIn(t *testing.T, dir string) {
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("HOME", dir)
	t.Setenv("AppData", dir)
}

// A login whose answer never came is said again with the same token: what the server may
// have stored is what is kept here.
func TestChatKeepsTheTokenBeforeTheLogin(t *testing.T) {
	for name, args := range map[string][]string{
		"identities": {"--plain"},
		"token file": {"--plain", "--token-file", filepath.Join(t.TempDir(), "token")},
	} {
		t.Run(name, func(t *testing.T) {
			configIn(t, t.TempDir())
			r := &loginRecorder{answer: goodbye()}
			addr := r.start(t)
			for range 2 {
				if _, _, err := talk(t, "hi\n", append([]string{"mina@" + addr}, args...)...); err == nil {
					t.Fatal("it went well")
				}
			}
			if seen := r.seen(); len(seen) != 2 || len(seen[0]) < tokenBytesMin || !bytes.Equal(seen[0], seen[1]) {
				t.Errorf("logins with the tokens %x", seen)
			}
		})
	}
}

// Where the token can not be kept nobody logs in.
func TestChatDoesNotLogInWithoutKeepingTheToken(t *testing.T) {
	r := &loginRecorder{answer: goodbye()}
	addr := r.start(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a file")
	if err := os.WriteFile(file, []byte("no token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	configIn(t, file) // a folder can not be made in a file
	for say, args := range map[string][]string{
		"is not writable":                 {"--token-file", filepath.Join(dir, "no folder", "token")},
		"was not written by this program": {"--token-file", file},
		"(--no-save goes without)":        nil,
	} {
		_, _, err := talk(t, "hi\n", append([]string{"mina@" + addr, "--plain"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v; want %q", args, err, say)
		}
	}
	if seen := r.seen(); len(seen) != 0 {
		t.Errorf("%d logins", len(seen))
	}
}

// A token for a name that one does not get is not kept.
func TestChatForgetsTheTokenOfARefusedName(t *testing.T) {
	configIn(t, t.TempDir())
	r := &loginRecorder{answer: map[packet.ID]packet.Marshaler{
		sarangv1.SError: &sarangv1.Error{Code: 9, Message: "not yours", PacketId: uint32(sarangv1.CLogin)},
	}}
	addr := r.start(t)
	path := filepath.Join(t.TempDir(), "token")
	for range 2 {
		if _, _, err := talk(t, "hi\n", "mina@"+addr, "--plain", "--token-file", path); err == nil || !strings.Contains(err.Error(), "choose another name") {
			t.Errorf("refused: %v", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the token file: %v", err)
		}
		if _, _, err := talk(t, "hi\n", "mina@"+addr, "--plain"); err == nil {
			t.Error("it went well")
		}
	}
	seen := r.seen()
	if len(seen) != 4 || bytes.Equal(seen[0], seen[2]) || bytes.Equal(seen[1], seen[3]) {
		t.Errorf("logins with the tokens %x", seen)
	}
}

// A token file that is empty, as one of a program that was killed, is as if it were not there.
func TestChatFillsAnEmptyTokenFile(t *testing.T) {
	r := &loginRecorder{answer: goodbye()}
	addr := r.start(t)
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _, _ = talk(t, "hi\n", "mina@"+addr, "--plain", "--token-file", path)
	}
	if seen := r.seen(); len(seen) != 2 || len(seen[0]) < tokenBytesMin || !bytes.Equal(seen[0], seen[1]) {
		t.Errorf("logins with the tokens %x", seen)
	}
}
