package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
)

// A tuner is the finetune command with its flags.
type tuner struct {
	common
	data, val       string
	valSplit        float64
	train           string
	epochs, steps   int
	batch           int
	accumulate      int
	saved           string
	rate            string
	optimizer       string
	decay           float64
	schedule        string
	clip            string
	loss            string
	lossAt          []string
	groups          []string
	ema             float64
	batchNorm       string
	dropout         float64
	recurrent       float64
	classes         int
	newHead, reinit bool
	init            string
	seed            uint64
	runDir          string
	out             string
	resume          bool
	every           int
	patience        int
	watch           string
	keepLast        bool
	plan, dryRun    bool
	cache           string
	cacheSize       string
	noCache         bool
	dims            map[string]int
	samples         dataFlags
	lora            loraFlags
	dp              string
	solver          string
}

func finetuneCommand() *cobra.Command {
	t := &tuner{}
	cmd := &cobra.Command{
		Use:   "finetune model.onnx --data PATH -o OUT",
		Short: "Train layers of a model on labelled data and write a model",
		Long: `Train layers of a model on labelled data and write a model.

The model is any inference model. DATA is a folder with a sub-folder of pictures or sounds for each class, a table (CSV, TSV,
JSON lines, Parquet), arrays (.npz, .npy, .safetensors), or "synthetic": one made-up batch whose targets are the model's own
outputs with noise, to see whether and how fast the model trains.

--train says which weights train: last, last:N, all, bias, norm, names with commas between, or a regular expression. What stands
before them runs once for each sample; its results are kept in the run folder and found again by the next run.

A run keeps its state in the run folder. Interrupted, it saves and exits with 130; --resume goes on and gives the same model
as a run that was not interrupted.`,
		Args: arguments(1, 1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := t.limit(cmd.Context())
			defer cancel()
			return t.run(ctx, cmd, args[0])
		},
	}
	t.register(cmd)
	return cmd
}

// check finds flags that contradict each other.
func (t *tuner) check() error {
	switch {
	case t.data == "" && !t.plan:
		return usage("finetune: no data: want --data PATH or --data synthetic")
	case t.out == "" && !t.plan && !t.dryRun:
		return usage("finetune: nowhere to write the model: want -o OUT")
	case t.epochs < 0 || t.steps < 0 || t.batch < 0 || t.accumulate < 0 || t.patience < 0 || t.every < 0:
		return usage("finetune: numbers of epochs, steps and samples are at least 0")
	case t.valSplit < 0 || t.valSplit >= 1:
		return usage("finetune: --val-split %v, want a share of at least 0 and below 1", t.valSplit)
	case t.val != "" && t.data == "synthetic":
		return usage("finetune: --val and synthetic data")
	case t.batchNorm != "eval" && t.batchNorm != "train":
		return usage("finetune: --bn %s, want eval or train", t.batchNorm)
	case t.resume && t.runFolder() == "":
		return usage("finetune: --resume without a run folder: want --run-dir DIR")
	}
	return nil
}

// runFolder is the folder of the run: beside the model that is written, unless a flag names another.
func (t *tuner) runFolder() string {
	if t.runDir != "" || t.out == "" {
		return t.runDir
	}
	return t.out + ".run"
}

// run is the command.
func (t *tuner) run(ctx context.Context, cmd *cobra.Command, name string) error {
	if err := t.check(); err != nil {
		return err
	}
	f, err := t.model(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := onnx.Check(f.Model).Err(); err != nil {
		return err
	}
	j := &job{tuner: t, cmd: cmd, name: name, file: f, progress: newProgress(cmd.ErrOrStderr())}
	if t.plan {
		return j.showPlan()
	}
	err = j.train(ctx)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(cmd.ErrOrStderr(), "interrupted; go on with the same command and --resume\n")
	}
	return err
}

// model opens the model, with generated weights if --fill says so.
func (t *tuner) model(name string) (*onnx.File, error) {
	f, err := onnx.Open(name, &onnx.OpenOptions{ExternalRoot: t.externalRoot})
	if err != nil {
		return nil, err
	}
	if t.fill != "" {
		if err := feed.FillFrom(f.Model, t.fill); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// write writes the trained model and returns the SHA-256 of the file.
func (j *job) write(m *onnx.Model) (string, error) {
	if err := os.MkdirAll(filepath.Dir(j.out), 0o755); err != nil {
		return "", fmt.Errorf("finetune: %w", err)
	}
	if err := onnx.WriteFile(j.out, m, nil); err != nil {
		return "", err
	}
	return fileHash(j.out)
}

func fileHash(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// A tuneReport is the last line of output.
type tuneReport struct {
	Schema   int                `json:"schema"`
	Loss     []float64          `json:"loss"` // of each step, or of each epoch
	Metrics  map[string]float64 `json:"metrics"`
	Baseline map[string]float64 `json:"baseline"`
	Rate     float64            `json:"rate"`
	Steps    int                `json:"steps"`
	Skipped  int                `json:"skipped"`
	Epoch    int                `json:"best_epoch"`
	Frozen   int                `json:"frozen_runs"` // of the part of the model that does not train
	Epsilon  *float64           `json:"epsilon,omitempty"`
	Out      string             `json:"out"`
	SHA256   string             `json:"sha256"`
}

func newReport(r *finetune.Fitted) tuneReport {
	rep := tuneReport{Schema: 1, Loss: r.Losses, Metrics: r.Validation, Baseline: r.Baseline, Rate: r.Rate, Steps: r.Steps, Skipped: r.Skipped, Epoch: r.BestEpoch, Frozen: r.FrozenRuns}
	if r.Privacy != nil {
		rep.Epsilon = &r.Privacy.Epsilon
	}
	if rep.Loss == nil {
		rep.Loss = []float64{}
	}
	if rep.Metrics == nil {
		rep.Metrics = map[string]float64{}
	}
	if rep.Baseline == nil {
		rep.Baseline = map[string]float64{}
	}
	return rep
}
