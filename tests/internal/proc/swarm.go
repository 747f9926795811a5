package proc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"

	"sarang/internal/swarm"
)

// Swarm runs 'sarang swarm' against the server and returns its report. A check that
// failed is an error, and the report is there all the same; an end without any report
// has a nil one. When ctx ends, the swarm is killed.
func (s *Server) Swarm(ctx context.Context, args ...string) (*swarm.Report, error) {
	all := append([]string{"swarm", "--addr", s.Addr(), "--json", "--quiet"}, args...)
	cmd := exec.CommandContext(ctx, s.config.Binary, all...)
	dieWithParent(cmd)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := runLocked(cmd)
	if err != nil {
		err = fmt.Errorf("swarm: %w: %s", err, strings.TrimSpace(said.String()))
	}
	if out.Len() == 0 {
		return nil, err
	}
	report := new(swarm.Report)
	if e := json.Unmarshal(out.Bytes(), report); e != nil {
		return nil, fmt.Errorf("swarm's report: %w", e)
	}
	return report, err
}
