package report

import (
	"math"
	"strings"
	"unicode"

	"gonum.org/v1/plot/plotter"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// drawnPoints is how many points of a curve of steps a figure draws: about one for each of its columns.
const drawnPoints = 600

// Figures draws what the history holds: losses per step and per epoch, metrics, learning rate. A figure without data is left
// out.
func (h *History) Figures() []*Figure {
	var list []*Figure
	for _, draw := range []func() *Figure{
		h.stepLosses, h.epochLosses,
		func() *Figure { return h.metrics("metrics", "Validation metrics per epoch", "value", shares) },
		func() *Figure { return h.metrics("errors", "Validation errors per epoch", "error", errorSizes) },
		h.rates,
	} {
		if f := draw(); f != nil {
			list = append(list, f)
		}
	}
	return list
}

// Metrics that share an axis, the more telling ones first.
var (
	shares = []string{metric.Accuracy, metric.SubsetAccuracy, metric.MacroF1, metric.AUC, metric.AP, metric.BalancedAccuracy, metric.R2,
		metric.Pearson}
	errorSizes = []string{metric.MAE, metric.RMSE}
)

// thinned joins neighbouring points until a figure can draw them.
func (h *History) thinned() []Point {
	points := h.Points
	for len(points) > drawnPoints {
		half := make([]Point, 0, (len(points)+1)/2)
		for i := 0; i < len(points); i += 2 {
			p := points[i]
			if i+1 < len(points) {
				p = p.join(points[i+1])
			}
			half = append(half, p)
		}
		points = half
	}
	return points
}

// smooth is the exponential mean of values with the memory of span of them, without the pull of a first value (Adam's bias
// correction).
func smooth(points plotter.XYs, span float64) plotter.XYs {
	keep := 1 - 1/math.Max(1, span)
	sum, weight := 0.0, 0.0
	list := make(plotter.XYs, len(points))
	for i, p := range points {
		sum = keep*sum + (1-keep)*p.Y
		weight = keep*weight + (1 - keep)
		list[i] = plotter.XY{X: p.X, Y: sum / weight}
	}
	return list
}

// smoothed is the share of a curve that its smoothed form remembers; shorter curves than few are drawn plain.
const (
	smoothed = 0.025
	few      = 30
)

func (h *History) stepLosses() *Figure {
	var losses, low, top plotter.XYs
	for _, p := range h.thinned() {
		if p.Count > 0 {
			x := float64(p.Step)
			losses = append(losses, plotter.XY{X: x, Y: p.Loss})
			low = append(low, plotter.XY{X: x, Y: p.Low})
			top = append(top, plotter.XY{X: x, Y: p.High})
		}
	}
	losses = finite(losses)
	if len(losses) == 0 {
		return nil
	}
	f := newFigure("loss-steps", "Training loss per step", "step", "loss")
	f.plot.X.Tick.Marker = evenTicks{whole: true}
	if len(losses) < few {
		f.add(losses, line{tone: series[0], width: 1.6, markers: true})
	} else {
		if losses[0].Y != low[0].Y || losses[len(losses)-1].Y != low[len(low)-1].Y { // points stand for several steps
			f.add(top, line{tone: series[0], width: 0.5, opacity: 0.3})
			f.add(low, line{tone: series[0], width: 0.5, opacity: 0.3})
		}
		f.add(losses, line{key: "loss", tone: series[0], width: 0.9, opacity: 0.4})
		f.add(smooth(losses, smoothed*float64(len(losses))), line{key: "smoothed", tone: series[0], width: 2})
	}
	if !f.logarithmic() {
		f.pad()
	}
	var skips plotter.XYs
	for _, s := range h.Skips {
		skips = append(skips, plotter.XY{X: float64(s.Step), Y: f.plot.Y.Min})
	}
	f.mark(skips, "skipped step", series[1])
	return f
}

// epochCurve picks one number of each epoch.
func (h *History) epochCurve(pick func(Epoch) metric.Value) plotter.XYs {
	var list plotter.XYs
	for _, e := range h.Epochs {
		if v := pick(e); v.Defined() {
			list = append(list, plotter.XY{X: float64(e.Epoch), Y: float64(v)})
		}
	}
	return list
}

func (h *History) epochLosses() *Figure {
	f := newFigure("loss-epochs", "Loss per epoch", "epoch", "loss")
	f.plot.X.Tick.Marker = evenTicks{whole: true}
	markers := len(h.Epochs) <= few
	train := f.add(h.epochCurve(func(e Epoch) metric.Value { return e.Loss }),
		line{key: "training", tone: series[0], width: 1.8, markers: markers})
	held := f.add(h.epochCurve(func(e Epoch) metric.Value { return e.ValLoss }),
		line{key: "validation", tone: series[1], width: 1.8, markers: markers, dashed: true})
	if !train && !held {
		return nil
	}
	if !f.logarithmic() {
		f.pad()
	}
	h.markBest(f)
	return f
}

func (h *History) markBest(f *Figure) {
	if h.Best != nil && len(h.Epochs) > 1 {
		f.vertical(float64(h.Best.Epoch), "best epoch")
	}
}

// maxMetrics is how many metrics one figure draws.
const maxMetrics = 4

// metrics draws those of the names that epochs have, the first of them.
func (h *History) metrics(name, title, axis string, names []string) *Figure {
	f := newFigure(name, title, "epoch", axis)
	f.plot.X.Tick.Marker = evenTicks{whole: true}
	drawn := 0
	for _, m := range names {
		if drawn == maxMetrics {
			break
		}
		points := h.epochCurve(func(e Epoch) metric.Value {
			if v, ok := e.Metrics[m]; ok {
				return metric.Value(v)
			}
			return metric.Undefined()
		})
		l := line{key: label(m), tone: series[drawn], width: 1.8, markers: len(h.Epochs) <= few, dashed: drawn%2 == 1}
		if f.add(points, l) {
			drawn++
		}
	}
	if drawn == 0 {
		return nil
	}
	f.pad()
	h.markBest(f)
	return f
}

func (h *History) rates() *Figure {
	var points plotter.XYs
	for _, p := range h.thinned() {
		points = append(points, plotter.XY{X: float64(p.Step), Y: p.Rate})
	}
	f := newFigure("learning-rate", "Learning rate", "step", "rate")
	f.plot.X.Tick.Marker = evenTicks{whole: true}
	if !f.add(points, line{tone: series[2], width: 1.8}) {
		return nil
	}
	f.plot.Y.Min = math.Min(0, f.plot.Y.Min)
	f.pad()
	f.height = 0.75 * high
	return f
}

// label is the name of a metric for readers.
func label(name string) string {
	if s, ok := labels[name]; ok {
		return s
	}
	if k, ok := strings.CutSuffix(strings.TrimPrefix(name, "top"), "_accuracy"); ok && strings.HasPrefix(name, "top") {
		return "Top-" + k + " accuracy"
	}
	text := []rune(strings.ReplaceAll(name, "_", " "))
	if len(text) > 0 {
		text[0] = unicode.ToUpper(text[0])
	}
	return string(text)
}

var labels = map[string]string{
	metric.MacroF1: "Macro F1", metric.MicroF1: "Micro F1", metric.WeightedF1: "Weighted F1", metric.AUC: "ROC AUC",
	metric.MAE: "MAE", metric.MSE: "MSE", metric.RMSE: "RMSE", metric.R2: "R²", metric.Pearson: "Pearson r",
	metric.LogLoss: "Log loss", metric.Brier: "Brier score", metric.CalibrationError: "Expected calibration error",
}
