package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/finetune/report"
)

const (
	redrawEvery = 100 * time.Millisecond
	barWidth    = 20 // columns at most
	barRest     = 28 // columns of percentage and times beside the bar and the text, without the count of steps
	plainWidth  = 80 // of a terminal that does not say
)

// A progress shows on stderr how far a training run is: on a terminal one line that is drawn over, with the time that is
// left, elsewhere one plain line per epoch.
type progress struct {
	w       io.Writer
	tty     bool // w draws lines over
	color   bool
	bar     *progressbar.ProgressBar // of a run that has started, on a terminal
	steps   int                      // planned
	epochs  int                      // planned, 0 where that is open
	epoch   int                      // under way
	pending int                      // steps that the bar has not seen
	drawn   time.Time
	losses  sparkline
	loss    float64 // running mean of the last steps
	last    string  // of the last epoch: its figures
}

// newProgress writes to w; it draws where w is a terminal that can.
func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	tty := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	return &progress{w: w, tty: tty, color: tty && os.Getenv("NO_COLOR") == "", loss: math.NaN()}
}

// Start begins a run of so many steps and epochs that are still to do, from the given epoch on, which counts from 1. Where
// steps is 0, their number is open, and lines are plain.
func (p *progress) Start(steps, epoch, epochs int) {
	p.steps, p.epoch, p.epochs = steps, epoch, epochs
	if !p.tty || steps < 1 {
		return
	}
	theme := progressbar.Theme{Saucer: "█", SaucerPadding: "░"}
	if p.color {
		theme = progressbar.Theme{Saucer: "[cyan]█[reset]", SaucerPadding: "[dark_gray]░[reset]"}
	}
	p.bar = progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(p.barColumns()), progressbar.OptionSetTheme(theme),
		progressbar.OptionEnableColorCodes(p.color), progressbar.OptionUseANSICodes(true), progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription(p.describe()),
	)
}

// Step counts a step.
func (p *progress) Step(loss, rate float64) {
	if p.bar == nil {
		return
	}
	p.losses.add(loss)
	const keep = 0.9 // of the running mean
	if math.IsNaN(p.loss) {
		p.loss = loss
	} else if !math.IsNaN(loss) {
		p.loss = keep*p.loss + (1-keep)*loss
	}
	p.pending++
	if time.Since(p.drawn) >= redrawEvery {
		p.draw()
	}
}

// draw brings the line up to date. What goes wrong with a progress line is no concern of the run.
func (p *progress) draw() {
	p.bar.Describe(p.describe())
	_ = p.bar.Add(p.pending)
	p.pending, p.drawn = 0, time.Now()
}

// Epoch ends an epoch; number 0 is the state before training.
func (p *progress) Epoch(e report.Epoch) {
	p.epoch = e.Epoch + 1
	if p.bar != nil {
		p.last = figures(e, "val ")
		if time.Since(p.drawn) >= redrawEvery {
			p.draw()
		}
		return
	}
	line := fmt.Sprintf("epoch %s  loss %.4g  %s", p.count(e.Epoch), float64(e.Loss), figures(e, "val loss "))
	if e.Epoch == 0 {
		line = "before training  " + figures(e, "val loss ")
	} else if e.Best {
		line += "  best"
	}
	fmt.Fprintln(p.w, strings.TrimSpace(line))
}

// Print writes a line, such as a warning, above the progress line.
func (p *progress) Print(line string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.w, line)
}

// Done takes the progress line away.
func (p *progress) Done() {
	if p.bar != nil {
		_ = p.bar.Clear()
		_ = p.bar.Exit()
		p.bar = nil
	}
}

// count is the epoch of all, such as 3/20.
func (p *progress) count(epoch int) string {
	if p.epochs == 0 {
		return fmt.Sprint(epoch)
	}
	return fmt.Sprintf("%d/%d", min(epoch, p.epochs), p.epochs)
}

// describe is what stands before the bar, as much of it as the terminal is wide.
func (p *progress) describe() string {
	parts := []string{"epoch " + p.count(p.epoch)}
	if !math.IsNaN(p.loss) {
		parts = append(parts, fmt.Sprintf("%s loss %.4g", &p.losses, p.loss))
	}
	parts = append(parts, strings.Split(p.last, "  ")...)
	room := p.columns() - barRest - 2*len(fmt.Sprint(p.steps)) - p.barColumns()
	text := parts[0]
	for _, part := range parts[1:] {
		if part == "" || utf8.RuneCountInString(text)+2+utf8.RuneCountInString(part) > room {
			break
		}
		text += "  " + part
	}
	return text
}

// columns is the width of the terminal.
func (p *progress) columns() int {
	if f, ok := p.w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return plainWidth
}

// barColumns leaves the bar less room on a narrow terminal than the numbers beside it.
func (p *progress) barColumns() int { return max(5, min(barWidth, p.columns()/10)) }

// shown are the metrics that a line of an epoch has room for, the more telling ones first.
var shown = []string{metric.Accuracy, metric.SubsetAccuracy, metric.MacroF1, metric.AUC, metric.R2, metric.MAE}

// figures are the validation loss and up to two metrics, separated by two spaces.
func figures(e report.Epoch, lossName string) string {
	var parts []string
	if e.ValLoss.Defined() {
		parts = append(parts, fmt.Sprintf("%s%.4g", lossName, float64(e.ValLoss)))
	}
	metrics := 0
	for _, name := range shown {
		if v, ok := e.Metrics[name]; ok && metrics < 2 {
			parts = append(parts, fmt.Sprintf("%s %.4g", strings.ReplaceAll(name, "_", " "), v))
			metrics++
		}
	}
	return strings.Join(parts, "  ")
}
