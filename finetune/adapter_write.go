package finetune

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/onnxrun/onnxrun/tensor"
)

// WriteAdapter writes the adapter to a folder, which is made if it is missing, as PEFT would. Each file is written under
// another name and renamed when it is complete; equal adapters give equal files.
func WriteAdapter(dir string, a *Adapter) error {
	tensors, err := a.tensors()
	if err != nil {
		return fmt.Errorf("finetune: adapter: %w", err)
	}
	config, err := a.Config.encode()
	if err != nil {
		return fmt.Errorf("finetune: adapter: %w", err)
	}
	var model bytes.Buffer
	if err := tensor.WriteSafetensors(&model, tensors, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("finetune: adapter: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("finetune: adapter: %w", err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{adapterModelFile, model.Bytes()}, {adapterConfigFile, config}} {
		if err := replaceFile(filepath.Join(dir, f.name), f.data); err != nil {
			return fmt.Errorf("finetune: adapter: %w", err)
		}
	}
	return nil
}

// tensors returns the tensors of the file by their names.
func (a *Adapter) tensors() (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	for module, l := range a.Layers {
		want, err := a.Config.scale(module, l.Rank())
		if err == nil && math.Abs(want-l.Scale) > 1e-6*math.Abs(want) {
			err = fmt.Errorf("scale is %v, but the configuration gives %v", l.Scale, want)
		}
		if rank, bad := a.Config.rank(module); err == nil && bad == nil && rank != l.Rank() {
			err = fmt.Errorf("rank is %d, but the configuration gives %d", l.Rank(), rank)
		}
		if err != nil {
			return nil, fmt.Errorf("module %q: %w", module, err)
		}
		names := [2]string{".lora_A.weight", ".lora_B.weight"}
		if l.Embedding {
			names = [2]string{".lora_embedding_A", ".lora_embedding_B"}
		}
		out[adapterPrefix+module+names[0]], out[adapterPrefix+module+names[1]] = l.A, l.B
	}
	for name, t := range a.Saved {
		out[adapterPrefix+name] = t
	}
	return out, nil
}

// replaceFile writes a file by renaming a complete one.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
