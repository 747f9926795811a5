package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// Bounds of a token (docs/PROTOCOL.md, section 2), and of those that are made here.
const (
	tokenBytes    = 32
	tokenBytesMin = 16
	tokenBytesMax = 64
)

// keeper remembers who we are from one time to the next.
type keeper struct {
	id        tui.Identity
	saved     tui.Identity      // as it was read or saved the last time
	file      *tui.IdentityFile // nil: nothing is kept there
	tokenFile string            // "": none
	made      bool              // the token was made by this run: no login has had it yet
	self      func() client.LoggedIn
	login     chatLogin
}

// openKeeper reads what is known. Where no token is, it makes one and keeps it before
// anybody logs in with it: a name whose token is lost is lost for a month.
func openKeeper(f chatFlags, t chatTarget) (*keeper, error) {
	k := &keeper{id: tui.Identity{Server: t.addr, Name: t.name}, tokenFile: f.tokenFile}
	if f.noSave {
		return k, nil
	}
	token := make([]byte, tokenBytes)
	_, _ = rand.Read(token) // never fails; see crypto/rand.Read
	if f.tokenFile != "" {
		if err := k.openTokenFile(token); err != nil {
			return nil, err
		}
		return k, nil
	}
	path, err := tui.DefaultIdentityPath()
	if err != nil {
		return nil, fmt.Errorf("no place to keep the proof of your name (--no-save goes without): %w", err)
	}
	k.file = tui.NewIdentityFile(path)
	k.id.Token = token
	if k.id, err = k.file.Claim(k.id); err != nil {
		return nil, unkept(err)
	}
	k.made = bytes.Equal(k.id.Token, token)
	k.saved = k.id
	return k, nil
}

func unkept(err error) error {
	return fmt.Errorf("the proof of your name can not be kept (--no-save goes without): %w", err)
}

// openTokenFile reads the token file, or writes token to one that does not exist.
func (k *keeper) openTokenFile(token []byte) error {
	text, err := os.ReadFile(k.tokenFile)
	write := tui.NewSecret
	if err == nil && len(text) == 0 {
		write = tui.WriteSecret // somebody has made it for us, or died before he wrote
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		if err := write(k.tokenFile, tokenText(token)); err != nil {
			return unkept(err)
		}
		k.id.Token, k.made = token, true
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s is not readable: %w", k.tokenFile, err)
	}
	k.id.Token, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if n := len(k.id.Token); err != nil || n < tokenBytesMin || n > tokenBytesMax {
		return fmt.Errorf("%s was not written by this program: there is no token in it; name another file or move it away", k.tokenFile)
	}
	return nil
}

func tokenText(token []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(token) + "\n") }

// refused takes a token back that was made for a name that the server does not give.
func (k *keeper) refused(cause error) {
	switch chat.CodeOf(cause) {
	case chat.CodeBadName, chat.CodeNameTaken, chat.CodeBadToken, chat.CodeBadPassword, chat.CodeNeedsPassword, chat.CodeNoRegistration:
	default:
		return // the login may have been accepted, or be accepted the next time
	}
	// A token that stays is of no use and does no harm.
	if k.made && k.tokenFile != "" {
		_ = os.Remove(k.tokenFile)
	} else if k.made && k.file != nil {
		_ = k.file.Drop(k.id)
	}
}

// accepted notes how the server calls us, and keeps the token if it has given another one.
func (k *keeper) accepted(conn *client.Client) error {
	k.self = conn.Self
	if bytes.Equal(k.self().Token, k.id.Token) {
		return nil
	}
	if err := k.save(); err != nil {
		return unkept(err)
	}
	return nil
}

// screen keeps what was read on a screen, and which rooms were open.
func (k *keeper) screen(seen map[string]client.Cursor, joined []string) error {
	k.id.SetCursors(seen)
	k.id.Joined = joined
	return k.save()
}

// stand keeps how far a room was printed.
func (k *keeper) stand(room string, at client.Cursor) error {
	seen := k.id.Cursors()
	seen[room] = at
	k.id.SetCursors(seen)
	return k.save()
}

// save keeps all of it, with the token that the server gave at the last login.
func (k *keeper) save() error {
	me, kept := k.self(), k.id.Token
	k.id.Name, k.id.Token = me.Name, me.Token
	switch {
	case k.tokenFile != "" && bytes.Equal(me.Token, kept):
		return nil // it stands there
	case k.tokenFile != "":
		return tui.WriteSecret(k.tokenFile, tokenText(me.Token))
	case k.file != nil:
		if err := k.file.Save(k.id, k.saved); err != nil {
			return err
		}
		k.saved = k.id
	}
	return nil
}
