package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

func render(t *testing.T, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// An outline is what a page consists of.
type outline struct {
	elements map[string]int
	ids      []string
	links    []string
	text     string // without the style, with one space between words
}

// parsePage reads a page and fails where elements do not nest, or where it loads or runs anything.
func parsePage(t *testing.T, page string) outline {
	t.Helper()
	o := outline{elements: map[string]int{}}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Entity = xml.HTMLEntity
	var words []string
	style := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			o.elements[e.Name.Local]++
			style = e.Name.Local == "style"
			if slices.Contains([]string{"script", "link", "iframe", "object", "base", "form"}, e.Name.Local) {
				t.Errorf("element %s", e.Name.Local)
			}
			for _, a := range e.Attr {
				switch name := a.Name.Local; {
				case name == "id":
					o.ids = append(o.ids, a.Value)
				case name == "href":
					o.links = append(o.links, strings.TrimPrefix(a.Value, "#"))
				case name == "src" && !strings.HasPrefix(a.Value, "data:image/png;base64,"), strings.HasPrefix(name, "on"):
					t.Errorf("%s has %s=%q", e.Name.Local, name, a.Value)
				}
			}
		case xml.EndElement:
			style = false
		case xml.CharData:
			if !style {
				words = append(words, strings.Fields(string(e))...)
			}
		}
	}
	o.text = strings.Join(words, " ")
	return o
}

// TestPage checks the parts of the page of a classifier, and that it needs nothing from elsewhere.
func TestPage(t *testing.T) {
	page := render(t, example(t))
	o := parsePage(t, page)
	for _, id := range []string{"results", "curves", "predictions", "worst", "data", "model", "settings", "again"} {
		if !slices.Contains(o.ids, id) || !slices.Contains(o.links, id) {
			t.Errorf("no section %s, or no link to it", id)
		}
	}
	for _, want := range []string{
		"2 warnings", "majority class", "+0.5125 better", "Top-3 accuracy", "Training loss per step", "Loss per epoch",
		"Validation metrics per epoch", "Learning rate", "best epoch", "1 step was skipped: step 130, gradient of fc.weight is not finite.",
		"Confusion matrix", "Reliability", "Macro average", "dandelion/0038.jpg", "stratified, 20 % for validation", "2 565 of 11 179 077",
		"new head, Kaiming uniform", "AdamW, weight decay 0.01", "onnxrun finetune resnet18.onnx --data flowers/", "sha256 0000", "16.40 s",
	} {
		if !strings.Contains(o.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := o.elements["figure"]; n != 5 {
		t.Errorf("%d figures, want 5", n)
	}
	if o.elements["img"] != 5 {
		t.Errorf("%d pictures, want 5", o.elements["img"])
	}
	if out := regexp.MustCompile(`(?i)https?://[^"' ]*`).FindAllString(page, -1); slices.ContainsFunc(out, func(u string) bool {
		return !strings.HasPrefix(u, "http://www.w3.org/") // names of XML, which nobody fetches
	}) {
		t.Errorf("addresses in the page: %q", out)
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template refused a value")
	}
	if again := render(t, example(t)); again != page {
		t.Error("the same data give other bytes")
	}
}

// TestPageThemes checks that figures take their colours from the page, which has them for light and dark.
func TestPageThemes(t *testing.T) {
	page := render(t, example(t))
	_, body, _ := strings.Cut(page, "</style>")
	if fixed := regexp.MustCompile(`(fill|stroke):#[0-9A-Fa-f]{6}`).FindString(body); fixed != "" {
		t.Errorf("a figure has the colour %s", fixed)
	}
	light, dark, ok := strings.Cut(pageStyle, "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("no dark colours")
	}
	for _, m := range regexp.MustCompile(`var\((--\w+)\)`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(light, m[1]+":") || !strings.Contains(dark, m[1]+":") {
			t.Errorf("no light or no dark colour %s", m[1])
		}
	}
}

const hostile = `</td><script>alert(1)</script><img src=x onerror=alert(2)>"'` + "`${x}{{.}}\x00\u202e"

// TestPageEscapes puts markup wherever a page takes text.
func TestPageEscapes(t *testing.T) {
	r := example(t)
	r.Title, r.Summary, r.Warnings, r.Varies, r.Command = hostile, hostile, []string{hostile}, hostile, []string{hostile}
	r.Settings, r.Timing, r.Files = []Field{{hostile, hostile}}, []Time{{hostile, 1}}, []File{{hostile, hostile, hostile}}
	r.Model.Layers = []Layer{{hostile, hostile, hostile, 1, 1, hostile}}
	r.Data.Source, r.Data.Split, r.Data.HeldName = hostile, hostile, hostile
	r.Data.Preprocessing, r.Data.Augmentation = []Field{{hostile, hostile}}, []Field{{hostile, hostile}}
	for i := range r.Data.Classes {
		r.Data.Classes[i].Name = hostile
	}
	for i := range r.Results {
		r.Results[i].Name = hostile
		r.Results[i].Metrics[hostile] = 1
	}
	for i := range r.Worst {
		r.Worst[i] = Sample{Name: hostile, Truth: hostile, Predicted: hostile, PNG: []byte(hostile)}
	}
	r.History.Skips[0].Reason = hostile
	r.History.Epochs[3].Metrics[hostile] = 1
	page := render(t, r)
	page = strings.ReplaceAll(page, "\x00", "") // which html/template replaces but for attributes
	for _, bad := range []string{"<script", "onerror=alert(2)>", "<img"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	o := parsePage(t, page)
	if o.elements["script"]+o.elements["img"] > 0 {
		t.Errorf("elements %v", o.elements)
	}
	if !strings.Contains(o.text, "alert(1)") {
		t.Error("the text is lost")
	}
}

// TestPageKinds renders reports of other tasks, and one of nothing.
func TestPageKinds(t *testing.T) {
	labels, err := metric.NewMultiLabel(metric.MultiLabelOptions{Columns: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := labels.Add([]float32{1, -1, 2, 3}, []float32{1, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	many := exampleClassification(t, maxMatrix+10, 2000)
	huge := exampleClassification(t, 1100, 1100)
	for _, tc := range []struct {
		name    string
		report  *Report
		want    []string
		without []string
	}{
		{"nothing", &Report{}, []string{"Fine-tuning report", "Seed 0"}, []string{"Results", "Curves", "Data", "Model", "warning"}},
		{"multi-label", &Report{MultiLabel: labels.Result(), Results: []Result{{"trained", metric.Undefined(), labels.Result().Map()}}},
			[]string{"Per class", "Hamming loss 0.2500", "Subset accuracy 0.5000"}, []string{"Confusion"}},
		{"regression", exampleRegression(t), []string{"Predictions and targets", "Validation errors per epoch", "RMSE", "R²"}, []string{"Per class", "Confusion"}},
		{"many classes", &Report{Classification: many}, []string{"Most frequent mistakes", "40 classes"}, []string{"truth ↓"}},
		{"very many classes", &Report{Classification: huge}, []string{"1100 classes"}, []string{"truth ↓", "mistakes"}},
		{"binary", binaryReport(t), []string{"Receiver operating characteristic"}, nil},
		{"varies", &Report{Varies: "noise for privacy"}, []string{"gives another model: noise for privacy."}, []string{"bit for bit"}},
	} {
		o := parsePage(t, render(t, tc.report))
		for _, want := range tc.want {
			if !strings.Contains(o.text, want) {
				t.Errorf("%s: the page does not say %q", tc.name, want)
			}
		}
		for _, bad := range tc.without {
			if strings.Contains(o.text, bad) {
				t.Errorf("%s: the page says %q", tc.name, bad)
			}
		}
	}
}

func exampleRegression(t *testing.T) *Report {
	t.Helper()
	r, err := metric.NewRegression(metric.RegressionOptions{Columns: 1, Pairs: 150})
	if err != nil {
		t.Fatal(err)
	}
	rep := &Report{Title: "prices.onnx", History: exampleHistory(t, func(p float64) map[string]float64 {
		return map[string]float64{"mae": 2 - p, "rmse": 3 - p, "r2": p}
	})}
	for i := range 200 {
		target := float64(i) / 10
		guess := target + math.Sin(float64(7*i))
		if err := r.Add([]float32{float32(guess)}, []float32{float32(target)}); err != nil {
			t.Fatal(err)
		}
	}
	rep.Regression = r.Result()
	rep.Results = []Result{{"mean of the targets", 33, map[string]float64{"mae": 5, "rmse": 5.77, "r2": 0}}, {"trained", 0.5, rep.Regression.Map()}}
	return rep
}

func binaryReport(t *testing.T) *Report {
	t.Helper()
	c, err := metric.NewClassification(metric.ClassificationOptions{Columns: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		if err := c.Add([]float32{float32(3*math.Sin(float64(i)) + float64(i%2))}, []int64{int64(i % 2)}); err != nil {
			t.Fatal(err)
		}
	}
	return &Report{Classification: c.Result(), Data: Data{Classes: []Class{{"off", 1, 1}, {"on", 1, 1}}}}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestPageReportsWrites(t *testing.T) {
	if err := (&Report{}).Write(brokenWriter{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// TestPageToFile writes the pages of the tests into the folder that REPORT_PAGES names, for the eye.
func TestPageToFile(t *testing.T) {
	dir := os.Getenv("REPORT_PAGES")
	if dir == "" {
		t.Skip("REPORT_PAGES names no folder to write pages to")
	}
	for name, r := range map[string]*Report{
		"classes": example(t), "regression": exampleRegression(t), "binary": binaryReport(t),
		"many": {Title: "many.onnx", Classification: exampleClassification(t, 40, 2000)},
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(render(t, r)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{short(0.5), "0.5000"}, {short(metric.Value(math.Inf(1))), "–"}, {short(-12.3456), "−12.35"}, {short(1234.5), "1234"},
		{short(1.5e-7), "1.5e−07"}, {short(123456), "1.235e+05"}, {short(0), "0"}, {short(0.99996), "1.0000"},
		{grouped(int64(-1234567)), "-1\u202f234\u202f567"}, {grouped(999), "999"}, {grouped(int64(math.MinInt64)), "-9\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808"},
		{seconds(0.0123), "12.3 ms"}, {seconds(59.5), "59.50 s"}, {seconds(3723), "1h2m3s"}, {seconds(1e12), "1e+12 s"},
		{percent(0.1234), "12.3 %"}, {label("top5_accuracy"), "Top-5 accuracy"}, {label("élan_vital"), "Élan vital"}, {label(""), ""},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}

func TestMetricOrder(t *testing.T) {
	got := metricNames([]Result{{Metrics: map[string]float64{"zeta": 1, "log_loss": 1, "top10_accuracy": 1, "top5_accuracy": 1}},
		{Metrics: map[string]float64{"accuracy": 1, "alpha": 1, "macro_f1": 1}}})
	want := []string{"accuracy", "top5_accuracy", "top10_accuracy", "macro_f1", "log_loss", "zeta", "alpha"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
