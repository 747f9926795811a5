package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tools are the programs that servers are started with, by name: those that are built
// here, and those of other projects that are installed. A name that is missing has its
// reason in Missing.
type Tools struct {
	Path    map[string]string
	Missing map[string]string
}

// Names of tools.
const (
	ToolSarang    = "sarang"
	ToolBefore    = "sarang-before" // of another commit
	ToolEcho      = "echo"
	ToolNATS      = "nats"
	ToolFloor     = "floor"
	ToolRelay     = "relay"
	ToolEchoC     = "echo-c"
	ToolRedis     = "redis-server"
	ToolInspIRCd  = "inspircd"
	ToolMosquitto = "mosquitto"
)

// Gather builds into dir, from the checkout at root, those of the named tools that are
// of this project, and looks for the others. ToolBefore is built from the commit before;
// empty: it is missing. progress is told what is being built.
func Gather(ctx context.Context, root, before, dir string, names []string, progress func(string)) (*Tools, error) {
	t := &Tools{Path: map[string]string{}, Missing: map[string]string{}}
	for _, name := range names {
		if name == ToolBefore {
			if err := t.buildBefore(ctx, root, before, dir, progress); err != nil {
				return nil, err
			}
			continue
		}
		if err := t.gather(ctx, root, dir, name, progress); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Tools) gather(ctx context.Context, root, dir, name string, progress func(string)) error {
	switch name {
	case ToolSarang:
		return t.build(ctx, name, root, "./cmd/sarang", dir, progress)
	case ToolEcho:
		return t.build(ctx, name, filepath.Join(root, "bench"), "./cmd/echo", dir, progress)
	case ToolNATS:
		return t.build(ctx, name, filepath.Join(root, "bench"), "./cmd/nats", dir, progress)
	case ToolFloor:
		t.compile(ctx, name, filepath.Join(root, "bench", "floor.c"), dir, progress)
	case ToolRelay:
		t.compile(ctx, name, filepath.Join(root, "bench", "relay.c"), dir, progress)
	case ToolEchoC:
		t.compile(ctx, name, filepath.Join(root, "bench", "echo.c"), dir, progress)
	default: // of others: the package has the program's name
		path, err := lookPath(name)
		if err != nil {
			t.Missing[name] = "not installed (a package of Debian's; make bench-peers installs it)"
			return nil
		}
		t.Path[name] = path
	}
	return nil
}

// buildBefore builds the server of another commit, from its files as git has them.
func (t *Tools) buildBefore(ctx context.Context, root, commit, dir string, progress func(string)) error {
	if commit == "" {
		t.Missing[ToolBefore] = "no commit was named (--before)"
		return nil
	}
	source := filepath.Join(dir, "before")
	if err := os.Mkdir(source, 0o755); err != nil {
		return err
	}
	archive := filepath.Join(dir, "before.tar")
	for _, args := range [][]string{
		{"git", "-C", root, "archive", "--output", archive, commit},
		{"tar", "-xf", archive, "-C", source},
	} {
		if said, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("the files of %s: %w\n%s", commit, err, said)
		}
	}
	return t.build(ctx, ToolBefore, source, "./cmd/sarang", dir, progress)
}

// build builds a Go program. What does not build ends the run: it is ours.
func (t *Tools) build(ctx context.Context, name, module, pkg, dir string, progress func(string)) error {
	progress("building " + name)
	out := filepath.Join(dir, name)
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, pkg)
	c.Dir, c.Env = module, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, said)
	}
	t.Path[name] = out
	return nil
}

// compile builds a C program. Without a compiler there is no floor, which the report
// says; everything else can be measured.
func (t *Tools) compile(ctx context.Context, name, from, dir string, progress func(string)) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Missing[name] = "there is no C compiler (cc)"
		return
	}
	progress("building " + name)
	to := filepath.Join(dir, name)
	if said, err := exec.CommandContext(ctx, cc, "-O2", "-Wall", "-o", to, from).CombinedOutput(); err != nil {
		t.Missing[name] = fmt.Sprintf("it does not compile here: %v: %s", err, said)
		return
	}
	t.Path[name] = to
}

// lookPath looks where daemons are as well: a user's PATH may not have it.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, e := exec.LookPath(filepath.Join(dir, name)); e == nil {
			return path, nil
		}
	}
	return "", err
}
