package conform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// The settings of a trajectory are those of PyTorch, by PyTorch's names.
type lossSpec struct {
	Type      string    `json:"type"`
	Reduction string    `json:"reduction"`
	Smoothing float64   `json:"label_smoothing"`
	Weight    []float32 `json:"weight"`
	PosWeight []float32 `json:"pos_weight"`
	Ignore    *int64    `json:"ignore_index"`
	Delta     float64   `json:"delta"`
	Beta      float64   `json:"beta"`
	Half      bool      `json:"half"`
	Margin    float64   `json:"margin"`
}

type optimizerSpec struct {
	Type      string    `json:"type"`
	Rate      float64   `json:"lr"`
	Decay     *float64  `json:"weight_decay"`
	Betas     []float64 `json:"betas"`
	Eps       *float64  `json:"eps"`
	Momentum  float64   `json:"momentum"`
	Dampening float64   `json:"dampening"`
	Nesterov  bool      `json:"nesterov"`
	Amsgrad   bool      `json:"amsgrad"`
	Alpha     *float64  `json:"alpha"`
	Centered  bool      `json:"centered"`
	RateDecay float64   `json:"lr_decay"`
	Initial   float64   `json:"initial_accumulator_value"`
}

type schedulerSpec struct {
	Type   string  `json:"type"`
	Warmup int     `json:"warmup"`
	Step   int     `json:"step"`
	Size   int     `json:"step_size"`
	Gamma  float64 `json:"gamma"`
	Min    float64 `json:"min"`
}

// loss returns the loss for targets like y.
func (l lossSpec) loss(y *tensor.Tensor, scoresRank int) (finetune.Loss, error) {
	name := strings.ToLower(strings.NewReplacer("-", "_", " ", "_", "/", "_").Replace(l.Type))
	axis := 1
	if y != nil && y.DType() == tensor.Int64 && scoresRank > 2 && y.Rank() == scoresRank-1 {
		axis = -1
	}
	switch {
	case name == "bce_with_logits":
		return finetune.BCEWithLogits{PosWeight: l.PosWeight}, nil
	case name == "bce":
		return finetune.BCE{}, nil
	case name == "cross_entropy" || name == "ce":
		return finetune.CrossEntropy{Weights: l.Weight, Ignore: l.Ignore, Smoothing: l.Smoothing, Axis: axis}, nil
	case name == "nll":
		return finetune.NLL{Weights: l.Weight, Ignore: l.Ignore, Axis: axis}, nil
	case strings.Contains(name, "mse") || strings.Contains(name, "sum_sq") || strings.Contains(name, "half"):
		half := l.Half || l.Reduction == "sum" || strings.Contains(name, "half") || strings.Contains(name, "sum")
		return finetune.MSE{Half: half}, nil
	case name == "l1" || name == "mae":
		return finetune.L1{}, nil
	case name == "huber" || name == "smooth_l1":
		return finetune.Huber{Delta: max(l.Delta, l.Beta)}, nil
	case name == "hinge":
		return finetune.Hinge{Margin: l.Margin}, nil
	}
	return nil, ops.Unsupported("loss %q", l.Type)
}

// text writes the optimizer as finetune.ParseOptimizer reads it.
func (o optimizerSpec) text() string {
	parts := []string{}
	set := func(key string, v float64) { parts = append(parts, fmt.Sprintf("%s=%v", key, v)) }
	flag := func(key string, on bool) {
		if on {
			parts = append(parts, key)
		}
	}
	if o.Rate > 0 {
		set("rate", o.Rate)
	}
	if o.Decay != nil {
		set("decay", *o.Decay)
	}
	if len(o.Betas) == 2 {
		set("beta1", o.Betas[0])
		set("beta2", o.Betas[1])
	}
	for key, v := range map[string]*float64{"eps": o.Eps, "alpha": o.Alpha} {
		if v != nil {
			set(key, *v)
		}
	}
	for _, kv := range []struct {
		key string
		v   float64
	}{{"momentum", o.Momentum}, {"dampening", o.Dampening}, {"rate-decay", o.RateDecay}, {"initial", o.Initial}} {
		if kv.v != 0 {
			set(kv.key, kv.v)
		}
	}
	flag("nesterov", o.Nesterov)
	flag("amsgrad", o.Amsgrad)
	flag("centered", o.Centered)
	slices.Sort(parts)
	if len(parts) == 0 {
		return o.Type
	}
	return o.Type + ":" + strings.Join(parts, ",")
}

// schedule returns the schedule over the steps of the trajectory.
func (s schedulerSpec) schedule() (finetune.Schedule, error) {
	warm := func(then finetune.Schedule) finetune.Schedule {
		if s.Warmup == 0 {
			return then
		}
		return finetune.WarmUp{Steps: s.Warmup, Then: then}
	}
	switch s.Type {
	case "", "constant":
		return warm(finetune.ConstantRate{}), nil
	case "step":
		return finetune.StepDecay{Size: max(s.Step, s.Size), Gamma: s.Gamma}, nil
	case "cosine", "warmup_cosine":
		return warm(finetune.CosineDecay{Floor: s.Min}), nil
	case "linear", "warmup_linear":
		return warm(finetune.LinearDecay{Floor: s.Min}), nil
	}
	return nil, ops.Unsupported("schedule %q", s.Type)
}

// spec returns the settings for a trainer of m.
func (r *trajectoryRun) spec(m *onnx.Model) (finetune.Spec, error) {
	s := finetune.Spec{Total: r.Steps, Threads: r.threads, BatchNorm: strings.HasPrefix(r.BatchNorm, "train")}
	if err := json.Unmarshal(r.Trainable, &s.Weights); err != nil {
		return s, fmt.Errorf("conform: trainable: %w", err)
	}
	at := m.Graph.Outputs[0]
	rank := 0
	if at.Type != nil {
		rank = len(at.Type.Dims)
	}
	loss, err := r.Loss.loss(r.data["y"], rank)
	if err != nil {
		return s, err
	}
	s.Terms = []finetune.Term{{At: at.Name, Loss: loss}}
	o, rates, err := finetune.ParseOptimizer(r.Optimizer.text())
	if err != nil {
		return s, err
	}
	s.Optimizer, s.Rate, s.Decay = o, rates.Rate, rates.Decay
	if s.Schedule, err = r.Scheduler.schedule(); err != nil {
		return s, err
	}
	if s.Groups, err = r.groups(s.Rate); err != nil {
		return s, err
	}
	s.Clip, err = r.clip()
	return s, err
}

// groupSpec is one entry of param_groups.
type groupSpec struct {
	Params []string `json:"params"`
	Names  []string `json:"names"`
	Match  string   `json:"match"`
	Rate   float64  `json:"lr"`
	Factor float64  `json:"lr_factor"`
	Decay  *float64 `json:"weight_decay"`
}

// groups returns the parameter groups: a list, or settings by the name of a parameter. Their rates are recorded as such
// and not as factors.
func (r *trajectoryRun) groups(rate float64) ([]finetune.Group, error) {
	if len(r.Groups) == 0 || string(r.Groups) == "null" {
		return nil, nil
	}
	var list []groupSpec
	if err := json.Unmarshal(r.Groups, &list); err != nil {
		var named map[string]groupSpec
		if json.Unmarshal(r.Groups, &named) != nil {
			return nil, fmt.Errorf("conform: param_groups: %w", err)
		}
		for _, name := range slices.Sorted(maps.Keys(named)) {
			g := named[name]
			if len(g.Params)+len(g.Names) == 0 && g.Match == "" {
				g.Names = []string{name}
			}
			list = append(list, g)
		}
	}
	var out []finetune.Group
	for _, g := range list {
		group := finetune.Group{Names: append(g.Params, g.Names...), Match: g.Match, Rate: g.Factor, Decay: g.Decay}
		if g.Rate > 0 {
			group.Rate = g.Rate / rate
		}
		out = append(out, group)
	}
	return out, nil
}

func (r *trajectoryRun) clip() (finetune.Clip, error) {
	var c struct {
		Type string  `json:"type"`
		Max  float64 `json:"max"`
	}
	if len(r.Clip) == 0 || string(r.Clip) == "null" {
		return finetune.Clip{}, nil
	}
	if err := json.Unmarshal(r.Clip, &c); err != nil {
		return finetune.Clip{}, fmt.Errorf("conform: clip: %w", err)
	}
	switch c.Type {
	case "norm":
		return finetune.Clip{Norm: c.Max}, nil
	case "value":
		return finetune.Clip{Value: c.Max}, nil
	}
	return finetune.Clip{}, ops.Unsupported("clipping by %q", c.Type)
}
