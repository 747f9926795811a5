package main

// samplesMin is how many samples a verdict needs.
const samplesMin = 10

// trend is how one thing behaved after the first third of the run.
type trend struct {
	Name   string  `json:"name"`
	Mean   float64 `json:"mean"`
	Max    float64 `json:"max"`
	Growth float64 `json:"growth"` // by a straight line through the samples, from the first one looked at to the last
	Bound  float64 `json:"bound"`  // of Growth; 0: it may grow
	OK     bool    `json:"ok"`
}

// trendOf draws the line of least squares through the last two thirds.
func trendOf(name string, samples []sample, bound float64) trend {
	t := trend{Name: name, Bound: bound, OK: true}
	late := samples[len(samples)/3:]
	if len(late) < 2 {
		return t
	}
	var sumX, sumY float64
	for _, s := range late {
		sumX += s.At.Seconds()
		sumY += s.Values[name]
		t.Max = max(t.Max, s.Values[name])
	}
	n := float64(len(late))
	meanX := sumX / n
	t.Mean = sumY / n
	var above, below float64
	for _, s := range late {
		dx := s.At.Seconds() - meanX
		above += dx * (s.Values[name] - t.Mean)
		below += dx * dx
	}
	if below > 0 {
		t.Growth = above / below * (late[len(late)-1].At - late[0].At).Seconds()
	}
	t.OK = bound == 0 || t.Growth <= bound
	return t
}
