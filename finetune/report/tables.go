package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// Bounds of tables; what exceeds them is folded or summed up.
const (
	maxMatrix  = 30 // classes of a confusion matrix that is shown as such
	maxPairs   = 20 // rows of the list that takes its place
	openRows   = 25 // rows of a table that is not folded
	maxSamples = 50 // worst samples
)

// A row of the table of results.
type resultRow struct {
	Name  string
	Cells []resultCell
}

type resultCell struct {
	Text   string
	Change string // against the first column, with its sign
	Better int    // 1 better than the first column, -1 worse
}

// order lists the metrics of a table of results, the more telling ones first.
var order = []string{
	metric.Accuracy, metric.SubsetAccuracy, metric.BalancedAccuracy, metric.MacroF1, metric.WeightedF1, metric.MicroF1,
	metric.MacroPrecision, metric.MacroRecall, metric.AUC, metric.AP, metric.HammingLoss,
	metric.MAE, metric.RMSE, metric.MSE, metric.MaxError, metric.R2, metric.Pearson,
	metric.LogLoss, metric.Brier, metric.CalibrationError,
}

// metricNames returns the names that occur in results: the ordered ones, with top-k accuracies after the first, then the others.
func metricNames(results []Result) []string {
	seen := map[string]bool{}
	for _, r := range results {
		for name := range r.Metrics {
			seen[name] = true
		}
	}
	place := func(name string) int {
		if k := slices.Index(order, name); k >= 0 {
			return 2 * k
		}
		if larger, known := metric.LargerIsBetter(name); larger && known {
			return 1 // a top-k accuracy
		}
		return 2 * len(order)
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// resultRows lays results out, a row for each figure and a column for each result.
func resultRows(results []Result) []resultRow {
	var rows []resultRow
	figure := func(name string, larger, known bool, value func(Result) metric.Value) {
		row := resultRow{Name: name}
		for i, r := range results {
			v := value(r)
			c := resultCell{Text: short(v)}
			if first := value(results[0]); i > 0 && v.Defined() && first.Defined() {
				c.Change, c.Better = change(float64(v-first), larger, known)
			}
			row.Cells = append(row.Cells, c)
		}
		rows = append(rows, row)
	}
	if slices.ContainsFunc(results, func(r Result) bool { return r.Loss.Defined() }) {
		figure("Loss", false, true, func(r Result) metric.Value { return r.Loss })
	}
	for _, name := range metricNames(results) {
		larger, known := metric.LargerIsBetter(name)
		figure(label(name), larger, known, func(r Result) metric.Value {
			if v, ok := r.Metrics[name]; ok {
				return metric.Value(v)
			}
			return metric.Undefined()
		})
	}
	return rows
}

func change(by float64, larger, known bool) (text string, better int) {
	text = short(metric.Value(by))
	if by > 0 {
		text = "+" + text
	}
	if !known || by == 0 {
		return text, 0
	}
	if (by > 0) == larger {
		return text, 1
	}
	return text, -1
}

// short writes a figure with four digits; an undefined one as a dash.
func short(v metric.Value) string {
	if !v.Defined() {
		return "–"
	}
	text := strconv.FormatFloat(float64(v), 'g', 4, 64)
	if size := math.Abs(float64(v)); size >= 1e-4 && size < 1e4 {
		text = strconv.FormatFloat(float64(v), 'f', max(0, 3-int(math.Floor(math.Log10(size)))), 64)
		if size < 1 {
			text = strconv.FormatFloat(float64(v), 'f', 4, 64)
		}
	}
	return strings.ReplaceAll(text, "-", "−")
}

// grouped writes a count with spaces between thousands.
func grouped[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// percent writes a share of 0..1.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

// seconds writes a duration to about three digits.
func seconds(s float64) string {
	switch {
	case s < 1:
		return strconv.FormatFloat(1000*s, 'f', 1, 64) + " ms"
	case s < 60:
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	case s < 1e9:
		return time.Duration(s * float64(time.Second)).Round(time.Second).String()
	}
	return strconv.FormatFloat(s, 'g', 3, 64) + " s"
}

// A heatCell is a cell of a confusion matrix.
type heatCell struct {
	Count int64
	Share float64 // of its row
	Level int     // 0 to 10, of its colour
	Hit   bool
}

// heat lays a confusion matrix out; nil where it is too large.
func heat(confusion [][]int64) [][]heatCell {
	if len(confusion) > maxMatrix {
		return nil
	}
	var rows [][]heatCell
	for i, counts := range confusion {
		sum := int64(0)
		for _, n := range counts {
			sum += n
		}
		row := make([]heatCell, len(counts))
		for j, n := range counts {
			share := float64(n) / float64(max(sum, 1))
			row[j] = heatCell{Count: n, Share: share, Level: int(math.Ceil(share * 10)), Hit: i == j}
		}
		rows = append(rows, row)
	}
	return rows
}

// A mistake is a class that was taken for another.
type mistake struct {
	Truth, Predicted string
	Count            int64
	Share            float64 // of the samples of the class
}

// mistakes lists the most frequent ones.
func mistakes(confusion [][]int64, name func(int) string) []mistake {
	var list []mistake
	for i, counts := range confusion {
		sum := int64(0)
		for _, n := range counts {
			sum += n
		}
		for j, n := range counts {
			if i != j && n > 0 {
				list = append(list, mistake{name(i), name(j), n, float64(n) / float64(sum)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b mistake) int { return cmp.Compare(b.Count, a.Count) })
	return list[:min(len(list), maxPairs)]
}
