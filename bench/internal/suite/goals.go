package suite

// Goal is a promise about a ratio or a figure, held against the medians.
type Goal struct {
	What    string  `json:"what"`
	Got     float64 `json:"got"`
	Unit    string  `json:"unit"`              // "×" for a ratio
	Limit   float64 `json:"limit"`             // Got is to be at most, or with AtLeast at least, this
	AtLeast bool    `json:"at_least"`          //
	Reached bool    `json:"reached"`           //
	Missing string  `json:"missing,omitempty"` // why it can not be judged
}

// Goals judges what was measured.
func Goals(r *Results) []Goal {
	j := judge{r}
	const mine, floor = "sarang-uring", "floor-uring"
	goals := []Goal{
		j.ratio("CPU per delivery, window 1, against the floor", Window1, mine, floor, CPUMicros, 1.2),
		j.ratio("CPU per delivery, window 1, against Redis", Window1, mine, "redis", CPUMicros, 0.65),
		j.ratio("CPU per delivery, window 16, against the floor", Window16, mine, floor, CPUMicros, 1.5),
		j.ratio("CPU per delivery, window 16, against Redis", Window16, mine, "redis", CPUMicros, 0.45),
		j.ratio("CPU per delivery, window 16, against NATS", Window16, mine, "nats", CPUMicros, 0.35),
		j.ratio("CPU per delivery, window 64, against the floor", Window64, mine, floor, CPUMicros, 1.5),
		j.ratio("CPU per delivery, window 64, against Redis", Window64, mine, "redis", CPUMicros, 0.4),
		j.ratio("CPU per delivery, window 64, against NATS", Window64, mine, "nats", CPUMicros, 0.2),
		j.ratio("CPU per echo on the engine, against the bare io_uring loop", Echo1000, EchoEngineUring, EchoBareUring, CPUMicros, 1.15),
	}
	for _, peer := range peers() {
		goals = append(goals, j.ratio("p99 at 100,000 deliveries per second, against "+peer, Rate100k, mine, peer, P99Millis, 1))
	}
	return append(goals,
		j.slope("user-space memory of an idle joined session, from 10,000 to 18,000", mine, 512),
		j.figure("messages stored per second, one room, acknowledged", Stored, mine, AcksPerSecond, "per second", 100_000, true),
		j.ratio("time of 10,000 joins, against Redis SUBSCRIBE", Sessions, mine, "redis", JoinSeconds, 1),
	)
}

// peers are the servers of others.
func peers() []string { return []string{"redis", "nats", "inspircd", "mosquitto"} }

type judge struct{ results *Results }

// missing says why there is no figure.
func (j judge) missing(workload, server string) string {
	if why := j.results.Reason(workload, server); why != "" {
		return server + ": " + why
	}
	return server + " was not measured"
}

// ratio wants value of server to be at most limit times that of base.
func (j judge) ratio(what, workload, server, base, value string, limit float64) Goal {
	g := Goal{What: what, Unit: "×", Limit: limit}
	a, ok := j.results.Of(workload, server, value)
	if !ok {
		g.Missing = j.missing(workload, server)
		return g
	}
	b, ok := j.results.Of(workload, base, value)
	if !ok || b.Median == 0 {
		g.Missing = j.missing(workload, base)
		return g
	}
	g.Got = a.Median / b.Median
	g.Reached = g.Got <= limit
	return g
}

// slope wants each session between 10,000 and 18,000 to add at most limit bytes to the
// resident set: what a server needs once, however many sessions it has, is not counted.
func (j judge) slope(what, server string, limit float64) Goal {
	g := Goal{What: what, Unit: "bytes", Limit: limit}
	few, ok := j.results.Of(Sessions, server, GrowthBytes)
	if !ok {
		g.Missing = j.missing(Sessions, server)
		return g
	}
	many, ok := j.results.Of(Sessions18, server, GrowthBytes)
	if !ok {
		g.Missing = j.missing(Sessions18, server)
		return g
	}
	g.Got = (many.Median - few.Median) / 8000
	g.Reached = g.Got <= limit
	return g
}

// figure wants a median to be at most limit, or at least.
func (j judge) figure(what, workload, server, value, unit string, limit float64, atLeast bool) Goal {
	g := Goal{What: what, Unit: unit, Limit: limit, AtLeast: atLeast}
	a, ok := j.results.Of(workload, server, value)
	if !ok {
		g.Missing = j.missing(workload, server)
		return g
	}
	g.Got = a.Median
	g.Reached = g.Got <= limit
	if atLeast {
		g.Reached = g.Got >= limit
	}
	return g
}
