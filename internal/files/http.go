package files

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
)

// Prefix is where files are on the web address.
const Prefix = "/files"

// People says who asks, and what he may read. *hub.Hub is it.
type People interface {
	Bearer(ctx context.Context, user chat.UserID, token []byte) (chat.User, error)
	MayRead(ctx context.Context, user chat.UserID, room chat.RoomID) error
}

// Log is the part of a store that says what a message is.
type Log interface {
	History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error)
}

// What a request bounds.
const (
	requestBytesMax = 4 << 10          // the description of an upload
	pieceBytes      = 64 << 10         // has to come, or go, within
	pieceTimeout    = 20 * time.Second // this: who is slower is ended
	answerTimeout   = 10 * time.Second // for a short answer
	askTimeout      = 10 * time.Second // for what the store is asked
	asksMax         = 16               // requests that ask the store at once; others wait
	uploadsAtOnce   = 64               // requests that bring bytes
	downloadsAtOnce = 128              // and that take them
)

// Handler serves Prefix.
type Handler struct {
	keeper    *Keeper
	people    People
	log       Log
	network   func(*http.Request) netip.Prefix // what counts as one address
	mux       *http.ServeMux
	asks      chan struct{}
	uploads   chan struct{}
	downloads chan struct{}
}

// NewHandler makes it. network says where a request comes from.
func NewHandler(k *Keeper, p People, l Log, network func(*http.Request) netip.Prefix) *Handler {
	h := &Handler{
		keeper: k, people: p, log: l, network: network, mux: http.NewServeMux(),
		asks: make(chan struct{}, asksMax), uploads: make(chan struct{}, uploadsAtOnce), downloads: make(chan struct{}, downloadsAtOnce),
	}
	h.mux.HandleFunc("POST /files", h.answering(h.begin))
	h.mux.HandleFunc("HEAD /files/uploads/{id}", h.answering(h.offset))
	h.mux.HandleFunc("GET /files/uploads/{id}", h.answering(h.offset))
	h.mux.HandleFunc("PATCH /files/uploads/{id}", h.answering(h.write))
	h.mux.HandleFunc("POST /files/uploads/{id}", h.answering(h.complete))
	h.mux.HandleFunc("DELETE /files/uploads/{id}", h.answering(h.cancel))
	h.mux.HandleFunc("GET /files/{id}", h.answering(h.own))
	h.mux.HandleFunc("DELETE /files/{id}", h.answering(h.release))
	h.mux.HandleFunc("GET /files/{room}/{seq}/{id}", h.answering(h.named(Content)))
	h.mux.HandleFunc("GET /files/{room}/{seq}/{id}/thumbnail", h.answering(h.named(Thumbnail)))
	return h
}

// ServeHTTP serves a request below Prefix.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "private, no-cache") // what was read once is asked for anew: the right to it may be gone
	head.Set("Vary", "Authorization")
	h.mux.ServeHTTP(w, r)
}

// answering tells the error of a request.
func (h *Handler) answering(do func(http.ResponseWriter, *http.Request, chat.UserID) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := h.who(r)
		if err == nil {
			err = do(w, r, user)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	}
}

// who returns the user whose token the request shows: "Authorization: Bearer USER:TOKEN", the id of
// the user and the token as S_LOGIN has told it, in base64.
func (h *Handler) who(r *http.Request) (chat.UserID, error) {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, encoded, found := strings.Cut(credentials, ":")
	user, bad := strconv.ParseUint(id, 10, 63)
	if !strings.EqualFold(scheme, "Bearer") || !found || bad != nil {
		return 0, chat.Errorf(chat.CodeNotLoggedIn, "show who you are: Authorization: Bearer USER:TOKEN")
	}
	token, bad := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(encoded), "="))
	if bad != nil || len(token) == 0 || len(token) > 256 {
		return 0, chat.Errorf(chat.CodeBadToken, "the token is not one in base64")
	}
	ctx, done, err := h.ask(r.Context())
	if err != nil {
		return 0, err
	}
	defer done()
	u, err := h.people.Bearer(ctx, chat.UserID(user), token)
	return u.ID, err
}

// ask waits for its turn at the store.
func (h *Handler) ask(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	select {
	case h.asks <- struct{}{}:
		return ctx, func() { <-h.asks; cancel() }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, busy()
	}
}

// failure is what a request is told that failed.
type failure struct {
	Code         chat.Code `json:"code"`
	Message      string    `json:"message"`
	RetryAfterMs int64     `json:"retry_after_ms,omitempty"`
}

// status is the status of HTTP that goes with a code.
func status(c chat.Code) int {
	switch c {
	case chat.CodeNotLoggedIn, chat.CodeBadToken:
		return http.StatusUnauthorized
	case chat.CodeForbidden, chat.CodeShutOut:
		return http.StatusForbidden
	case chat.CodeNoFile, chat.CodeNoRoom, chat.CodeNoMessage, chat.CodeErased:
		return http.StatusNotFound
	case chat.CodeFileTooLarge:
		return http.StatusRequestEntityTooLarge
	case chat.CodeQuota:
		return http.StatusInsufficientStorage
	case chat.CodeSequence:
		return http.StatusConflict
	case chat.CodeTooMany, chat.CodeTooFast:
		return http.StatusTooManyRequests
	case chat.CodeBadFile, chat.CodeBadRequest, chat.CodeMalformed:
		return http.StatusUnprocessableEntity
	case chat.CodeTimeout:
		return http.StatusRequestTimeout
	}
	return http.StatusServiceUnavailable
}

// fail tells why a request has failed. What is left of its body is not waited for.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.keeper.counts.refused.Add(1)
	e := h.keeper.typed("a request for files", err)
	var known *chat.Error
	if errors.As(err, &known) && known.Code != chat.CodeInternal && known.Code != chat.CodeClosed && known.Code != chat.CodeUncertain {
		e = &chat.Error{Code: known.Code, Message: known.Message, RetryAfter: known.RetryAfter}
	}
	head := w.Header()
	if r.ContentLength != 0 {
		head.Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	}
	if e.RetryAfter > 0 {
		head.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if status(e.Code) == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", "Bearer")
	}
	head.Del("Content-Disposition")
	head.Del("Etag")
	answer(w, status(e.Code), failure{e.Code, e.Message, e.RetryAfter.Milliseconds()})
}

// answer sends a short answer.
func answer(w http.ResponseWriter, status int, what any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // whoever is gone does not read it
}

// beginning is the body of a POST that begins an upload.
type beginning struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// progress is what an upload has.
type progress struct {
	Upload chat.FileID `json:"upload,string"`
	Offset int64       `json:"offset"`
	Bytes  int64       `json:"bytes"`
}

const offsetHeader = "Upload-Offset"

func (h *Handler) begin(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(answerTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, requestBytesMax+1))
	if err != nil {
		return chat.Errorf(chat.CodeTimeout, "the request has not come whole")
	}
	var b beginning
	if len(body) > requestBytesMax || json.Unmarshal(body, &b) != nil {
		return chat.Errorf(chat.CodeMalformed, `an upload begins with {"name":"…","bytes":N}`)
	}
	ctx, done, err := h.ask(r.Context())
	if err != nil {
		return err
	}
	defer done()
	id, err := h.keeper.Begin(ctx, user, h.network(r), NewUpload(b))
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("%s/uploads/%d", Prefix, id))
	w.Header().Set(offsetHeader, "0")
	answer(w, http.StatusCreated, progress{id, 0, b.Bytes})
	return nil
}

func pathID(r *http.Request, name string) (uint64, error) {
	n, err := strconv.ParseUint(r.PathValue(name), 10, 63)
	if err != nil || n == 0 {
		return 0, chat.NoFile()
	}
	return n, nil
}

func (h *Handler) offset(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	have, all, err := h.keeper.Offset(user, chat.FileID(id))
	if err != nil {
		return err
	}
	w.Header().Set(offsetHeader, strconv.FormatInt(have, 10))
	answer(w, http.StatusOK, progress{chat.FileID(id), have, all})
	return nil
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(r.Header.Get(offsetHeader), 10, 64)
	if err != nil || offset < 0 {
		return chat.Errorf(chat.CodeMalformed, "say with %s where the bytes belong", offsetHeader)
	}
	select {
	case h.uploads <- struct{}{}:
		defer func() { <-h.uploads }()
	default:
		return busy()
	}
	// Until all has come, and is on the disk, nothing is to be written.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	have, err := h.keeper.Write(user, chat.FileID(id), offset, &patient{r.Body, http.NewResponseController(w), 0})
	if chat.CodeOf(err) == chat.CodeInternal { // the client's connection
		err = &chat.Error{Code: chat.CodeTimeout, Message: "the bytes have stopped coming; go on with what is missing", Err: err}
	}
	if have > 0 || err == nil {
		w.Header().Set(offsetHeader, strconv.FormatInt(have, 10))
	}
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// patient reads a body, of which so many bytes have to come in each time.
type patient struct {
	io.Reader
	c    *http.ResponseController
	left int // of the bytes that have to come before there is more time
}

func (p *patient) Read(b []byte) (int, error) {
	if p.left <= 0 {
		p.left = pieceBytes
		if err := p.c.SetReadDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return 0, err
		}
	}
	n, err := p.Reader.Read(b[:min(len(b), pieceBytes)])
	p.left -= n
	return n, err
}

func (h *Handler) complete(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	f, err := h.keeper.Complete(ctx, user, chat.FileID(id))
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("%s/%d", Prefix, id))
	answer(w, http.StatusOK, f)
	return nil
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err == nil {
		err = h.keeper.Cancel(user, chat.FileID(id))
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// release gives up a file of the user's that nothing names.
func (h *Handler) release(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	ctx, done, err := h.ask(r.Context())
	if err != nil {
		return err
	}
	defer done()
	if err := h.keeper.config.Store.ReleaseFile(ctx, user, chat.FileID(id)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// own gives a user a file of his.
func (h *Handler) own(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	ctx, done, err := h.ask(r.Context())
	if err != nil {
		return err
	}
	f, err := h.keeper.config.Store.File(ctx, chat.FileID(id))
	done()
	if err == nil && f.Owner != user {
		err = chat.NoFile()
	}
	if err != nil {
		return err
	}
	return h.give(w, r, &f, Content)
}

// named gives a user a file that a message names, if he may read it now.
func (h *Handler) named(p Part) func(http.ResponseWriter, *http.Request, chat.UserID) error {
	return func(w http.ResponseWriter, r *http.Request, user chat.UserID) error {
		var ids [3]uint64
		for i, name := range []string{"room", "seq", "id"} {
			var err error
			if ids[i], err = pathID(r, name); err != nil {
				return err
			}
		}
		f, err := h.find(r.Context(), user, chat.RoomID(ids[0]), chat.Seq(ids[1]), chat.FileID(ids[2]))
		if err != nil {
			return err
		}
		return h.give(w, r, &f, p)
	}
}

// find returns a file that a message names, for who may read it. The right is asked for last, so
// that what he is given he had a right to at that moment.
func (h *Handler) find(ctx context.Context, user chat.UserID, room chat.RoomID, seq chat.Seq, id chat.FileID) (f chat.File, err error) {
	ctx, done, err := h.ask(ctx)
	if err != nil {
		return f, err
	}
	defer done()
	if err := h.people.MayRead(ctx, user, room); err != nil { // nothing is read for others
		return f, err
	}
	events, _, err := h.log.History(ctx, room, chat.Page{After: seq - 1, ItemsMax: 1})
	if err != nil {
		return f, err
	}
	if len(events) == 0 || events[0].Seq != seq {
		return f, chat.NoFile()
	}
	if _, named := events[0].Files.Find(id); !named {
		return f, chat.NoFile()
	}
	if f, err = h.keeper.config.Store.File(ctx, id); err == nil && f.Owner != events[0].User {
		err = chat.NoFile()
	}
	if err == nil {
		err = h.people.MayRead(ctx, user, room)
	}
	return f, err
}

// shown are the types that browsers show where they stand; everything else is to be saved.
func shown(t string) bool {
	switch t {
	case "image/jpeg", "image/png", "image/gif", "image/webp", "application/ogg":
		return true
	}
	return strings.HasPrefix(t, "audio/") || strings.HasPrefix(t, "video/")
}

// give sends a file, or the range of it that is asked for.
func (h *Handler) give(w http.ResponseWriter, r *http.Request, f *chat.File, p Part) error {
	select {
	case h.downloads <- struct{}{}:
		defer func() { <-h.downloads }()
	default:
		return busy()
	}
	b, err := h.keeper.Open(f, p)
	if err != nil {
		return err
	}
	defer b.Close()
	h.keeper.counts.downloads.Add(1)
	head, disposition, t := w.Header(), "inline", f.Type
	switch {
	case p == Thumbnail:
		if t, err = sniffed(b); err != nil {
			return h.keeper.failed("reading a thumbnail", err)
		}
	case !shown(t):
		disposition, t = "attachment", anyType
	}
	head.Set("Content-Type", t)
	head.Set("Content-Disposition", disposition+"; filename*=UTF-8''"+extValue(f.Name))
	head.Set("Etag", `"`+hex.EncodeToString(f.Hash[:16])+p.suffix()+`"`)
	out := &steady{w, http.NewResponseController(w), &h.keeper.counts.bytesOut, 0}
	http.ServeContent(out, r, "", time.Time{}, b)
	return nil
}

// sniffed is the type of a thumbnail.
func sniffed(b Blob) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(b, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	_, err = b.Seek(0, io.SeekStart)
	return http.DetectContentType(head[:n]), err
}

// extValue is a text in a header (RFC 8187, section 3.2).
func extValue(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// adder counts.
type adder interface{ Add(int64) int64 }

// steady writes an answer, of which so many bytes have to go out in each time.
type steady struct {
	http.ResponseWriter
	c     *http.ResponseController
	bytes adder
	left  int
}

func (s *steady) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		if s.left <= 0 {
			s.left = pieceBytes
			if err := s.c.SetWriteDeadline(time.Now().Add(pieceTimeout)); err != nil {
				return n, err
			}
		}
		m, err := s.ResponseWriter.Write(b[:min(len(b), s.left)])
		n += m
		s.left -= m
		s.bytes.Add(int64(m))
		if err != nil {
			return n, err
		}
		b = b[m:]
	}
	return n, nil
}
