// Package report keeps the record of a fine-tuning run and shows it: Log writes metrics.jsonl, one event a line, in a form
// that survives a crash; History is what curves need of it; Report becomes one self-contained HTML page.
//
// Curves and pages depend on their data alone: the same record gives the same bytes.
//
// It imports finetune/metric and gonum/plot.
package report
