package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/finetune/report"
)

const (
	worstSamples = 20   // of the samples with the largest loss that the report shows
	drawnPairs   = 1500 // of the predictions that it draws over their targets
)

// newMeter makes the meter of one measurement.
func (j *job) newMeter() finetune.Meter {
	var top []int
	if j.set.columns > 10 {
		top = []int{5}
	}
	j.meter = finetune.NewLossMeter(finetune.MeterOptions{TopK: top, Worst: worstSamples, Pairs: drawnPairs}, j.set.loss)
	return j.meter
}

// writeReport writes report.html and its figures into the run folder.
func (j *job) writeReport(r *finetune.Fitted, sha256 string) error {
	dir := j.runFolder()
	if dir == "" {
		return nil
	}
	page := &report.Report{
		Title: filepath.Base(j.name), Warnings: j.notes, Model: j.modelTable(), Settings: fieldsOf(j.settings()), Seed: j.seed,
		Files:  []report.File{{Role: "model out", Name: filepath.Base(j.out), SHA256: sha256}},
		Timing: []report.Time{{Name: "all", Seconds: time.Since(j.begun).Seconds()}},
	}
	if hash, err := fileHash(j.name); err == nil {
		page.Files = append([]report.File{{Role: "model in", Name: filepath.Base(j.name), SHA256: hash}}, page.Files...)
	}
	page.Summary = fmt.Sprintf("%d of %d parameters trained in %d steps.", page.Model.Trained, page.Model.Parameters, r.Steps)
	if r.Skipped > 0 {
		page.Warnings = append(page.Warnings, fmt.Sprintf("%d steps were skipped: a gradient was not finite", r.Skipped))
	}
	if j.log != nil {
		page.History = j.log.History()
	}
	if j.set != nil {
		j.describeData(page, r)
	}
	return page.WriteFiles(dir)
}

// describeData fills in what the page says of samples and figures.
func (j *job) describeData(page *report.Report, r *finetune.Fitted) {
	s := j.set
	page.Data = report.Data{Source: filepath.Base(j.data), Training: s.train.Len(), Preprocessing: fieldsOf(s.all.Settings())}
	if s.val != nil {
		page.Data.Held = s.val.Len()
		page.Data.Split = fmt.Sprintf("%.0f %% of each class, by seed %d", 100*j.valSplit, j.seed)
		if j.val != "" {
			page.Data.Split = "samples of their own"
		}
	}
	held := []int(nil)
	if s.val != nil {
		held = s.val.Counts()
	}
	for i, n := range s.train.Counts() {
		c := report.Class{Name: s.classes[i], Training: n}
		if i < len(held) {
			c.Held = held[i]
		}
		page.Data.Classes = append(page.Data.Classes, c)
	}
	for _, row := range []struct {
		name    string
		figures map[string]float64
	}{{"guess from targets", r.Prior}, {"before training", r.Baseline}, {"after training", r.Validation}} {
		if len(row.figures) == 0 {
			continue
		}
		res := report.Result{Name: row.name, Loss: metric.Undefined(), Metrics: maps.Clone(row.figures)}
		if loss, ok := res.Metrics["loss"]; ok {
			res.Loss = metric.Value(loss)
			delete(res.Metrics, "loss")
		}
		page.Results = append(page.Results, res)
	}
	if j.meter == nil {
		return
	}
	f := j.meter.Figures()[0]
	page.Classification, page.MultiLabel, page.Regression = f.Classification, f.MultiLabel, f.Regression
	page.Worst = report.Samples(f.Worst(), j.sampleName, j.className)
}

// sampleName says where a sample that was measured comes from.
func (j *job) sampleName(k int64) string {
	if j.set.val != nil && k < int64(j.set.val.Len()) {
		return j.set.val.Place(int(k))
	}
	return fmt.Sprintf("sample %d", k)
}

func (j *job) className(c int) string {
	if c >= 0 && c < len(j.set.classes) {
		return j.set.classes[c]
	}
	return fmt.Sprint(c)
}

// modelTable lists the layers.
func (j *job) modelTable() report.Model {
	var m report.Model
	trained := map[string]bool{}
	for _, p := range j.trainer.Params() {
		trained[p.Name] = true
	}
	for _, l := range j.trainer.Layers() {
		row := report.Layer{Name: l.Node, Operator: l.Op}
		for i, w := range l.Weights {
			if i == 0 {
				row.Shape = fmt.Sprint([]int(w.Shape))
			}
			n := int64(w.Shape.Len())
			row.Parameters += n
			if trained[w.Name] {
				row.Trained += n
			}
			if w.Frozen != "" {
				row.Note = w.Frozen
			}
		}
		m.Layers = append(m.Layers, row)
		m.Parameters += row.Parameters
		m.Trained += row.Trained
	}
	return m
}

func fieldsOf(m map[string]string) []report.Field {
	var out []report.Field
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, report.Field{Name: name, Value: m[name]})
	}
	return out
}
