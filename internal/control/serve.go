package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sarang/chat"
)

// Server answers at the socket of a data folder.
type Server struct {
	operations *Operations
	log        *slog.Logger
	listener   *net.UnixListener
	path       string
	end        context.CancelFunc
	running    sync.WaitGroup
	places     chan struct{}
}

// Listen makes the socket in dir and answers there until Close. CodeAlreadyRunning if another
// server answers at it.
func Listen(ctx context.Context, dir string, o *Operations, log *slog.Logger) (*Server, error) {
	path := filepath.Join(dir, SocketFile)
	if conn, err := dial(ctx, path); err == nil {
		_ = conn.Close()
		return nil, chat.Errorf(chat.CodeAlreadyRunning, "another server answers at %s", path)
	}
	if err := removeSocket(path); err != nil { // of a server that was killed
		return nil, err
	}
	c := net.ListenConfig{Control: ownerOnly}
	l, err := c.Listen(ctx, "unix", path)
	if err != nil {
		return nil, socketError(path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil && !chmodFails {
		return nil, errors.Join(err, l.Close())
	}
	ctx, end := context.WithCancel(context.Background())
	s := &Server{
		operations: o, log: log, listener: l.(*net.UnixListener), path: path, end: end,
		places: make(chan struct{}, connectionsMax),
	}
	s.running.Go(func() { s.accept(ctx) })
	return s, nil
}

// removeSocket removes what a server has left that was killed, and nothing else.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular() || info.IsDir():
		return fmt.Errorf("%s is no socket: remove it, it is not the server's", path)
	}
	return os.Remove(path)
}

// socketError says what is wrong when it is the path.
func socketError(path string, err error) error {
	if len(path) > socketPathMax {
		return fmt.Errorf("the path %s is too long for a socket (%d bytes; %d are allowed): choose a data folder with a shorter one",
			path, len(path), socketPathMax)
	}
	return err
}

// socketPathMax is how long the path of a socket may be on the system that allows the least.
const socketPathMax = 103

// Close ends it: requests that are being answered are given up. s may be nil.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.end()
	_ = s.listener.Close() // it removes the file
	s.running.Wait()
}

func (s *Server) accept(ctx context.Context) {
	for {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			s.log.Warn("the local socket does not accept", "error", err)
			if !pause(ctx, time.Second) {
				return
			}
			continue
		}
		select {
		case s.places <- struct{}{}:
			s.running.Go(func() {
				defer func() { <-s.places }()
				s.serve(ctx, conn)
			})
		default:
			_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_ = write(conn, Answer{Error: failureOf(chat.Errorf(chat.CodeTooMany,
				"%d requests are being answered already: try again later", connectionsMax))})
			_ = conn.Close()
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// serve answers one connection.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	say := func(a Answer) {
		if ctx.Err() != nil {
			return
		}
		_ = conn.SetWriteDeadline(time.Now().Add(answerDeadline))
		if write(conn, a) != nil {
			cancel() // nobody waits for it any more
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(requestDeadline))
	q, err := readRequest(conn)
	if err != nil {
		say(Answer{Error: failureOf(err)})
		return
	}
	if ctx.Err() != nil {
		return
	}
	// What comes behind the request is of no interest, but that it ends is.
	_ = conn.SetReadDeadline(time.Time{})
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	began := time.Now()
	result, err := s.operations.Do(ctx, q, say)
	if err != nil {
		if !operations[q.Do].many {
			s.log.Warn("an operation failed", "do", q.Do, "error", err)
		}
		say(Answer{Error: failureOf(err)})
		return
	}
	if !operations[q.Do].many {
		s.log.Info("operation", "do", q.Do, "took", time.Since(began).Round(time.Millisecond))
	}
	say(Answer{Result: result})
}

// readRequest reads one line.
func readRequest(r io.Reader) (q Request, err error) {
	line, err := bufio.NewReaderSize(io.LimitReader(r, requestBytesMax), 4<<10).ReadBytes('\n')
	if err != nil && len(line) >= requestBytesMax {
		return q, chat.Errorf(chat.CodeMalformed, "a request has at most %d bytes", requestBytesMax)
	}
	if err != nil {
		return q, &chat.Error{Code: chat.CodeMalformed, Message: "a request is one line of JSON", Err: err}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err = d.Decode(&q); err == nil && d.Decode(&struct{}{}) != io.EOF {
		err = errors.New("there is something behind it")
	}
	if err != nil {
		return q, &chat.Error{Code: chat.CodeMalformed, Message: "a request is one line of JSON", Err: err}
	}
	return q, nil
}

func write(w io.Writer, a Answer) error {
	b, err := json.Marshal(a)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}
