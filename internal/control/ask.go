package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"sarang/chat"
)

// ErrNobody is that no server answers at the socket of a data folder.
var ErrNobody = errors.New("no server answers at the socket of the data folder")

func dial(ctx context.Context, path string) (net.Conn, error) {
	d := net.Dialer{Timeout: requestDeadline}
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, socketError(path, err)
	}
	return conn, nil
}

// Ask has the server of a data folder do something. ErrNobody if none answers; what it refuses
// is a *chat.Error.
func Ask(ctx context.Context, dir string, q Request, tell Tell) (json.RawMessage, error) {
	conn, err := dial(ctx, filepath.Join(dir, SocketFile))
	if err != nil {
		return nil, errors.Join(ErrNobody, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	if len(b) >= requestBytesMax {
		return nil, chat.Errorf(chat.CodeBadRequest, "a request has at most %d bytes", requestBytesMax)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(requestDeadline))
	if _, err := conn.Write(append(b, '\n')); err != nil {
		return nil, fmt.Errorf("asking the server: %w", err)
	}
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, io.EOF):
			return nil, errors.New("the server went away without an answer; what was asked for may be done, or not")
		case err != nil:
			return nil, fmt.Errorf("waiting for the server's answer: %w", err)
		}
		var a Answer
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, fmt.Errorf("the server's answer can not be read: %w", err)
		}
		switch {
		case a.Error != nil:
			return nil, a.Error.Error()
		case a.Progress != nil || a.Part != nil:
			tell(a)
		default:
			return a.Result, nil
		}
	}
}
