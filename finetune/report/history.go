package report

import "math"

const (
	maxPoints = 2048 // of a curve of steps
	maxEpochs = 2048 // that are kept
	maxSkips  = 100  // that are kept
)

// A History is what curves and tables need of a log. Its size is bounded: long runs keep means over neighbouring steps and
// every second, fourth, ... epoch.
type History struct {
	Start   *Start // the first one
	Resumed int    // how often the run went on after an interruption
	Points  []Point
	Epochs  []Epoch // with the last one at the end
	Best    *Epoch  // the last that was marked as the best
	Skips   []Skip  // the first of them
	Skipped int     // how many there were
	Steps   int     // the last step
	End     *End

	stride      int // steps that a full point stands for
	epochStride int
	epochs      int // that came
}

// A Point stands for neighbouring steps.
type Point struct {
	Step      int // the last of them
	Count     int // steps with a finite loss
	Loss      float64
	Low, High float64 // of the losses
	Rate      float64 // of the last step
	steps     int
}

// Add takes an event in. Events come in the order of steps.
func (h *History) Add(e Event) {
	h.Steps = max(h.Steps, e.step())
	switch e := e.(type) {
	case Start:
		if h.Start == nil {
			h.Start = &e
		} else {
			h.Resumed++
		}
	case Step:
		h.addStep(e)
	case Skip:
		h.Skipped++
		if len(h.Skips) < maxSkips {
			h.Skips = append(h.Skips, e)
		}
	case Epoch:
		h.addEpoch(e)
	case End:
		h.End = &e
	}
}

func (h *History) addStep(e Step) {
	h.stride = max(h.stride, 1)
	n := len(h.Points)
	if n == 0 || h.Points[n-1].steps >= h.stride {
		if n == maxPoints {
			h.halve()
			n = len(h.Points)
		}
		if n == 0 || h.Points[n-1].steps >= h.stride {
			h.Points = append(h.Points, Point{Low: math.Inf(1), High: math.Inf(-1)})
			n++
		}
	}
	loss := float64(e.Loss)
	p := Point{Step: e.Step, Rate: float64(e.Rate), Low: math.Inf(1), High: math.Inf(-1), steps: 1}
	if e.Loss.Defined() {
		p.Count, p.Loss, p.Low, p.High = 1, loss, loss, loss
	}
	h.Points[n-1] = h.Points[n-1].join(p)
}

// join returns the point of p's steps and the later ones of q.
func (p Point) join(q Point) Point {
	j := Point{
		Step: q.Step, Rate: q.Rate, Count: p.Count + q.Count, steps: p.steps + q.steps,
		Low: math.Min(p.Low, q.Low), High: math.Max(p.High, q.High),
	}
	if j.Count > 0 {
		j.Loss = (p.Loss*float64(p.Count) + q.Loss*float64(q.Count)) / float64(j.Count)
	}
	return j
}

// halve joins neighbouring points.
func (h *History) halve() {
	half := h.Points[:0]
	for i := 0; i < len(h.Points); i += 2 {
		p := h.Points[i]
		if i+1 < len(h.Points) {
			p = p.join(h.Points[i+1])
		}
		half = append(half, p)
	}
	h.Points = half
	h.stride *= 2
}

// addEpoch keeps the epochs that the stride divides, and the last.
func (h *History) addEpoch(e Epoch) {
	h.epochStride = max(h.epochStride, 1)
	if n := len(h.Epochs); n > 0 && h.epochs%h.epochStride != 0 {
		h.Epochs = h.Epochs[:n-1] // it was there as the last one only
	}
	h.epochs++
	if len(h.Epochs) >= maxEpochs {
		kept := h.Epochs[:0]
		for i := 1; i < len(h.Epochs); i += 2 {
			kept = append(kept, h.Epochs[i])
		}
		h.Epochs = kept
		h.epochStride *= 2
	}
	h.Epochs = append(h.Epochs, e)
	if e.Best {
		h.Best = &e
	}
}
