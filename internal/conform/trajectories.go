package conform

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Trajectory is a training that another implementation has run and recorded: the model with its initial weights, the
// data, the order of the batches, the loss of each step, and the final weights.
type Trajectory struct {
	Name       string   `json:"id"`
	Kind       string   `json:"kind"` // train, dpsgd or gan
	Steps      int      `json:"steps"`
	Accumulate int      `json:"accumulate"`
	Inputs     []string `json:"inputs"`
	RTolLoss   float64  `json:"rtol_loss"`
	ATolWeight float64  `json:"atol_weight"`

	Trainable json.RawMessage `json:"trainable"` // names, or for a gan names by model
	Loss      lossSpec        `json:"loss"`
	Optimizer optimizerSpec   `json:"optimizer"`
	Scheduler schedulerSpec   `json:"scheduler"`
	Groups    json.RawMessage `json:"param_groups"`
	Clip      json.RawMessage `json:"clip"`
	BatchNorm string          `json:"batchnorm"`
	Noise     float64         `json:"noise_multiplier"`
	Rate      float64         `json:"lr"`

	files fs.FS
	bad   error // what is wrong with the manifest's entry
}

// A TrajectoryArchive is a zip with manifest.json and trajectories/<id>/{model.onnx,train.json,data.npz}.
type TrajectoryArchive struct {
	Trajectories []*Trajectory
	zip          *zip.ReadCloser
}

// OpenTrajectories opens an archive of trajectories.
func OpenTrajectories(name string) (*TrajectoryArchive, error) {
	var manifest struct{ Trajectories []json.RawMessage }
	z, err := openManifest(name, &manifest)
	if err != nil {
		return nil, err
	}
	a := &TrajectoryArchive{zip: z}
	for _, raw := range manifest.Trajectories {
		t := &Trajectory{files: z}
		t.bad = json.Unmarshal(raw, t)
		a.Trajectories = append(a.Trajectories, t)
	}
	return a, nil
}

// Close closes the archive.
func (a *TrajectoryArchive) Close() error { return a.zip.Close() }

// Run trains again and compares: each loss within RTolLoss*max(1,|loss64|), each final weight within
// ATolWeight*max(1,|final64|). A weight whose recorded final values in float32 and float64 differ by more than 1e-5, such
// as a bias whose gradient is zero in exact arithmetic, is not compared.
func (t *Trajectory) Run(ctx context.Context, opts Options) Result {
	worst := 0.0
	err := guardPanic(func() (err error) {
		r := &trajectoryRun{Trajectory: t, threads: opts.Runtime.Threads}
		defer func() { worst = r.worst }()
		if t.bad != nil {
			return fmt.Errorf("conform: manifest.json: %w", t.bad)
		}
		if err := r.read(); err != nil {
			return err
		}
		switch t.Kind {
		case "train":
			return r.train(ctx)
		case "gan":
			return r.adversarial(ctx)
		case "dpsgd":
			return r.private(ctx)
		}
		return ops.Unsupported("trajectories of kind %q", t.Kind)
	})
	return (&Case{Name: t.Name}).result(worst, err)
}

// trajectoryRun is one run of a trajectory.
type trajectoryRun struct {
	*Trajectory
	data    map[string]*tensor.Tensor
	threads int
	worst   float64 // largest difference so far, as a share of max(1, |reference|)
}

func (r *trajectoryRun) file(name string) ([]byte, error) {
	data, err := fs.ReadFile(r.files, path.Join("trajectories", r.Name, name))
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	return data, nil
}

// read reads the recorded arrays, and the settings of train.json, which agree with the manifest's.
func (r *trajectoryRun) read() error {
	data, err := r.file("data.npz")
	if err != nil {
		return err
	}
	if r.data, err = tensor.ReadNPZ(bytes.NewReader(data), int64(len(data))); err != nil {
		return fmt.Errorf("conform: data.npz: %w", err)
	}
	return nil
}

func (r *trajectoryRun) model(name string) (*onnx.File, error) {
	data, err := r.file(name)
	if err != nil {
		return nil, err
	}
	return onnx.OpenBytes(data, nil)
}

// train runs a plain training.
func (r *trajectoryRun) train(ctx context.Context) error {
	f, err := r.model("model.onnx")
	if err != nil {
		return err
	}
	defer f.Close()
	spec, err := r.spec(f.Model)
	if err != nil {
		return err
	}
	return r.follow(ctx, f.Model, spec)
}

// follow takes the recorded steps and compares.
func (r *trajectoryRun) follow(ctx context.Context, m *onnx.Model, spec finetune.Spec) error {
	t, err := finetune.NewTrainer(m, spec)
	if err != nil {
		return err
	}
	parts := max(1, r.Accumulate)
	for step := range r.Steps {
		var batches []finetune.Batch
		for k := range parts {
			b, err := r.batch(r.order(step*parts + k))
			if err != nil {
				return err
			}
			batches = append(batches, b)
		}
		res, err := t.Step(ctx, batches...)
		if err != nil {
			return err
		}
		if err := r.compareLoss("loss", step, res.Loss); err != nil {
			return err
		}
	}
	if err := r.compareWeights(t, ""); err != nil {
		return err
	}
	return r.comparePredictions(ctx, t)
}

// order returns the samples of a batch.
func (r *trajectoryRun) order(i int) []int64 {
	o := r.data["order"]
	n := o.Shape()[1]
	return tensor.Of[int64](o)[i*n : (i+1)*n]
}

// batch puts together the samples of the given indices.
func (r *trajectoryRun) batch(index []int64) (finetune.Batch, error) {
	b := finetune.Batch{Inputs: map[string]*tensor.Tensor{}}
	for _, name := range r.Inputs {
		x := r.data["in."+name]
		if x == nil {
			return b, fmt.Errorf("conform: data.npz has no in.%s", name)
		}
		b.Inputs[name] = rowsOf(x, index)
	}
	if y := r.data["y"]; y != nil {
		b.Targets = []*tensor.Tensor{rowsOf(y, index)}
	}
	return b, nil
}

// rowsOf gathers rows of t.
func rowsOf(t *tensor.Tensor, index []int64) *tensor.Tensor {
	shape := t.Shape().Clone()
	shape[0] = len(index)
	out := tensor.New(t.DType(), shape...)
	n := len(t.Bytes()) / max(1, t.Shape()[0])
	for k, i := range index {
		copy(out.Bytes()[k*n:(k+1)*n], t.Bytes()[int(i)*n:])
	}
	return out
}

func (r *trajectoryRun) compareLoss(name string, step int, got float64) error {
	want := r.data[name+"64"]
	if want == nil {
		want = r.data[name]
	}
	if want == nil || step >= want.Len() {
		return fmt.Errorf("conform: data.npz has no %s of step %d", name, step)
	}
	w := tensor.Float64s(want, want.Len())[step]
	d := math.Abs(got-w) / max(1, math.Abs(w))
	r.worst = max(r.worst, d)
	if !(d <= r.RTolLoss) {
		return fmt.Errorf("%s of step %d is %v, want %v: off by %.3g, allowed %.3g", name, step, got, w, d, r.RTolLoss)
	}
	return nil
}

// compareWeights compares the weights and running statistics that are recorded as final64.<prefix><name>.
func (r *trajectoryRun) compareWeights(t *finetune.Trainer, prefix string) error {
	compared := 0
	for _, key := range sortedKeys(r.data) {
		name, ok := strings.CutPrefix(key, "final64."+prefix)
		if !ok {
			continue
		}
		p := t.Param(name)
		if p == nil {
			return fmt.Errorf("conform: %q is recorded and no weight in training", name)
		}
		want := tensor.Float64s(r.data[key], r.data[key].Len())
		if single := r.data["final."+prefix+name]; single != nil && apart(tensor.Float64s(single, single.Len()), want) > 1e-5 {
			continue
		}
		got := tensor.Of[float32](p.W)
		if len(got) != len(want) {
			return fmt.Errorf("weight %q has shape %v, want %v", name, p.Shape, r.data[key].Shape())
		}
		for i, w := range want {
			d := math.Abs(float64(got[i])-w) / max(1, math.Abs(w))
			r.worst = max(r.worst, d)
			if !(d <= r.ATolWeight) {
				return fmt.Errorf("weight %q: element %d is %v after %d steps, want %v: off by %.3g, allowed %.3g", name, i, got[i], r.Steps, w, d, r.ATolWeight)
			}
		}
		compared++
	}
	if compared == 0 {
		return fmt.Errorf("conform: data.npz has no final weights to compare with")
	}
	return nil
}

func apart(a, b []float64) float64 {
	worst := 0.0
	for i := range min(len(a), len(b)) {
		worst = max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

// comparePredictions compares what the trained model makes of all samples with the recorded pred64.
func (r *trajectoryRun) comparePredictions(ctx context.Context, t *finetune.Trainer) error {
	want := r.data["pred64"]
	if want == nil {
		return nil
	}
	all := make([]int64, want.Shape()[0])
	for i := range all {
		all[i] = int64(i)
	}
	b, err := r.batch(all)
	if err != nil {
		return err
	}
	scores, err := t.Scores(ctx, b.Inputs)
	if err != nil {
		return err
	}
	got, w := tensor.Float64s(scores[0], scores[0].Len()), tensor.Float64s(want, want.Len())
	if len(got) != len(w) {
		return fmt.Errorf("predictions have shape %v, want %v", scores[0].Shape(), want.Shape())
	}
	peak := 1.0
	for _, x := range w {
		peak = max(peak, math.Abs(x))
	}
	const allowed = 1e-3
	if d := apart(got, w) / peak; !(d <= allowed) {
		return fmt.Errorf("predictions are off by %.3g of the largest, allowed %.3g", d, allowed)
	}
	return nil
}

func sortedKeys(m map[string]*tensor.Tensor) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
