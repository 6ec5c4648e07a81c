package finetune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// AdapterConfig is what adapter_config.json of PEFT says of a LoRA adapter
// (https://huggingface.co/docs/peft/package_reference/lora), as far as it matters after training.
type AdapterConfig struct {
	BaseModel     string   // name or path of the base model
	TaskType      string   // such as SEQ_CLS; may be empty
	Rank          int      // r
	Alpha         float64  // lora_alpha: branches are scaled by Alpha / Rank
	RSLoRA        bool     // use_rslora: by Alpha / sqrt(Rank) instead
	Dropout       float64  // lora_dropout, in training
	FanInFanOut   bool     // fan_in_fan_out: the base stores its weights as [in, out], as ONNX shows anyway
	Targets       []string // target_modules
	ModulesToSave []string // modules_to_save: layers whose weights are in the adapter as a whole
	RankPattern   Patterns // rank_pattern: ranks of modules whose path, or its end, matches
	AlphaPattern  Patterns // alpha_pattern: the same for Alpha
}

// Patterns give values to modules: that of the first regular expression which matches a module's path, or the end of it
// after a dot.
type Patterns []Pattern

// A Pattern gives a value to the modules that a regular expression matches.
type Pattern struct {
	Expr  string
	Value float64
}

// configFile is adapter_config.json.
type configFile struct {
	AlphaPattern  Patterns `json:"alpha_pattern"`
	BaseModel     *string  `json:"base_model_name_or_path"`
	Bias          string   `json:"bias"`
	FanInFanOut   bool     `json:"fan_in_fan_out"`
	InferenceMode bool     `json:"inference_mode"`
	InitWeights   any      `json:"init_lora_weights"`
	Alpha         *float64 `json:"lora_alpha"`
	Dropout       float64  `json:"lora_dropout"`
	ModulesToSave []string `json:"modules_to_save"`
	Type          string   `json:"peft_type"`
	Rank          *int     `json:"r"`
	RankPattern   Patterns `json:"rank_pattern"`
	Targets       any      `json:"target_modules"`
	TaskType      *string  `json:"task_type"`
	RSLoRA        bool     `json:"use_rslora"`
}

// unsupportedSettings are settings of PEFT with which an adapter computes something other than s*(x A) B.
var unsupportedSettings = map[string]string{
	"use_dora":                "DoRA, which scales the columns of the sum of weight and branch, is not supported",
	"lora_bias":               "biases inside of branches are not supported",
	"layer_replication":       "replicated layers are not supported",
	"trainable_token_indices": "trained tokens of an embedding are not supported",
	"target_parameters":       "branches on parameters that belong to no linear layer are not supported",
	"alora_invocation_tokens": "activated LoRA is not supported",
	"use_qalora":              "QALoRA is not supported",
	"use_bdlora":              "block-diagonal branches are not supported",
	"arrow_config":            "routing between adapters is not supported",
	"monteclora_config":       "MonteCLoRA is not supported",
	"kasa_config":             "KaSA is not supported",
	"velora_config":           "VeLoRA is not supported",
}

func parseConfig(text []byte) (AdapterConfig, error) {
	var all map[string]any
	f := configFile{Bias: "none"}
	if err := json.Unmarshal(text, &all); err != nil {
		return AdapterConfig{}, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return AdapterConfig{}, err
	}
	if f.Type != "LORA" {
		return AdapterConfig{}, fmt.Errorf("peft_type is %q, want LORA", f.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(unsupportedSettings)) {
		switch v := all[name].(type) {
		case nil:
		case bool:
			if v {
				return AdapterConfig{}, fmt.Errorf("%s is true: %s", name, unsupportedSettings[name])
			}
		default:
			return AdapterConfig{}, fmt.Errorf("%s is set: %s", name, unsupportedSettings[name])
		}
	}
	if w, ok := f.InitWeights.(string); ok && changesBase(w) {
		return AdapterConfig{}, fmt.Errorf("init_lora_weights is %q: the adapter belongs to a base model whose weights this changed; "+
			"save it with path_initial_model_for_weight_conversion", w)
	}
	return f.config()
}

// changesBase reports whether an initialisation takes the branch's first value off the base weight.
func changesBase(init string) bool {
	for _, p := range []string{"pissa", "olora", "corda", "loftq", "lora_ga"} {
		if strings.HasPrefix(strings.ToLower(init), p) {
			return true
		}
	}
	return false
}

func (f *configFile) config() (AdapterConfig, error) {
	c := AdapterConfig{Rank: 8, Alpha: 8, RSLoRA: f.RSLoRA, Dropout: f.Dropout, FanInFanOut: f.FanInFanOut,
		ModulesToSave: f.ModulesToSave, RankPattern: f.RankPattern, AlphaPattern: f.AlphaPattern}
	if f.Rank != nil {
		c.Rank = *f.Rank
	}
	if f.Alpha != nil {
		c.Alpha = *f.Alpha
	}
	if f.BaseModel != nil {
		c.BaseModel = *f.BaseModel
	}
	if f.TaskType != nil {
		c.TaskType = *f.TaskType
	}
	switch t := f.Targets.(type) {
	case string:
		c.Targets = []string{t}
	case []any:
		for _, v := range t {
			s, ok := v.(string)
			if !ok {
				return c, fmt.Errorf("target_modules holds %v, want strings", v)
			}
			c.Targets = append(c.Targets, s)
		}
		slices.Sort(c.Targets)
	}
	if c.Rank < 1 || math.IsNaN(c.Alpha) || math.IsInf(c.Alpha, 0) {
		return c, fmt.Errorf("r is %d and lora_alpha %v, want a rank from 1 up and a finite number", c.Rank, c.Alpha)
	}
	return c, nil
}

// encode returns the text of adapter_config.json; equal configurations give equal texts.
func (c AdapterConfig) encode() ([]byte, error) {
	f := configFile{Bias: "none", InferenceMode: true, InitWeights: true, Type: "LORA", FanInFanOut: c.FanInFanOut, Alpha: &c.Alpha,
		Dropout: c.Dropout, ModulesToSave: c.ModulesToSave, Rank: &c.Rank, RankPattern: c.RankPattern, AlphaPattern: c.AlphaPattern,
		RSLoRA: c.RSLoRA, Targets: slices.Sorted(slices.Values(c.Targets))}
	if c.BaseModel != "" {
		f.BaseModel = &c.BaseModel
	}
	if c.TaskType != "" {
		f.TaskType = &c.TaskType
	}
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// rank returns the rank of a module's branch, scale the factor of the branch if it has that rank.
func (c AdapterConfig) rank(module string) (int, error) {
	r, err := c.RankPattern.of(module, float64(c.Rank))
	return int(r), err
}

func (c AdapterConfig) scale(module string, rank int) (float64, error) {
	alpha, err := c.AlphaPattern.of(module, c.Alpha)
	if c.RSLoRA {
		return alpha / math.Sqrt(float64(rank)), err
	}
	return alpha / float64(rank), err
}

// of returns the value for a module, and otherwise if no expression matches.
func (p Patterns) of(module string, otherwise float64) (float64, error) {
	for _, q := range p {
		re, err := regexp.Compile(`^(?:.*\.)?(?:` + q.Expr + `)$`)
		if err != nil {
			return 0, fmt.Errorf("pattern %q: %w", q.Expr, err)
		}
		if re.MatchString(module) {
			return q.Value, nil
		}
	}
	return otherwise, nil
}

// UnmarshalJSON reads an object, whose order counts.
func (p *Patterns) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t == nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("patterns are %s, want an object", text)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		q := Pattern{Expr: key.(string)}
		if err := d.Decode(&q.Value); err != nil {
			return fmt.Errorf("pattern %q: %w", q.Expr, err)
		}
		*p = append(*p, q)
	}
	return nil
}

// MarshalJSON writes an object with the patterns in order.
func (p Patterns) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, q := range p {
		key, err := json.Marshal(q.Expr)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(q.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(append(append(key, ':'), value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
