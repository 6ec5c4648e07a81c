package finetune

import (
	"fmt"
	"math"
)

// A Schedule says how the learning rate moves over the steps of a training.
type Schedule interface {
	// Name is the schedule's name in specifications, such as "cosine".
	Name() string
	// Factor is what the learning rate is multiplied by in a step, counted from 0, of total steps. It depends on nothing
	// else, but for a Plateau.
	Factor(step, total int) float64
}

// ConstantRate keeps the rate.
type ConstantRate struct{}

// Name implements Schedule.
func (ConstantRate) Name() string { return "constant" }

// Factor implements Schedule.
func (ConstantRate) Factor(int, int) float64 { return 1 }

// StepDecay multiplies the rate by Gamma after every Size steps, as torch.optim.lr_scheduler.StepLR.
type StepDecay struct {
	Size  int     // in steps; below 1: never
	Gamma float64 // 0 means 0.1
}

// Name implements Schedule.
func (StepDecay) Name() string { return "step" }

// Factor implements Schedule.
func (s StepDecay) Factor(step, _ int) float64 {
	if s.Size < 1 {
		return 1
	}
	return math.Pow(or(s.Gamma, 0.1), float64(step/s.Size))
}

// LinearDecay lets the rate fall on a straight line, to Floor where the last step ends.
type LinearDecay struct{ Floor float64 }

// Name implements Schedule.
func (LinearDecay) Name() string { return "linear" }

// Factor implements Schedule.
func (s LinearDecay) Factor(step, total int) float64 {
	return s.Floor + (1-s.Floor)*float64(total-min(step, total))/float64(max(total, 1))
}

// CosineDecay lets the rate fall on half a wave of the cosine, to Floor where the last step ends (Loshchilov, Hutter: SGDR, 2017).
type CosineDecay struct{ Floor float64 }

// Name implements Schedule.
func (CosineDecay) Name() string { return "cosine" }

// Factor implements Schedule.
func (s CosineDecay) Factor(step, total int) float64 {
	done := float64(min(step, total)) / float64(max(total, 1))
	return s.Floor + (1-s.Floor)*0.5*(1+math.Cos(math.Pi*done))
}

// OneCycle lets the rate rise to its full height and fall far below its start, as torch.optim.lr_scheduler.OneCycleLR with
// its cosine form and two phases. Momentum stays as it is.
type OneCycle struct {
	Rise  float64 // share of the steps in which the rate rises; 0 means 0.3
	Start float64 // the first rate is the full one divided by it; 0 means 25
	End   float64 // the last rate is the first one divided by it; 0 means 10000
}

// Name implements Schedule.
func (OneCycle) Name() string { return "one-cycle" }

// Factor implements Schedule.
func (s OneCycle) Factor(step, total int) float64 {
	first := 1 / or(s.Start, 25)
	last := first / or(s.End, 1e4)
	peak, end := or(s.Rise, 0.3)*float64(total)-1, float64(total-1)
	at := min(float64(step), end)
	if at <= peak {
		if peak <= 0 {
			return 1
		}
		return between(first, 1, at/peak)
	}
	return between(1, last, (at-peak)/(end-peak))
}

// between goes from a to b on half a wave of the cosine.
func between(a, b, share float64) float64 { return b + (a-b)/2*(1+math.Cos(math.Pi*share)) }

// WarmUp lets the rate rise on a straight line, with (k+1)/n of it in step k of the first n, before another schedule
// begins, for which the steps after them are all there are.
type WarmUp struct {
	Steps int
	Share float64 // or a share of all steps
	Then  Schedule
}

// Name implements Schedule. it is that of the schedule that follows.
func (w WarmUp) Name() string { return w.Then.Name() }

// Factor implements Schedule.
func (w WarmUp) Factor(step, total int) float64 {
	n := w.Steps
	if n == 0 {
		n = int(math.Round(w.Share * float64(total)))
	}
	if step < n {
		return float64(step+1) / float64(n) * w.Then.Factor(0, max(total-n, 1))
	}
	return w.Then.Factor(step-n, max(total-n, 1))
}

// ParseSchedule reads the text form of a schedule, such as
//
//	constant  step:size=100,gamma=0.5  linear  cosine:floor=0.01  cosine:warmup=100  linear:warmup=0.1
//	one-cycle:rise=0.3,start=25,end=10000  plateau:factor=0.5,patience=3,threshold=0.001,mode=max
//
// Every one but one-cycle takes warmup: a number of steps, or below 1 a share of all. WarmUp.Then is a *Plateau where the
// text asks for one with a warm-up.
func ParseSchedule(text string) (Schedule, error) {
	s, err := parseSettings("schedule", text)
	if err != nil {
		return nil, err
	}
	var out Schedule
	switch s.name {
	case "constant":
		out = ConstantRate{}
	case "step":
		v, size := StepDecay{Gamma: 0.1}, int64(0)
		if !s.whole("size", &size, 1) {
			s.fail("size", "missing", "a number of steps")
		}
		s.positive("gamma", &v.Gamma)
		v.Size = int(size)
		out = v
	case "linear":
		v := LinearDecay{}
		s.number("floor", &v.Floor, 0, 1)
		out = v
	case "cosine":
		v := CosineDecay{}
		s.number("floor", &v.Floor, 0, 1)
		out = v
	case "one-cycle":
		v := OneCycle{Rise: 0.3, Start: 25, End: 1e4}
		s.number("rise", &v.Rise, 1e-9, 1-1e-9)
		s.number("start", &v.Start, 1, math.Inf(1))
		s.number("end", &v.End, 1, math.Inf(1))
		return v, s.finish()
	case "plateau":
		out = parsePlateau(s)
	default:
		return nil, s.unknown("constant", "step", "linear", "cosine", "one-cycle", "plateau")
	}
	out = s.warmUp(out)
	return out, s.finish()
}

// warmUp puts the warm-up that the settings ask for before a schedule.
func (s *settings) warmUp(then Schedule) Schedule {
	v := 0.0
	s.number("warmup", &v, 0, math.MaxInt32)
	switch {
	case v == 0:
		return then
	case v < 1:
		return WarmUp{Share: v, Then: then}
	case v != math.Trunc(v):
		s.fail("warmup", fmt.Sprint(v), "a number of steps, or a share below 1")
	}
	return WarmUp{Steps: int(v), Then: then}
}
