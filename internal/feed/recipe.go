package feed

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"strconv"

	"github.com/onnxrun/onnxrun/tensor"
)

// A Recipe describes one generated tensor in the fill/1 format: a distribution over the splitmix64 stream of
// a seed, or a listed content. Fields that its distribution does not use are zero.
type Recipe struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Dist  string `json:"dist"`

	Seed   string          `json:"seed"`   // decimal uint64
	Scale  float64         `json:"scale"`  // normal
	Mean   float64         `json:"mean"`   // normal
	Center int             `json:"center"` // normal: size of the groups whose mean is taken away
	LoF    float64         `json:"lo_f"`   // uniform
	Width  float64         `json:"width"`  // uniform
	Lo     *int64          `json:"lo"`     // randint, and the bounds of rounded integers
	Hi     *int64          `json:"hi"`     // the upper bound of rounded integers
	N      uint64          `json:"n"`      // randint
	Start  int64           `json:"start"`  // arange
	Step   int64           `json:"step"`   // arange
	Value  any             `json:"value"`  // const
	Values []any           `json:"values"` // list, strings
	RawRun json.RawMessage `json:"runs"`   // rle: pairs of value and count
}

// ReadRecipes reads the recipes of a fill.json file.
func ReadRecipes(fsys fs.FS, name string) ([]Recipe, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return ParseRecipes(data)
}

// ParseRecipes reads the text of a fill.json file.
func ParseRecipes(data []byte) ([]Recipe, error) {
	var file struct {
		Format  string   `json:"format"`
		Tensors []Recipe `json:"tensors"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("feed: fill recipes: %w", err)
	}
	if file.Format != "fill/1" {
		return nil, fmt.Errorf("feed: fill recipes of format %q, want fill/1", file.Format)
	}
	return file.Tensors, nil
}

// Tensor generates the tensor that the recipe describes. The result is the same on every machine.
func (r *Recipe) Tensor() (*tensor.Tensor, error) {
	dtype, err := tensor.ParseDType(r.DType)
	if err != nil {
		return nil, r.bad("dtype %q", r.DType)
	}
	n, err := tensor.Shape(r.Shape).Count()
	if err != nil {
		return nil, r.bad("shape %v", r.Shape)
	}
	if int64(n) > maxElements {
		return nil, r.bad("%d elements, want at most %d", n, int64(maxElements))
	}
	if dtype == tensor.String {
		return r.strings(n)
	}
	if dtype == tensor.Float16 || dtype == tensor.BFloat16 {
		wide, err := r.numbers(tensor.Float32, n)
		if err != nil {
			return nil, err
		}
		return narrow(wide, dtype), nil
	}
	return r.numbers(dtype, n)
}

func (r *Recipe) numbers(dtype tensor.DType, n int) (*tensor.Tensor, error) {
	open := storage[dtype]
	if open == nil {
		return nil, r.bad("dtype %v cannot be generated", dtype)
	}
	t := tensor.New(dtype, r.Shape...)
	put := open(t)
	switch r.Dist {
	case "normal", "uniform", "randint":
		return t, r.random(n, put)
	case "arange":
		for i := range n {
			put(i, number{i: r.Start + int64(i)*r.Step, integer: true})
		}
		return t, nil
	case "const":
		v, err := r.number(r.Value)
		for i := range n {
			put(i, v)
		}
		return t, err
	case "list":
		return t, r.list(n, put)
	case "rle":
		return t, r.runs(n, put)
	}
	return nil, r.bad("unknown distribution %q", r.Dist)
}

// maxElements keeps a damaged recipe from asking for all memory.
const maxElements = 1 << 33

func (r *Recipe) bad(format string, args ...any) error {
	return fmt.Errorf("feed: recipe of %q: %s", r.Name, fmt.Sprintf(format, args...))
}

func (r *Recipe) strings(n int) (*tensor.Tensor, error) {
	if len(r.Values) != n || r.Dist != "strings" {
		return nil, r.bad("%d strings of distribution %q for shape %v", len(r.Values), r.Dist, r.Shape)
	}
	list := make([]string, n)
	for i, v := range r.Values {
		s, ok := v.(string)
		if !ok {
			return nil, r.bad("value %v is no string", v)
		}
		list[i] = s
	}
	return tensor.FromSlice(list, r.shape()...), nil
}

// shape is never nil, which FromSlice takes for a missing shape.
func (r *Recipe) shape() []int { return append([]int{}, r.Shape...) }

func (r *Recipe) list(n int, put putter) error {
	if len(r.Values) != n {
		return r.bad("%d values for shape %v", len(r.Values), r.Shape)
	}
	for i, v := range r.Values {
		x, err := r.number(v)
		if err != nil {
			return err
		}
		put(i, x)
	}
	return nil
}

func (r *Recipe) runs(n int, put putter) error {
	var pairs [][2]any
	if err := json.Unmarshal(r.RawRun, &pairs); err != nil {
		return r.bad("runs: %v", err)
	}
	at := 0
	for _, pair := range pairs {
		v, err := r.number(pair[0])
		if err != nil {
			return err
		}
		count, ok := pair[1].(float64)
		if !ok || count < 0 || count > float64(n-at) {
			return r.bad("run of %v values at element %d of %d", pair[1], at, n)
		}
		for range int(count) {
			put(at, v)
			at++
		}
	}
	if at != n {
		return r.bad("runs hold %d values for shape %v", at, r.Shape)
	}
	return nil
}

// number reads a JSON number, or a string that writes out a float or an int64.
func (r *Recipe) number(v any) (number, error) {
	switch x := v.(type) {
	case float64:
		return number{f: x}, nil
	case bool:
		if x {
			return number{i: 1, integer: true}, nil
		}
		return number{integer: true}, nil
	case string:
		if i, err := strconv.ParseInt(x, 10, 64); err == nil {
			return number{i: i, integer: true}, nil
		}
		if f, err := strconv.ParseFloat(x, 64); err == nil {
			return number{f: f}, nil
		}
	}
	return number{}, r.bad("value %v is no number", v)
}

// A number is a value on its way to an element: an integer kept exactly, or a float.
type number struct {
	f       float64
	i       int64
	integer bool
}

func (x number) float() float64 {
	if x.integer {
		return float64(x.i)
	}
	return x.f
}

func (x number) int() int64 {
	if x.integer {
		return x.i
	}
	return int64(math.RoundToEven(x.f))
}
