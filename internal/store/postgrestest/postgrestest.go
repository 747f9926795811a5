// Package postgrestest gives tests a PostgreSQL: the one that TEST_POSTGRES_URL names, or
// one of their own that scripts/postgres.sh starts. Where it can not be had, a test that
// wants it is skipped and says why.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable is the environment variable with the URL of a server that tests may use: they
// make schemas in it, and drop them.
const Variable = "TEST_POSTGRES_URL"

// Server is a PostgreSQL.
type Server struct {
	URL    string   // of its database, where everything is allowed
	Folder string   // its own; "" for one that is not ours
	Env    []string // of its processes, beside this one's
	script string
}

// Start starts a server with the settings, as NAME=VALUE. The caller stops it.
func Start(settings ...string) (*Server, error) {
	s, err := Prepare()
	if err != nil {
		return nil, err
	}
	if err := s.Restart(settings...); err != nil {
		_ = os.RemoveAll(s.Folder)
		return nil, err
	}
	return s, nil
}

// Prepare returns a server that has a folder, and was not started yet: Restart does it, or
// Follow. The caller stops it.
func Prepare() (*Server, error) {
	script, err := findScript()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "sarang-postgres-test")
	if err != nil {
		return nil, err
	}
	s := &Server{Folder: folder, script: script}
	if err := os.Chmod(folder, 0o755); err != nil { // root's; the server runs as another user
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Follow makes the server, which has ended or was never started, a streaming standby of
// another one. Its port stays, its data does not.
func (s *Server) Follow(primary *Server, settings ...string) error {
	out, err := s.run(append([]string{"replica", filepath.Join(s.Folder, "postgres"), primary.URL}, settings...)...)
	if err == nil {
		s.URL = strings.TrimSpace(out)
	}
	return err
}

// Promote makes a standby a server of its own.
func (s *Server) Promote() error {
	_, err := s.run("promote", filepath.Join(s.Folder, "postgres"))
	return err
}

// Restart starts a server that has ended, on the same port.
func (s *Server) Restart(settings ...string) error {
	out, err := s.run(append([]string{"start", filepath.Join(s.Folder, "postgres")}, settings...)...)
	s.URL = strings.TrimSpace(out)
	return err
}

// Halt stops the server and keeps its data: "fast", or "immediate", which is a crash.
func (s *Server) Halt(mode string) error {
	_, err := s.run("stop", filepath.Join(s.Folder, "postgres"), mode)
	return err
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	_ = s.Halt("immediate") // it may have ended
	return os.RemoveAll(s.Folder)
}

// Pid returns the process of the server that started last.
func (s *Server) Pid() (pid int, err error) {
	text, err := os.ReadFile(filepath.Join(s.Folder, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(string(text), &pid)
	return pid, err
}

func (s *Server) run(args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.Command(s.script, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	// Killed tests stop nothing.
	cmd.Env = append(os.Environ(), append(s.Env, fmt.Sprint("POSTGRES_OWNER=", os.Getpid()))...)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// findScript looks upwards from where the test runs.
func findScript() (string, error) {
	if _, err := exec.LookPath("bash"); err != nil {
		return "", err
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		script := filepath.Join(dir, "scripts", "postgres.sh")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("scripts/postgres.sh is not to be found")
		}
		dir = up
	}
}

// shared is the server of this test binary.
var shared struct {
	server *Server
	err    error
}

// Main runs the tests with a server, and stops it behind them. It is for TestMain:
// os.Exit(postgrestest.Main(m)).
func Main(m *testing.M) int {
	if url := os.Getenv(Variable); url != "" {
		shared.server = &Server{URL: url}
		return m.Run()
	}
	// Nothing is to survive these tests but the process itself.
	shared.server, shared.err = Start("fsync=off", "full_page_writes=off")
	if shared.err == nil {
		defer func() { _ = shared.server.Stop() }()
	}
	return m.Run()
}

// Missing returns why there is no server, nil if there is one.
func Missing() error {
	if shared.server == nil && shared.err == nil {
		return errors.New("TestMain does not start one")
	}
	return shared.err
}

// schemas numbers those of this process.
var schemas atomic.Uint64

// Fresh returns the URL of an empty schema, which is dropped when the test ends. t is a
// *testing.T or whatever has these.
func Fresh(t interface {
	Helper()
	Skipf(string, ...any)
	Fatalf(string, ...any)
	Cleanup(func())
},
) string {
	t.Helper()
	if err := Missing(); err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	u, drop, err := shared.server.Schema()
	if err != nil {
		t.Fatalf("making a schema: %v", err)
	}
	if shared.server.Folder == "" { // our own goes away whole
		t.Cleanup(drop)
	}
	return u
}

// Schema makes a schema and returns the URL of it, and what drops it.
func (s *Server) Schema() (address string, drop func(), err error) {
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	if err := s.Exec("CREATE SCHEMA " + name); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "", nil, err
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return u.String(), func() { _ = s.Exec("DROP SCHEMA IF EXISTS " + name + " CASCADE") }, nil
}

// Exec runs a statement.
func (s *Server) Exec(query string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	_, err = c.Exec(ctx, query, args...)
	return err
}
