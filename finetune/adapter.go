package finetune

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// An Adapter is a set of low-rank changes to the layers of a model (E. J. Hu et al., "LoRA: low-rank adaptation of large
// language models", ICLR 2022) in the form that PEFT keeps in files: module paths and layouts are those of PyTorch.
type Adapter struct {
	Config AdapterConfig
	Layers map[string]*LowRank       // by module path, such as model.layers.0.self_attn.q_proj
	Saved  map[string]*tensor.Tensor // whole parameters by path, such as classifier.weight
}

// A LowRank is the change of one layer: Scale times the product of B and A is added to its weight. Both are floats.
//
//	linear      A [r, in]           B [out, r]
//	convolution A [r, in, k...]     B [out, r, 1...]
//	embedding   A [r, rows]         B [width, r]
type LowRank struct {
	A, B      *tensor.Tensor
	Scale     float64
	Embedding bool
}

// Trim takes a prefix off the paths of modules and parameters that have it: what a wrapper around the model, through which it
// was exported, put before them. Two paths that become one are an error.
func (a *Adapter) Trim(prefix string) error {
	layers, saved := map[string]*LowRank{}, map[string]*tensor.Tensor{}
	for path, l := range a.Layers {
		layers[strings.TrimPrefix(path, prefix)] = l
	}
	for path, t := range a.Saved {
		saved[strings.TrimPrefix(path, prefix)] = t
	}
	if len(layers) < len(a.Layers) || len(saved) < len(a.Saved) {
		return fmt.Errorf("finetune: adapter: without %q several modules have one path", prefix)
	}
	a.Layers, a.Saved = layers, saved
	trim := func(list []string) {
		for i := range list {
			list[i] = strings.TrimPrefix(list[i], prefix)
		}
	}
	a.Config.Targets, a.Config.ModulesToSave = slices.Clone(a.Config.Targets), slices.Clone(a.Config.ModulesToSave)
	trim(a.Config.Targets)
	trim(a.Config.ModulesToSave)
	quoted := regexp.QuoteMeta(prefix)
	for _, patterns := range []*Patterns{&a.Config.RankPattern, &a.Config.AlphaPattern} {
		*patterns = slices.Clone(*patterns)
		for i := range *patterns {
			p := &(*patterns)[i]
			p.Expr = strings.TrimPrefix(p.Expr, quoted)
		}
	}
	return nil
}

// Rank is the number of rows of A.
func (l *LowRank) Rank() int { return l.A.Shape()[0] }

// The files of an adapter.
const (
	adapterConfigFile = "adapter_config.json"
	adapterModelFile  = "adapter_model.safetensors"
	adapterPrefix     = "base_model.model."
)

// maxAdapterConfig bounds the bytes of adapter_config.json.
const maxAdapterConfig = 16 << 20

// ReadAdapter reads adapter_config.json and adapter_model.safetensors of a folder that PEFT, or WriteAdapter, wrote. Kinds of
// adapters that are not a plain LoRA are refused with the setting that makes them one.
func ReadAdapter(dir string) (*Adapter, error) {
	text, err := readUpTo(filepath.Join(dir, adapterConfigFile), maxAdapterConfig)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %w", err)
	}
	config, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %s: %w", filepath.Join(dir, adapterConfigFile), err)
	}
	name := filepath.Join(dir, adapterModelFile)
	data, err := os.ReadFile(name)
	if err != nil {
		if _, other := os.Stat(filepath.Join(dir, "adapter_model.bin")); other == nil {
			return nil, fmt.Errorf("finetune: adapter: %s holds adapter_model.bin, a pickle of Python: save it as %s", dir, adapterModelFile)
		}
		return nil, fmt.Errorf("finetune: adapter: %w", err)
	}
	tensors, _, err := tensor.ReadSafetensors(data)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %s: %w", name, err)
	}
	a, err := newAdapter(config, tensors)
	if err != nil {
		return nil, fmt.Errorf("finetune: adapter: %s: %w", name, err)
	}
	return a, nil
}

func readUpTo(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return text, err
}

// newAdapter sorts the tensors of a file by what their names say.
func newAdapter(config AdapterConfig, tensors map[string]*tensor.Tensor) (*Adapter, error) {
	a := &Adapter{Config: config, Layers: map[string]*LowRank{}, Saved: map[string]*tensor.Tensor{}}
	for _, key := range slices.Sorted(maps.Keys(tensors)) {
		if err := a.add(strings.TrimPrefix(key, adapterPrefix), tensors[key]); err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(a.Layers)) {
		if err := a.complete(module); err != nil {
			return nil, fmt.Errorf("module %q: %w", module, err)
		}
	}
	return a, nil
}

func (a *Adapter) add(key string, t *tensor.Tensor) error {
	if !t.DType().IsFloat() {
		return fmt.Errorf("elements are %v, want floats", t.DType())
	}
	at := strings.Index(key, ".lora_")
	if at < 0 {
		if strings.Contains(key, ".token_adapter.") {
			return fmt.Errorf("trained tokens of an embedding are not supported")
		}
		if !strings.Contains(key, ".original_module.") {
			a.Saved[savedPath(key)] = t
		}
		return nil
	}
	module, part := key[:at], key[at+1:]
	l := a.Layers[module]
	if l == nil {
		l = &LowRank{}
		a.Layers[module] = l
	}
	part, leaf, _ := strings.Cut(part, ".")
	if i := strings.LastIndexByte(leaf, '.'); i >= 0 { // the name of the adapter in a checkpoint of training
		leaf = leaf[i+1:]
	}
	switch {
	case part == "lora_A" && leaf == "weight":
		l.A = t
	case part == "lora_B" && leaf == "weight":
		l.B = t
	case part == "lora_embedding_A":
		l.A, l.Embedding = t, true
	case part == "lora_embedding_B":
		l.B, l.Embedding = t, true
	case part == "lora_magnitude_vector":
		return fmt.Errorf("%s", unsupportedSettings["use_dora"])
	case part == "lora_B" && leaf == "bias":
		return fmt.Errorf("%s", unsupportedSettings["lora_bias"])
	default:
		return fmt.Errorf("want lora_A.weight, lora_B.weight, lora_embedding_A or lora_embedding_B after the module")
	}
	return nil
}

// savedPath is the path of a parameter without the wrappers that PEFT puts around its module.
func savedPath(key string) string {
	parts := strings.Split(key, ".")
	var out []string
	for i := 0; i < len(parts); i++ {
		switch parts[i] {
		case "base_layer":
			continue
		case "modules_to_save":
			if i+3 == len(parts) { // modules_to_save.<adapter>.weight
				i++
			}
			continue
		}
		out = append(out, parts[i])
	}
	return strings.Join(out, ".")
}

// complete checks the two factors of a module and sets its scale.
func (a *Adapter) complete(module string) error {
	l := a.Layers[module]
	if l.A == nil || l.B == nil {
		return fmt.Errorf("one of lora_A and lora_B is missing")
	}
	sa, sb := l.A.Shape(), l.B.Shape()
	fits := len(sa) >= 2 && len(sa) == len(sb) && sb[1] == sa[0] && sa[0] > 0
	for _, d := range sb[min(2, len(sb)):] {
		fits = fits && d == 1
	}
	if !fits || l.Embedding && len(sa) != 2 {
		return fmt.Errorf("lora_A has shape %v and lora_B %v, which are no factors of a weight", sa, sb)
	}
	rank, err := a.Config.rank(module)
	if err != nil {
		return err
	}
	if rank != sa[0] {
		return fmt.Errorf("lora_A has shape %v, want rank %d as the configuration says", sa, rank)
	}
	l.Scale, err = a.Config.scale(module, rank)
	return err
}
