package finetune

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// A checkpoint is a file state-<step>.ckpt: a line with the format and the SHA-256 of the rest, then tensors in the
// safetensors format, with the state as metadata. It is written under another name, synced, renamed, and the folder
// synced, so that at any moment the newest complete one is whole. The last two are kept.
const (
	checkpointMagic = "onnxrun-checkpoint-1"
	checkpointsKept = 2
)

// save writes a checkpoint, if there is a folder for them.
func (f *fitter) save() error {
	if f.o.Dir == "" {
		return nil
	}
	data, err := f.encode()
	if err != nil {
		return err
	}
	name := filepath.Join(f.o.Dir, fmt.Sprintf("state-%09d.ckpt", f.state.Step))
	if err := os.MkdirAll(f.o.Dir, 0o700); err != nil {
		return fmt.Errorf("finetune: checkpoint: %w", err)
	}
	if err := writeDurably(name, data); err != nil {
		return fmt.Errorf("finetune: checkpoint: %w", err)
	}
	list := checkpoints(f.o.Dir)
	for _, old := range list[:max(0, len(list)-checkpointsKept)] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("finetune: checkpoint: %w", err)
		}
	}
	return nil
}

// writeDurably writes a file so that after a crash at any moment there is either the old one or the whole new one.
func writeDurably(name string, data []byte) error {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return syncDir(dir)
}

// syncDir makes renames in a folder durable, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // some systems cannot open folders
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// checkpoints lists the files of a folder, oldest first.
func checkpoints(dir string) []string {
	list, err := filepath.Glob(filepath.Join(dir, "state-*.ckpt"))
	if err != nil {
		return nil
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(stepOf(a), stepOf(b)) })
	return list
}

// stepOf returns the step of a checkpoint's file, -1 if its name has none.
func stepOf(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "state-"), ".ckpt"))
	if err != nil {
		return -1
	}
	return n
}

// tensors lists the tensors of the state by name.
func (f *fitter) tensors() map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for i, p := range slices.Concat(f.params, f.stats) {
		out["weight."+p.Name] = p.W
		for k, s := range p.state {
			out[fmt.Sprintf("slot%d.%s", k, p.Name)] = tensor.FromSlice(s, len(s))
		}
		if p.average != nil {
			out["average."+p.Name] = tensor.FromSlice(p.average, len(p.average))
		}
		if f.best != nil && f.best.mean[i] != nil {
			out["best-average."+p.Name] = tensor.FromSlice(f.best.mean[i], len(f.best.mean[i]))
		}
		if f.best != nil {
			out["best."+p.Name] = tensor.FromSlice(f.best.w[i], len(f.best.w[i]))
		}
	}
	return out
}

type checkpointMeta struct {
	fitState
	Steps   int    `json:"steps"`
	Skipped int    `json:"skipped"`
	Config  string `json:"config"`
}

func (f *fitter) encode() ([]byte, error) {
	meta, err := json.Marshal(checkpointMeta{f.state, f.steps, f.skipped, f.identity})
	if err != nil {
		return nil, fmt.Errorf("finetune: checkpoint: %w", err)
	}
	var body bytes.Buffer
	if err := tensor.WriteSafetensors(&body, f.tensors(), map[string]string{"state": string(meta)}); err != nil {
		return nil, fmt.Errorf("finetune: checkpoint: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	return append([]byte(checkpointMagic+" "+hex.EncodeToString(sum[:])+"\n"), body.Bytes()...), nil
}

// load goes on from the newest whole checkpoint and reports whether there is one. One of another training is an error.
func (f *fitter) load() (bool, error) {
	list := checkpoints(f.o.Dir)
	var damaged []error
	for i := len(list) - 1; i >= 0; i-- {
		data, err := os.ReadFile(list[i])
		if err == nil {
			err = f.decode(data)
		}
		if err == nil {
			return true, nil
		}
		if errors.Is(err, errOtherRun) {
			return false, fmt.Errorf("finetune: %s: %w", list[i], err)
		}
		damaged = append(damaged, fmt.Errorf("finetune: %s: %w", list[i], err))
	}
	return false, errors.Join(damaged...)
}

var errOtherRun = errors.New("the checkpoint belongs to a training with other settings, weights or data")

func (f *fitter) decode(data []byte) error {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	magic, want, spaced := strings.Cut(string(line), " ")
	if !ok || !spaced || magic != checkpointMagic {
		return errors.New("not a checkpoint")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
		return errors.New("the checksum does not hold: the file is damaged")
	}
	tensors, texts, err := tensor.ReadSafetensors(body)
	if err != nil {
		return err
	}
	var meta checkpointMeta
	if err := json.Unmarshal([]byte(texts["state"]), &meta); err != nil {
		return err
	}
	if meta.Config != f.identity {
		return errOtherRun
	}
	return f.accept(meta, tensors)
}

func takeAverage(t *tensor.Tensor, dst *[]float32, n int) error {
	if t == nil {
		*dst = nil
		return nil
	}
	if t.DType() != tensor.Float32 || t.Len() != n {
		return errors.New("an average of weights is of another size")
	}
	*dst = slices.Clone(tensor.Of[float32](t))
	return nil
}

// LastCheckpoint returns the step of the newest checkpoint in a folder, 0 if there is none.
func LastCheckpoint(dir string) int {
	list := checkpoints(dir)
	if len(list) == 0 {
		return 0
	}
	return max(0, stepOf(list[len(list)-1]))
}

// RemoveCheckpoints removes the checkpoints of a folder.
func RemoveCheckpoints(dir string) error {
	for _, name := range checkpoints(dir) {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("finetune: %w", err)
		}
	}
	return nil
}

// accept takes over the state of a checkpoint.
func (f *fitter) accept(meta checkpointMeta, tensors map[string]*tensor.Tensor) error {
	take := func(name string, dst []float32) error {
		t := tensors[name]
		if t == nil || t.DType() != tensor.Float32 || t.Len() != len(dst) {
			return fmt.Errorf("tensor %q is missing or of another size", name)
		}
		copy(dst, tensor.Of[float32](t))
		return nil
	}
	best := f.snapshot()
	hasBest := false
	for i, p := range slices.Concat(f.params, f.stats) {
		if err := take("weight."+p.Name, tensor.Of[float32](p.W)); err != nil {
			return err
		}
		for k, s := range p.state {
			if err := take(fmt.Sprintf("slot%d.%s", k, p.Name), s); err != nil {
				return err
			}
		}
		if err := takeAverage(tensors["average."+p.Name], &p.average, p.W.Len()); err != nil {
			return err
		}
		if err := takeAverage(tensors["best-average."+p.Name], &best.mean[i], p.W.Len()); err != nil {
			return err
		}
		if tensors["best."+p.Name] != nil {
			hasBest = true
			if err := take("best."+p.Name, best.w[i]); err != nil {
				return err
			}
		}
	}
	f.state, f.steps, f.skipped = meta.fitState, meta.Steps, meta.Skipped
	f.rate = f.state.Rate
	if p := plateauOf(f.spec.Schedule); p != nil {
		p.State = f.state.Plateau
	}
	if f.best = nil; hasBest {
		f.best = &best
	}
	return f.takeKey()
}
