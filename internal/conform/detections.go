package conform

import (
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// minIoU is the overlap at which two boxes count as the same.
const minIoU = 0.99

// A detection is one found object: a box, its score and its class. Models that suppress overlapping boxes
// may return them in another order, or swap neighbours of almost equal score.
type detection struct {
	box          [4]float64
	score, class float64
}

// detections reads the outputs of a detector: one matrix of rows x0 y0 x1 y1 score class, with or without a
// batch of one; or boxes [n 4], scores [n] and classes [n]. It reports false for other outputs.
func detections(outs []*tensor.Tensor) ([]detection, bool) {
	for _, t := range outs {
		if t == nil || t.Kind() != tensor.KindTensor {
			return nil, false
		}
	}
	switch len(outs) {
	case 1:
		return detectionRows(outs[0])
	case 3:
		return detectionColumns(outs)
	}
	return nil, false
}

func detectionRows(t *tensor.Tensor) ([]detection, bool) {
	s := t.Shape()
	if len(s) == 3 && s[0] == 1 {
		s = s[1:]
	}
	v := tensor.Of[float32](t)
	if len(s) != 2 || s[1] != 6 || v == nil {
		return nil, false
	}
	list := make([]detection, s[0])
	for i := range list {
		row := v[6*i:]
		for j := range 4 {
			list[i].box[j] = float64(row[j])
		}
		list[i].score, list[i].class = float64(row[4]), float64(row[5])
	}
	return list, true
}

func detectionColumns(outs []*tensor.Tensor) ([]detection, bool) {
	var boxes, scores []float32
	var classes []int64
	for _, t := range outs {
		switch f := tensor.Of[float32](t); {
		case f != nil && t.Rank() == 2 && t.Shape()[1] == 4:
			boxes = f
		case f != nil && t.Rank() == 1:
			scores = f
		case t.Rank() == 1:
			classes = tensor.Of[int64](t)
		}
	}
	if boxes == nil || len(scores)*4 != len(boxes) || len(classes) != len(scores) {
		return nil, false
	}
	list := make([]detection, len(scores))
	for i := range list {
		for j := range 4 {
			list[i].box[j] = float64(boxes[4*i+j])
		}
		list[i].score, list[i].class = float64(scores[i]), float64(classes[i])
	}
	return list, true
}

// compareDetections compares the outputs of two runs of a detector as sets. It returns the largest
// difference of scores in parts of the best score, and reports false if the outputs are no detections.
func compareDetections(got, want []*tensor.Tensor, r Rule) (worst float64, err error, ok bool) {
	g, ok1 := detections(got)
	w, ok2 := detections(want)
	if !ok1 || !ok2 {
		return 0, nil, false
	}
	if len(g) != len(w) {
		return 0, mismatch("%d detections, want %d", len(g), len(w)), true
	}
	peak := 0.0
	for _, d := range w {
		peak = max(peak, math.Abs(d.score))
	}
	allowed := max(r.Peak, r.Rel) * peak
	used := make([]bool, len(g))
	for i, d := range w {
		j := match(d, g, used, allowed)
		if j < 0 {
			return worst, mismatch("no detection like number %d of the reference: class %v, score %.5f, box %.2f", i, d.class, d.score, d.box), true
		}
		used[j] = true
		worst = max(worst, math.Abs(g[j].score-d.score)/max(peak, 1e-30))
	}
	return worst, nil, true
}

func match(d detection, list []detection, used []bool, allowed float64) int {
	best, at := math.Inf(1), -1
	for j, e := range list {
		diff := math.Abs(e.score - d.score)
		if !used[j] && e.class == d.class && diff <= allowed && diff < best && sameBox(d.box, e.box) {
			best, at = diff, j
		}
	}
	return at
}

// sameBox holds for boxes that overlap almost wholly, and for empty ones that are equal.
func sameBox(a, b [4]float64) bool {
	if a == b {
		return true
	}
	side := func(lo1, hi1, lo2, hi2 float64) float64 { return max(0, min(hi1, hi2)-max(lo1, lo2)) }
	area := func(c [4]float64) float64 { return max(0, c[2]-c[0]) * max(0, c[3]-c[1]) }
	common := side(a[0], a[2], b[0], b[2]) * side(a[1], a[3], b[1], b[3])
	return common > 0 && common >= minIoU*(area(a)+area(b)-common)
}
