package report

import (
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// newDiagram is a square figure over 0..1 in both directions, with its diagonal.
func newDiagram(name, title, x, y, diagonal string) *Figure {
	f := newFigure(name, title, x, y)
	f.width, f.height = square, square
	f.add(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, line{key: diagonal, tone: muted, width: 1, dashed: true})
	return f
}

// Reliability draws accuracy over confidence, one bar a bin; nil where all bins are empty.
func Reliability(bins []metric.Bin) *Figure {
	f := newDiagram("reliability", "Reliability", "confidence", "accuracy", "calibrated")
	drawn := false
	for _, b := range bins {
		if b.Count == 0 || !b.Accuracy.Defined() {
			continue
		}
		low, high, top := float64(b.Lower), float64(b.Upper), float64(b.Accuracy)
		bar := &plotter.Polygon{
			XYs:       []plotter.XYs{{{X: low, Y: 0}, {X: low, Y: top}, {X: high, Y: top}, {X: high, Y: 0}}},
			LineStyle: draw.LineStyle{Color: series[0].rgb, Width: 1}, Color: sheer{series[0].rgb, 0.35},
		}
		f.plot.Add(bar)
		drawn = true
	}
	if !drawn {
		return nil
	}
	f.keys = append(f.keys, key{text: "accuracy of a bin", line: draw.LineStyle{Color: series[0].rgb, Width: 1}})
	f.plot.Y.Min, f.plot.Y.Max = 0, 1
	return f
}

// ROC draws a receiver operating characteristic; nil for an empty one.
func ROC(c *metric.Curve) *Figure {
	if c == nil || len(c.FPR) == 0 {
		return nil
	}
	f := newDiagram("roc", "Receiver operating characteristic", "false positive rate", "true positive rate", "chance")
	points := make(plotter.XYs, 0, len(c.FPR))
	for i := range c.FPR {
		last := len(points) - 1
		p := plotter.XY{X: c.FPR[i], Y: c.TPR[i]}
		const apart = 1e-3 // closer points are one to the eye
		if i > 0 && i < len(c.FPR)-1 && p.X-points[last].X < apart && p.Y-points[last].Y < apart {
			continue
		}
		points = append(points, p)
	}
	f.add(points, line{key: "model", tone: series[0], width: 1.8})
	return f
}

// Scatter draws predictions over targets; nil without any that is finite. Callers bound their number.
func Scatter(pairs []metric.Pair) *Figure {
	points := make(plotter.XYs, len(pairs))
	for i, p := range pairs {
		points[i] = plotter.XY{X: float64(p.Target), Y: float64(p.Predicted)}
	}
	points = finite(points)
	if len(points) == 0 {
		return nil
	}
	f := newFigure("scatter", "Predictions and targets", "target", "prediction")
	f.width, f.height = square, square
	dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: sheer{series[0].rgb, 0.5}, Radius: 2.2, Shape: draw.CircleGlyph{}}}
	f.plot.Add(dots)
	low, high := min(f.plot.X.Min, f.plot.Y.Min), max(f.plot.X.Max, f.plot.Y.Max)
	f.add(plotter.XYs{{X: low, Y: low}, {X: high, Y: high}}, line{key: "exact", tone: muted, width: 1, dashed: true})
	f.pad()
	return f
}
