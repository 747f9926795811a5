package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
)

// filePieceBytes is how much of a file goes in one request, and filePieceTimeout how long that may
// take.
const (
	filePieceBytes   = 1 << 20
	filePieceTimeout = 2 * time.Minute
	fileAnswerMax    = 64 << 10 // bytes of an answer that is no file
)

// NewFile is a file to be uploaded.
type NewFile struct {
	Name     string      // as others are to see it
	Content  io.ReaderAt // is read in pieces, some of them perhaps twice
	Bytes    int64
	Progress func(done, all int64) // is told how far it is; nil: nobody is
}

// NamedFile is a file that a message names.
type NamedFile struct {
	Room      chat.RoomID
	Seq       chat.Seq // of the message
	File      chat.FileID
	Thumbnail bool                  // a smaller picture of it
	Progress  func(done, all int64) // is told how far it is; nil: nobody is
}

// Upload uploads a file and returns what the server knows of it; Reply can name it then, within a
// day. What breaks is tried again from where it stands, until ctx ends or the server refuses
// it, with a *chat.Error.
func (c *Client) Upload(ctx context.Context, f NewFile) (chat.FileInfo, error) {
	var info chat.FileInfo
	text, err := json.Marshal(map[string]any{"name": f.Name, "bytes": f.Bytes})
	if err != nil {
		return info, err
	}
	var begun struct {
		Upload chat.FileID `json:"upload,string"`
	}
	if _, err := c.insist(ctx, func(ctx context.Context) (*http.Response, error) {
		return c.askFiles(ctx, http.MethodPost, "", text, nil, &begun)
	}); err != nil {
		return info, err
	}
	at := "/uploads/" + strconv.FormatUint(uint64(begun.Upload), 10)
	if err := c.send(ctx, at, f); err != nil {
		return info, err
	}
	_, err = c.insist(ctx, func(ctx context.Context) (*http.Response, error) {
		return c.askFiles(ctx, http.MethodPost, at, nil, nil, &info)
	})
	return info, err
}

// send sends the bytes of a file, piece by piece.
func (c *Client) send(ctx context.Context, at string, f NewFile) error {
	piece := make([]byte, min(f.Bytes, filePieceBytes))
	for offset, ask := int64(0), false; offset < f.Bytes; {
		answer, err := c.insist(ctx, func(ctx context.Context) (*http.Response, error) {
			if ask { // the piece before may have come, or a part of it
				return c.askFiles(ctx, http.MethodGet, at, nil, nil, nil)
			}
			ask = true
			n, err := f.Content.ReadAt(piece[:min(f.Bytes-offset, int64(len(piece)))], offset)
			if n == 0 {
				return nil, fmt.Errorf("client: reading the file: %w", cmp.Or(err, io.ErrUnexpectedEOF))
			}
			return c.askFiles(ctx, http.MethodPatch, at, piece[:n], http.Header{"Upload-Offset": {strconv.FormatInt(offset, 10)}}, nil)
		})
		if err != nil {
			return err
		}
		ask = false
		stands, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
		if err != nil || stands < 0 || stands > f.Bytes {
			return errors.New("client: the server does not say how much of the file it has")
		}
		offset = stands
		if f.Progress != nil {
			f.Progress(offset, f.Bytes)
		}
	}
	return nil
}

// Download writes a file that a message names to w. What breaks is gone on with, until ctx ends or
// the server refuses it, with a *chat.Error; an error of w is returned. It returns how many bytes
// were written.
func (c *Client) Download(ctx context.Context, f NamedFile, w io.Writer) (written int64, err error) {
	path := fmt.Sprintf("/%d/%d/%d", f.Room, f.Seq, f.File)
	if f.Thumbnail {
		path += "/thumbnail"
	}
	tag, all := "", int64(-1)
	_, err = c.insist(ctx, func(ctx context.Context) (*http.Response, error) {
		head := http.Header{}
		if written > 0 {
			head.Set("Range", fmt.Sprintf("bytes=%d-", written))
			head.Set("If-Range", tag)
		}
		answer, err := c.openFiles(ctx, http.MethodGet, path, nil, head)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if written > 0 && answer.StatusCode != http.StatusPartialContent {
			return nil, errors.New("client: the file is another one now")
		}
		if tag = answer.Header.Get("Etag"); all < 0 {
			all = answer.ContentLength
		}
		to := &downloading{w: w, written: &written, all: all, progress: f.Progress}
		_, err = io.Copy(to, answer.Body)
		if to.err != nil {
			return nil, to.err
		}
		if err != nil {
			return nil, &passing{err}
		}
		return answer, nil
	})
	return written, err
}

// downloading writes, counts and tells.
type downloading struct {
	w        io.Writer
	written  *int64
	all      int64
	progress func(done, all int64)
	err      error // of w
}

// Write writes to w.
func (d *downloading) Write(b []byte) (n int, err error) {
	n, d.err = d.w.Write(b)
	*d.written += int64(n)
	if d.progress != nil {
		d.progress(*d.written, d.all)
	}
	return n, d.err
}

// passing is an error that may be gone when it is tried again.
type passing struct{ err error }

// Error says what it was.
func (p *passing) Error() string { return p.err.Error() }

// Unwrap returns it.
func (p *passing) Unwrap() error { return p.err }

// insist asks until there is an answer that trying again would not change.
func (c *Client) insist(ctx context.Context, ask func(context.Context) (*http.Response, error)) (*http.Response, error) {
	for wait := c.config.ReconnectMin; ; wait = min(2*wait, c.config.ReconnectMax) {
		asked, cancel := context.WithTimeout(ctx, filePieceTimeout)
		answer, err := ask(asked)
		cancel()
		var again *passing
		var said *chat.Error
		switch {
		case err == nil:
			return answer, nil
		case errors.As(err, &said) && (said.Code == chat.CodeUnavailable || said.Code == chat.CodeTimeout || said.Code == chat.CodeSequence || said.Code == chat.CodeTooFast):
			wait = max(wait, said.RetryAfter)
		case !errors.As(err, &again):
			return nil, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, errors.Join(ctx.Err(), err)
		case <-c.ctx.Done():
			t.Stop()
			return nil, ErrClosed
		}
	}
}

// askFiles makes a request whose answer is short; what it says goes to what, if that is not nil.
func (c *Client) askFiles(ctx context.Context, method, path string, body []byte, head http.Header, what any) (*http.Response, error) {
	answer, err := c.openFiles(ctx, method, path, body, head)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, fileAnswerMax))
	if err != nil {
		return nil, &passing{err}
	}
	if what != nil {
		if err := json.Unmarshal(text, what); err != nil {
			return nil, fmt.Errorf("client: the server's answer about files: %w", err)
		}
	}
	return answer, nil
}

// openFiles makes a request; a refusal is a *chat.Error.
func (c *Client) openFiles(ctx context.Context, method, path string, body []byte, head http.Header) (*http.Response, error) {
	me := c.Self()
	base, err := c.filesURL(me.Limits)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range head {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+strconv.FormatUint(uint64(me.User), 10)+":"+base64.RawURLEncoding.EncodeToString(me.Token))
	answer, err := c.http().Do(r)
	if err != nil {
		return nil, &passing{err}
	}
	if answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, fileAnswerMax))
	var said struct {
		Code         chat.Code `json:"code"`
		Message      string    `json:"message"`
		RetryAfterMs int64     `json:"retry_after_ms"`
	}
	if err != nil || json.Unmarshal(text, &said) != nil || said.Code == 0 {
		err := fmt.Errorf("client: the web address answers %q", answer.Status)
		if answer.StatusCode >= http.StatusInternalServerError {
			return nil, &passing{err}
		}
		return nil, err
	}
	return nil, &chat.Error{Code: said.Code, Message: strings.ToValidUTF8(said.Message, "\uFFFD"), RetryAfter: time.Duration(said.RetryAfterMs) * time.Millisecond}
}

// filesURL is where files are.
func (c *Client) filesURL(l Limits) (string, error) {
	if c.config.FilesURL != "" {
		return strings.TrimSuffix(c.config.FilesURL, "/"), nil
	}
	port, secure := c.addr.port, c.addr.tls
	if c.addr.path == "" { // not the web address itself
		if port, secure = l.WebPort, l.WebTLS; port == 0 {
			return "", chat.Errorf(chat.CodeNoFile, "the server takes no files, or does not say where")
		}
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(c.addr.host, strconv.Itoa(int(port))), Path: "/files"}
	if secure {
		u.Scheme = "https"
	}
	return u.String(), nil
}

// http is what asks for files. It keeps no connections: the server has few places for them.
func (c *Client) http() *http.Client {
	var t *tls.Config
	if c.config.TLS != nil {
		t = c.config.TLS.Clone()
	}
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: t, DisableKeepAlives: true, DialContext: (&net.Dialer{Resolver: c.config.Resolver}).DialContext,
			ResponseHeaderTimeout: filePieceTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes nowhere else
	}
}
