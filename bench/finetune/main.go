// Command finetune runs one workload of bench/finetune.py in this library and prints what it took as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/data"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A report is what one workload took. Memory is resident, in MB of 2^20 bytes: the base with the data in memory and nothing
// else done yet.
type report struct {
	MS      float64 `json:"ms"`
	Samples int     `json:"samples"` // that were trained on, each epoch counted
	First   float64 `json:"first_loss"`
	Last    float64 `json:"last_loss"`
	Base    float64 `json:"base_rss_mb"`
	Peak    float64 `json:"peak_rss_mb"`
	Frozen  int     `json:"frozen_runs"` // of what does not train, each on a block of samples
	Ready   float64 `json:"ready_ms"`    // from opening the data until the first batch is asked for
	Begin   float64 `json:"begin_ms"`    // until the first step begins, its batch read and its graph compiled
	Step    float64 `json:"step_ms"`     // the median of the times between steps, the first one not counted
}

// settings are those of the peer: both sides get the same.
type settings struct {
	samples, batch, epochs, threads int
	data, cache                     string // folders of pictures or arrays, and of results of what does not train
	all, keep                       bool
}

func main() {
	var o settings
	workload := flag.String("workload", "head", "head: a linear layer 512 -> 10 on features; resnet18: the last layer of a ResNet-18 on pictures; files: the same on the picture files of a folder, or on arrays x.npy and y.npy in it")
	flag.IntVar(&o.samples, "samples", 4096, "how many there are")
	flag.IntVar(&o.batch, "batch", 32, "how many a step takes")
	flag.IntVar(&o.epochs, "epochs", 10, "how often to go through them")
	flag.IntVar(&o.threads, "threads", 2, "processors to use")
	flag.StringVar(&o.data, "data", "", "folder with a sub-folder of picture files for each class, or with arrays, for the workload files")
	flag.StringVar(&o.cache, "cache", "", "folder that keeps results of what does not train; none: memory only")
	flag.BoolVar(&o.all, "all", false, "train all weights, not the last layer alone")
	flag.BoolVar(&o.keep, "keep", true, "keep samples in memory that are read; without, each is read and decoded in each epoch")
	flag.Parse()
	if err := run(*workload, o); err != nil {
		fmt.Fprintln(os.Stderr, "finetune:", err)
		os.Exit(1)
	}
}

func run(workload string, o settings) error {
	build := map[string]func() (*onnx.Model, []int, error){"head": head, "resnet18": resNet18, "files": resNet18}[workload]
	if build == nil {
		return fmt.Errorf("no workload %q", workload)
	}
	model, shape, err := build()
	if err != nil {
		return err
	}
	var s finetune.Dataset
	if workload != "files" {
		s = draw(shape, o.samples)
	}
	debug.FreeOSMemory()
	r := report{Base: measure.Resident(), Samples: o.epochs * o.samples}
	start := time.Now()
	if s == nil {
		if s, err = open(shape, o); err != nil {
			return err
		}
	}
	if err := train(model, s, o, start, &r); err != nil {
		return err
	}
	r.MS, r.Peak = measure.Milliseconds(time.Since(start)), measure.PeakResident()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// samples are random inputs and classes.
type samples struct {
	x []*tensor.Tensor // without the batch axis
	y []*tensor.Tensor
}

// Len implements finetune.Dataset.
func (s *samples) Len() int { return len(s.x) }

// Sample implements finetune.Dataset.
func (s *samples) Sample(i int) (finetune.Sample, error) {
	return finetune.Sample{Inputs: map[string]*tensor.Tensor{"x": s.x[i]}, Targets: s.y[i : i+1]}, nil
}

// open opens picture files, which are made as large as the model's input x and normalised as ResNet-18 was trained.
func open(shape []int, o settings) (finetune.Dataset, error) {
	in := runtime.ValueInfo{Name: "x", DType: tensor.Float32, Ranked: true, Dims: []runtime.Dim{{Name: "batch", Value: -1}}}
	for _, n := range shape {
		in.Dims = append(in.Dims, runtime.Dim{Value: n})
	}
	return data.Open(o.data, data.Options{Inputs: []runtime.ValueInfo{in}, Outputs: classes, Picture: data.PictureOptions{
		Mean: []float64{0.485, 0.456, 0.406}, Std: []float64{0.229, 0.224, 0.225}, Scale: 1.0 / 255}})
}

func draw(shape []int, n int) *samples {
	r, s := rand.New(rand.NewPCG(1, 2)), &samples{}
	for range n {
		x := tensor.New(tensor.Float32, shape...)
		for i, v := 0, tensor.Of[float32](x); i < len(v); i++ {
			v[i] = float32(r.NormFloat64())
		}
		s.x, s.y = append(s.x, x), append(s.y, tensor.Scalar(r.Int64N(classes)))
	}
	return s
}

// train trains with Adam. What does not train is computed once for each sample.
func train(model *onnx.Model, s finetune.Dataset, o settings, start time.Time, r *report) error {
	spec := finetune.Spec{Terms: []finetune.Term{{At: "scores", Loss: finetune.CrossEntropy{}}}, Optimizer: finetune.Adam{}, Rate: 0.001, Threads: o.threads}
	if o.all {
		spec.Train, spec.BatchNorm = "all", true
	}
	t, err := finetune.NewTrainer(model, spec)
	if err != nil {
		return err
	}
	var times []float64
	last := start
	fitted, err := t.Fit(context.Background(), s, finetune.FitOptions{Epochs: o.epochs, Batch: o.batch,
		Cache:  finetune.CacheOptions{Dir: o.cache, Off: !o.keep},
		Begin:  func(_, _, _ int) { r.Ready = measure.Milliseconds(time.Since(start)) },
		Memory: func(finetune.StepMemory) { r.Begin = measure.Milliseconds(time.Since(start)) },
		Event: func(e finetune.Event) error {
			if step, ok := e.(finetune.StepEvent); ok {
				if r.Last = step.Loss; step.Step == 1 {
					r.First = step.Loss
				} else {
					times = append(times, measure.Milliseconds(time.Since(last)))
				}
				last = time.Now()
			}
			return nil
		}})
	if err != nil {
		return err
	}
	r.Frozen = fitted.FrozenRuns
	if len(times) > 0 {
		slices.Sort(times)
		r.Step = times[len(times)/2]
	}
	return nil
}
