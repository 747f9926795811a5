package suite

import (
	"math"
	"slices"
)

// Names of values; the unit is the last word. "per delivery" is per message and
// receiver, in an echo per echo.
const (
	CPUMicros         = "cpu_us" // server's processor time per delivery
	UserMicros        = "user_us"
	SystemMicros      = "system_us"
	PerSecond         = "deliveries_per_second"
	MessagesPerSecond = "messages_per_second"
	AcksPerSecond     = "acks_per_second"
	P50Millis         = "p50_ms"
	P99Millis         = "p99_ms"
	P999Millis        = "p999_ms"
	BytesEach         = "bytes_per_delivery"
	ServerBusy        = "server_busy_fraction"
	ClientBusy        = "client_busy_fraction"
	OthersBusy        = "others_busy_fraction" // cores busy with neither server nor client
	Lost              = "lost"
	Repeated          = "repeated"
	Wrong             = "wrong_length"
	Behind            = "behind"
	ConnectSeconds    = "connect_s"
	JoinSeconds       = "join_s"
	ConnectsPerSecond = "connects_per_second"
	JoinsPerSecond    = "joins_per_second"
	ConnectMicros     = "connect_cpu_us"
	JoinMicros        = "join_cpu_us"
	RSSBytes          = "rss_bytes_per_session"
	GrowthBytes       = "rss_growth_bytes" // of the whole process
	PSSBytes          = "pss_bytes_per_session"
	AnonymousBytes    = "anonymous_bytes_per_session"
)

// Sample is one run of one workload on one server.
type Sample struct {
	Workload string             `json:"workload"`
	Server   string             `json:"server"`
	Repeat   int                `json:"repeat"`
	Values   map[string]float64 `json:"values"`
}

// Dash is a measurement that there is not, with its reason.
type Dash struct {
	Workload string `json:"workload"`
	Server   string `json:"server"`
	Reason   string `json:"reason"`
}

// Summary is a value over the repetitions.
type Summary struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// Summarize is the median and the spread of values; the median of an even number is
// the mean of the middle two. No values are a NaN.
func Summarize(values []float64) Summary {
	n := len(values)
	if n == 0 {
		return Summary{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	v := slices.Sorted(slices.Values(values))
	return Summary{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1], N: n}
}

// Results are all samples and dashes of a run.
type Results struct {
	Samples []Sample `json:"samples"`
	Dashes  []Dash   `json:"dashes"`
}

// Of summarizes one value of a server in a workload. False: it was not measured.
func (r *Results) Of(workload, server, value string) (Summary, bool) {
	var all []float64
	for _, s := range r.Samples {
		if s.Workload == workload && s.Server == server {
			if v, ok := s.Values[value]; ok {
				all = append(all, v)
			}
		}
	}
	return Summarize(all), len(all) > 0
}

// Servers are those that have samples or dashes in a workload, in the order of their
// first.
func (r *Results) Servers(workload string) []string {
	var names []string
	add := func(w, s string) {
		if w == workload && !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	for _, s := range r.Samples {
		add(s.Workload, s.Server)
	}
	for _, d := range r.Dashes {
		add(d.Workload, d.Server)
	}
	return names
}

// Reason is why a server was not measured in a workload, "" if it was.
func (r *Results) Reason(workload, server string) string {
	for _, d := range r.Dashes {
		if d.Workload == workload && d.Server == server {
			return d.Reason
		}
	}
	return ""
}
