package proc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics are the figures of /metrics by their name, with the labels as they stand
// there: sarang_sessions, sarang_buffer_bytes{state="in_use"}.
type Metrics map[string]float64

// metricsPatience is for a server under heavy load.
const metricsPatience = 10 * time.Second

// Metrics asks the server for its figures.
func (s *Server) Metrics(ctx context.Context) (Metrics, error) {
	ctx, cancel := context.WithTimeout(ctx, metricsPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.config.HTTP+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	request.Close = true // no idle connection that shows in the server's figures
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics: %s", answer.Status)
	}
	return parseMetrics(answer.Body)
}

// parseMetrics reads the text form of Prometheus: NAME{LABELS} VALUE, a line each.
func parseMetrics(r io.Reader) (Metrics, error) {
	all := Metrics{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			return nil, fmt.Errorf("/metrics: the line %q has no value", line)
		}
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("/metrics: the line %q: %w", line, err)
		}
		all[line[:i]] = v
	}
	return all, lines.Err()
}

// Sum adds up all figures of a name, whatever their labels.
func (m Metrics) Sum(name string) (sum float64) {
	for key, v := range m {
		if bare, _, _ := strings.Cut(key, "{"); bare == name {
			sum += v
		}
	}
	return sum
}
