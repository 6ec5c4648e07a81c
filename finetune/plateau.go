package finetune

import "math"

// Plateau multiplies the rate by Gamma when a metric has not got better for more than Patience measurements, as
// torch.optim.lr_scheduler.ReduceLROnPlateau. Its fields in JSON are its settings and its state.
type Plateau struct {
	Gamma     float64 `json:"factor"`    // 0 means 0.1
	Patience  int     `json:"patience"`  // measurements that may be no better
	Threshold float64 `json:"threshold"` // share of the best metric that a better one must gain
	Max       bool    `json:"max"`       // larger metrics are better
	Cooldown  int     `json:"cooldown"`  // measurements after a cut that do not count
	Floor     float64 `json:"floor"`     // least factor

	State PlateauState `json:"state"`
}

// PlateauState is what a Plateau remembers. The zero value is that before the first measurement.
type PlateauState struct {
	Seen    bool    `json:"seen"` // Best means something
	Best    float64 `json:"best"`
	Bad     int     `json:"bad"`  // measurements since the best one
	Wait    int     `json:"wait"` // measurements of the cool-down that are left
	Reduced int     `json:"reduced"`
}

// Name implements Schedule.
func (*Plateau) Name() string { return "plateau" }

// Factor implements Schedule: it depends on the metrics observed so far only.
func (p *Plateau) Factor(int, int) float64 {
	return max(p.Floor, math.Pow(or(p.Gamma, 0.1), float64(p.State.Reduced)))
}

// Observe takes the metric of another measurement and reports whether the rate fell. A metric that is not a number is no
// better than any.
func (p *Plateau) Observe(metric float64) bool {
	s := &p.State
	if p.better(metric) {
		s.Seen, s.Best, s.Bad = true, metric, 0
	} else {
		s.Bad++
	}
	if s.Wait > 0 {
		s.Wait--
		s.Bad = 0
	}
	if s.Bad <= p.Patience {
		return false
	}
	before := p.Factor(0, 0)
	if before > p.Floor {
		s.Reduced++
	}
	s.Wait, s.Bad = p.Cooldown, 0
	return p.Factor(0, 0) < before
}

func (p *Plateau) better(metric float64) bool {
	switch {
	case math.IsNaN(metric) || math.IsInf(metric, 0): // JSON cannot hold them
		return false
	case !p.State.Seen:
		return true
	case p.Max:
		return metric > p.State.Best*(1+p.Threshold)
	}
	return metric < p.State.Best*(1-p.Threshold)
}

// parsePlateau reads the settings of a Plateau, whose defaults are PyTorch's.
func parsePlateau(s *settings) *Plateau {
	p := &Plateau{Gamma: 0.1, Patience: 10, Threshold: 1e-4}
	mode, patience, cooldown := "min", int64(p.Patience), int64(0)
	s.number("factor", &p.Gamma, 1e-9, 1-1e-9)
	s.whole("patience", &patience, 0)
	s.number("threshold", &p.Threshold, 0, math.Inf(1))
	s.word("mode", &mode, "min", "max")
	s.whole("cooldown", &cooldown, 0)
	s.number("floor", &p.Floor, 0, 1)
	p.Patience, p.Cooldown, p.Max = int(patience), int(cooldown), mode == "max"
	return p
}
