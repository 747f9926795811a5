// Package report writes what was measured: as Markdown for people, as JSON for
// programs, and as a picture.
package report

import (
	"encoding/json"
	"io"
	"time"

	"sarang/bench/internal/suite"
)

// Machine is what the figures were taken on.
type Machine struct {
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Kernel     string `json:"kernel"`
	Congestion string `json:"tcp_congestion_control"`
	Go         string `json:"go"`
	Filesystem string `json:"data_filesystem"`
	Pinned     bool   `json:"pinned"` // server and client have a core each
	ServerCore int    `json:"server_core"`
	ClientCore int    `json:"client_core"`
}

// Report is everything about a run.
type Report struct {
	Machine     Machine
	When        time.Time
	Took        time.Duration
	Plan        suite.Plan
	Setups      []suite.Setup
	Results     *suite.Results
	Goals       []suite.Goal
	Interrupted bool // the run did not come to its end
}

// document is the JSON form. Names carry units.
type document struct {
	Machine     Machine        `json:"machine"`
	When        time.Time      `json:"when"`
	TookSeconds float64        `json:"took_s"`
	Repeat      int            `json:"repeat"`
	WarmSeconds float64        `json:"warm_s"`
	EachSeconds float64        `json:"measure_s"`
	Divide      int            `json:"divide"`
	Interrupted bool           `json:"interrupted"`
	Setups      []suite.Setup  `json:"servers"`
	Medians     []median       `json:"medians"`
	Goals       []suite.Goal   `json:"goals"`
	Samples     []suite.Sample `json:"samples"`
	Dashes      []suite.Dash   `json:"not_measured"`
}

// median is all values of a server in a workload, over the repetitions.
type median struct {
	Workload string                   `json:"workload"`
	Server   string                   `json:"server"`
	Values   map[string]suite.Summary `json:"values"`
}

// JSON writes the report for programs: every sample, and the medians.
func (r *Report) JSON(w io.Writer) error {
	d := document{
		Machine: r.Machine, When: r.When, TookSeconds: r.Took.Seconds(), Repeat: r.Plan.Repeat, Divide: r.Plan.Divide,
		WarmSeconds: r.Plan.Warm.Seconds(), EachSeconds: r.Plan.Measure.Seconds(), Interrupted: r.Interrupted,
		Setups: r.Setups, Goals: r.Goals, Samples: r.Results.Samples, Dashes: r.Results.Dashes,
	}
	for _, workload := range r.Plan.Workloads {
		for _, server := range r.Results.Servers(workload.Name) {
			m := median{Workload: workload.Name, Server: server, Values: map[string]suite.Summary{}}
			for _, s := range r.Results.Samples {
				if s.Workload != workload.Name || s.Server != server {
					continue
				}
				for name := range s.Values {
					m.Values[name], _ = r.Results.Of(workload.Name, server, name)
				}
			}
			if len(m.Values) > 0 {
				d.Medians = append(d.Medians, m)
			}
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(d)
}
