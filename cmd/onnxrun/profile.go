package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A profileReport is what the profile command prints as JSON.
type profileReport struct {
	Version   int           `json:"version"`
	Rounds    int           `json:"rounds"`
	Machine   roofline      `json:"machine"`
	RunMS     float64       `json:"run_ms"`  // median of whole runs
	NodesMS   float64       `json:"node_ms"` // mean of the sum of all nodes in a run
	Operators []profileLine `json:"operators"`
	Nodes     []profileLine `json:"nodes"`
}

// A profileLine is a node, or all nodes of one operator.
type profileLine struct {
	Node     string  `json:"node,omitempty"`
	Operator string  `json:"operator"`
	Calls    int     `json:"calls"`
	MS       float64 `json:"ms"`    // per run
	Share    float64 `json:"share"` // of the time of all nodes, 0 to 1
	LeastMS  float64 `json:"least_ms,omitempty"`
	rates
}

// A profiler is the profile command with its flags.
type profiler struct {
	common
	inputs         inputFlags
	warmup, rounds int
	top            int
	trace          string
}

func profileCommand() *cobra.Command {
	p := &profiler{}
	cmd := &cobra.Command{
		Use:   "profile model.onnx",
		Short: "Measure the time of each node and operator, and how far from the machine's limits they are",
		Args:  arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := p.limit(cmd.Context())
			defer cancel()
			rep, err := p.profile(ctx, cmd, args[0])
			if err != nil {
				return err
			}
			if p.json {
				return printJSON(cmd.OutOrStdout(), rep)
			}
			return rep.print(cmd, p.top)
		},
	}
	p.register(cmd)
	p.inputs.register(cmd)
	cmd.Flags().IntVar(&p.warmup, "warmup", 2, "runs that are not measured")
	cmd.Flags().IntVar(&p.rounds, "rounds", 10, "measured runs")
	cmd.Flags().IntVar(&p.top, "top", 30, "how many nodes the table shows, 0 for all")
	cmd.Flags().StringVar(&p.trace, "trace", "", "file to write one run to, as Chrome trace events")
	return cmd
}

func (p *profiler) profile(ctx context.Context, cmd *cobra.Command, model string) (*profileReport, error) {
	if p.warmup < 0 || p.rounds < 1 || p.top < 0 {
		return nil, usage("--warmup %d --rounds %d --top %d: want at least 0, 1 and 0", p.warmup, p.rounds, p.top)
	}
	if err := p.inputs.check(); err != nil {
		return nil, err
	}
	times := &runtime.Profile{}
	s, err := p.open(model, func(o *runtime.Options) { o.Profile = times })
	if err != nil {
		return nil, err
	}
	defer closeSession(cmd, s)
	in, err := p.inputs.load(s.Inputs(), s.Metadata(), cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	out := map[string]*tensor.Tensor{}
	step := func() error { return s.RunInto(ctx, in, out) }
	if _, err := measure.Rounds(p.warmup, step); err != nil {
		return nil, err
	}
	times.Reset()
	runs, err := measure.Rounds(p.rounds, step)
	if err != nil {
		return nil, err
	}
	rep := tabulate(times.Nodes(), p.rounds, measureMachine(p.threads))
	rep.RunMS = measure.Summarise(runs).Median
	if p.trace != "" {
		times.Trace(true)
		err = step()
		times.Trace(false)
		if err == nil {
			err = writeTrace(p.trace, times.Events())
		}
	}
	return rep, err
}

// tabulate sums the times of nodes up by operator and sorts both lists by time.
func tabulate(nodes []*runtime.NodeTime, rounds int, m roofline) *profileReport {
	rep := &profileReport{Version: 1, Rounds: rounds, Machine: m, Operators: []profileLine{}, Nodes: []profileLine{}}
	byOp := map[string]*profileLine{}
	for _, n := range nodes {
		if n.Calls() == 0 {
			continue
		}
		l := profileLine{Node: n.Path, Operator: n.Op, Calls: n.Calls(), MS: measure.Milliseconds(n.Total()) / float64(rounds), LeastMS: measure.Milliseconds(n.Least())}
		l.rates = m.rate(n.Work(), l.LeastMS)
		rep.Nodes = append(rep.Nodes, l)
		rep.NodesMS += l.MS
		sum := byOp[n.Op]
		if sum == nil {
			sum = &profileLine{Operator: n.Op}
			byOp[n.Op] = sum
		}
		sum.Calls += l.Calls
		sum.MS += l.MS
	}
	for _, l := range byOp {
		rep.Operators = append(rep.Operators, *l)
	}
	for _, list := range [][]profileLine{rep.Operators, rep.Nodes} {
		for i := range list {
			if rep.NodesMS > 0 {
				list[i].Share = list[i].MS / rep.NodesMS
			}
		}
		slices.SortStableFunc(list, func(a, b profileLine) int {
			return cmp.Or(cmp.Compare(b.MS, a.MS), cmp.Compare(a.Operator, b.Operator))
		})
	}
	return rep
}

func (r *profileReport) print(cmd *cobra.Command, top int) error {
	t := &table{}
	t.row("run", r.RunMS, "ms, median of", r.Rounds)
	t.row("nodes", r.NodesMS, "ms")
	t.row("machine", r.Machine.GFlops, "GFLOP/s,", r.Machine.GBytes, "GB/s")
	t.row()
	t.row("OPERATOR", "MS", "%", "CALLS")
	for _, l := range r.Operators {
		t.row(l.Operator, l.MS, 100*l.Share, l.Calls)
	}
	t.row()
	t.row("NODE", "MS", "%", "CALLS", "OPERATOR", "GFLOP/S", "% PEAK", "GB/S", "LIMIT", "ALGORITHM")
	for i, l := range r.Nodes {
		if top > 0 && i == top {
			t.row("...", "", "", len(r.Nodes)-top, "more nodes")
			break
		}
		t.row(l.Node, l.MS, 100*l.Share, l.Calls, l.Operator, l.GFlops, 100*l.PeakShare, l.GBytes, l.Limit, l.Algorithm)
	}
	return t.print(cmd.OutOrStdout())
}

// A traceEvent is a complete event ("X") of Chrome's trace event format; times are in microseconds.
type traceEvent struct {
	Name     string  `json:"name"`
	Category string  `json:"cat"`
	Phase    string  `json:"ph"`
	Start    float64 `json:"ts"`
	Duration float64 `json:"dur"`
	Process  int     `json:"pid"`
	Thread   int     `json:"tid"`
}

func writeTrace(path string, events []runtime.Event) error {
	list := make([]traceEvent, len(events))
	for i, e := range events {
		list[i] = traceEvent{
			Name: e.Node.Path, Category: e.Node.Op, Phase: "X", Process: 1, Thread: 1,
			Start: float64(e.Start.Nanoseconds()) / 1e3, Duration: float64(e.Time.Nanoseconds()) / 1e3,
		}
	}
	data, err := json.Marshal(map[string]any{"traceEvents": list, "displayTimeUnit": "ms"})
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
