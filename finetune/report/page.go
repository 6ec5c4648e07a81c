package report

import (
	"bytes"
	_ "embed" // holds the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

var (
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	pageStyle string
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"short": short, "percent": percent, "seconds": seconds, "label": label,
	"count":   func(n int) string { return grouped(n) },
	"count64": func(n int64) string { return grouped(n) },
	"value":   func(v float64) metric.Value { return metric.Value(v) },
	"words":   func(list []string) string { return strings.Join(list, " ") },
	"sub":     func(a, b int) int { return a - b },
}).Parse(pageText))

// A view is what the template sees: the report, and what is derived from it.
type view struct {
	*Report
	Style         template.CSS
	HeldName      string
	Cards         []Field
	Rows          []resultRow
	Curves        []drawing
	Diagrams      []drawing
	Heat          [][]heatCell
	Mistakes      []mistake
	ClassNames    []string
	ClassScores   []metric.ClassScore
	Macro         metric.Average
	Micro         metric.Average
	Weighted      metric.Average
	Pictures      []template.URL // one for each of the worst samples, "" without
	LargestClass  int
	OpenRows      int
	HasPictures   bool
	HasConfidence bool
	HasClassAUC   bool
}

// A drawing is a figure within the page.
type drawing struct {
	Title string
	SVG   template.HTML
}

// Write writes the page: one HTML file that needs no other.
func (r *Report) Write(w io.Writer) error {
	v, err := r.view()
	if err != nil {
		return err
	}
	var out bytes.Buffer // a template that fails leaves no half page
	if err := page.Execute(&out, v); err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	_, err = out.WriteTo(w)
	return err
}

func (r *Report) view() (*view, error) {
	v := &view{Report: r, Style: template.CSS(pageStyle), HeldName: r.Data.HeldName, OpenRows: openRows, Rows: resultRows(r.Results)}
	if v.HeldName == "" {
		v.HeldName = "validation"
	}
	for _, c := range r.Data.Classes {
		v.LargestClass = max(v.LargestClass, c.Training, c.Held)
	}
	var err error
	if v.Curves, err = drawn(r.curves()); err != nil {
		return nil, err
	}
	if v.Diagrams, err = drawn(r.diagrams()); err != nil {
		return nil, err
	}
	v.cards()
	v.classes()
	v.worst()
	return v, nil
}

func drawn(figures []*Figure) ([]drawing, error) {
	var list []drawing
	for _, f := range figures {
		svg, err := f.Inline()
		if err != nil {
			return nil, err
		}
		list = append(list, drawing{f.Title, svg})
	}
	return list, nil
}

func (v *view) classes() {
	switch {
	case v.Classification != nil:
		c := v.Classification
		v.ClassScores, v.Macro, v.Micro, v.Weighted = c.Classes, c.Macro, c.Micro, c.Weighted
		v.Heat = heat(c.Confusion)
		if v.Heat == nil {
			v.Mistakes = mistakes(c.Confusion, v.className)
		}
	case v.MultiLabel != nil:
		m := v.MultiLabel
		v.ClassScores, v.Macro, v.Micro, v.Weighted = m.Classes, m.Macro, m.Micro, m.Weighted
	}
	for k, s := range v.ClassScores {
		v.ClassNames = append(v.ClassNames, v.className(k))
		v.HasClassAUC = v.HasClassAUC || s.AUC.Defined()
	}
}

// leading returns the names of up to two metrics that say most.
func leading(metrics map[string]float64) []string {
	var names []string
	for _, name := range []string{metric.Accuracy, metric.SubsetAccuracy, metric.R2, metric.MacroF1, metric.MAE, metric.AUC} {
		if _, ok := metrics[name]; ok && len(names) < 2 {
			names = append(names, name)
		}
	}
	return names
}

// cards picks the figures that a reader looks for first: the leading metrics against the first baseline, what trained, and how
// long.
func (v *view) cards() {
	if n := len(v.Results); n > 0 {
		for _, name := range leading(v.Results[n-1].Metrics) {
			c := Field{label(name), short(metric.Value(v.Results[n-1].Metrics[name]))}
			if first, ok := v.Results[0].Metrics[name]; ok && n > 1 {
				c.Name += fmt.Sprintf(" (%s: %s)", v.Results[0].Name, short(metric.Value(first)))
			}
			v.Cards = append(v.Cards, c)
		}
	}
	if v.Model.Parameters > 0 {
		v.Cards = append(v.Cards, Field{"of " + grouped(v.Model.Parameters) + " parameters trained", grouped(v.Model.Trained)})
	}
	if h := v.History; h != nil && h.Steps > 0 {
		c := Field{"steps", grouped(h.Steps)}
		if n := len(h.Epochs); n > 0 {
			c.Name = fmt.Sprintf("steps, %d epochs", h.Epochs[n-1].Epoch)
		}
		v.Cards = append(v.Cards, c)
		if h.End != nil && h.End.Seconds > 0 {
			v.Cards = append(v.Cards, Field{"wall time", seconds(h.End.Seconds)})
		}
	}
}

// className is the name of class k, its number where it has none.
func (v *view) className(k int) string {
	if k < len(v.Data.Classes) && v.Data.Classes[k].Name != "" {
		return v.Data.Classes[k].Name
	}
	return fmt.Sprint(k)
}

// Figures returns all figures of the page: the curves of the run, then what shows the predictions.
func (r *Report) Figures() []*Figure { return append(r.curves(), r.diagrams()...) }

func (r *Report) curves() []*Figure {
	if r.History == nil {
		return nil
	}
	return r.History.Figures()
}

func (r *Report) diagrams() []*Figure {
	var list []*Figure
	add := func(f *Figure) {
		if f != nil {
			list = append(list, f)
		}
	}
	if c := r.Classification; c != nil {
		add(Reliability(c.Reliability))
		add(ROC(c.ROC))
	}
	if r.Regression != nil {
		add(Scatter(r.Regression.Pairs))
	}
	return list
}

// worst bounds the samples and turns their pictures, where these are PNG files, into addresses that hold them.
func (v *view) worst() {
	r := *v.Report
	r.Worst = r.Worst[:min(len(r.Worst), maxSamples)]
	v.Report = &r
	v.Pictures = make([]template.URL, len(r.Worst))
	for i, s := range r.Worst {
		v.HasConfidence = v.HasConfidence || s.Confidence.Defined()
		if bytes.HasPrefix(s.PNG, []byte("\x89PNG\r\n\x1a\n")) {
			v.Pictures[i] = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(s.PNG))
			v.HasPictures = true
		}
	}
}
