package finetune

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestOptimizers follows paths of optimizers.json, which PyTorch made in float64: see testdata/_recipe/optimizers.py.
func TestOptimizers(t *testing.T) {
	text, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Start, A []float64
		B        [][]float64
		Cases    []struct {
			Text string
			Path [][]float64
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Text, func(t *testing.T) {
			o, r, err := ParseOptimizer(c.Text)
			if err != nil {
				t.Fatal(err)
			}
			w, g := make([]float32, len(file.Start)), make([]float32, len(file.Start))
			for i, v := range file.Start {
				w[i] = float32(v)
			}
			state := make([][]float32, o.Slots())
			for i := range state {
				state[i] = make([]float32, len(w))
			}
			for k, want := range c.Path {
				for i := range g {
					g[i] = float32(file.A[i]*float64(w[i]) + file.B[k][i])
				}
				updateInPieces(o, Update{W: w, G: g, State: state, Step: k + 1, Rate: r.Rate, Decay: r.Decay})
				for i, x := range w {
					if !(math.Abs(float64(x)-want[i]) <= 2e-6) {
						t.Fatalf("step %d: element %d is %v, want %v", k+1, i, x, want[i])
					}
				}
			}
		})
	}
}

// updateInPieces updates all but the last two elements and then these.
func updateInPieces(o Optimizer, u Update) {
	whole, cut := u, len(u.W)-2
	for _, piece := range [][2]int{{0, cut}, {cut, len(u.W)}} {
		u.W, u.G, u.State = whole.W[piece[0]:piece[1]], whole.G[piece[0]:piece[1]], nil
		for _, s := range whole.State {
			u.State = append(u.State, s[piece[0]:piece[1]])
		}
		o.Update(u)
	}
}

// TestDecoupledSGD has no counterpart in PyTorch: without a gradient only the decay is left.
func TestDecoupledSGD(t *testing.T) {
	for _, text := range []string{"sgd:decoupled,rate=0.5,decay=0.5", "sgd:decoupled,rate=0.5,decay=0.5,momentum=0.9"} {
		o, r, err := ParseOptimizer(text)
		if err != nil {
			t.Fatal(err)
		}
		w, state := []float32{4}, [][]float32{{0}}
		for step := range 2 {
			o.Update(Update{W: w, G: []float32{0}, State: state, Step: step + 1, Rate: r.Rate, Decay: r.Decay})
		}
		if w[0] != 2.25 {
			t.Errorf("%s: got %v, want 4 * 0.75 * 0.75", text, w[0])
		}
	}
}

func TestParseOptimizerRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "want NAME",
		"sdg":                       `unknown name "sdg", want one of sgd, adam`,
		"sgd:beta1=0.9":             `unknown setting "beta1", want one of rate, decay, momentum`,
		"sgd:nesterov":              "want momentum",
		"sgd:momentum=1":            "momentum is",
		"sgd:rate=0":                "above 0",
		"adam:beta2=1":              "beta2 is",
		"adam:eps=-1":               "eps is",
		"adamw:decay=-0.1":          "decay is",
		"adamw:decay=inf":           "decay is",
		"rmsprop:nesterov":          "unknown setting",
		"lion:amsgrad=perhaps":      "unknown setting",
		"adam:amsgrad=perhaps":      "want true or false",
		"adagrad:rate-decay=-1":     "rate-decay is",
		"sgd:momentum=0.9,0.8":      "momentum is",
		"adam:beta1=0.9,beta1=0.99": "given twice",
	} {
		_, _, err := ParseOptimizer(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "finetune: optimizer ") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestResolveGroups(t *testing.T) {
	none, small := 0.0, 0.25
	names := []string{"fc1.weight", "fc1.bias", "fc2.weight", "onnx::MatMul_7"}
	for _, c := range []struct {
		groups []Group
		want   []GroupRate
	}{
		{nil, []GroupRate{{1, 0.5}, {1, 0.5}, {1, 0.5}, {1, 0.5}}},
		{[]Group{{Match: `bias$`, Decay: &none}}, []GroupRate{{1, 0.5}, {1, 0}, {1, 0.5}, {1, 0.5}}},
		{[]Group{{Match: `bias$`, Decay: &none}, {Match: `^fc`, Rate: 0.1}}, []GroupRate{{0.1, 0.5}, {1, 0}, {0.1, 0.5}, {1, 0.5}}},
		{[]Group{{Names: []string{"fc2.weight", "onnx::MatMul_7"}, Rate: 10, Decay: &small}}, []GroupRate{{1, 0.5}, {1, 0.5}, {10, 0.25}, {10, 0.25}}},
	} {
		got, err := ResolveGroups(names, c.groups, 0.5)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: got %v, %v, want %v", c.groups, got, err, c.want)
		}
	}
	negative := -1.0
	for _, c := range []struct {
		g    Group
		want string
	}{
		{Group{Match: "fc9"}, `matches "fc9"`},
		{Group{Match: "("}, "missing closing"},
		{Group{}, "neither names nor a pattern"},
		{Group{Names: []string{"fc1"}}, `no parameter "fc1"`},
		{Group{Names: names, Match: "x"}, "want one of them"},
		{Group{Match: "fc", Rate: -1}, "factor of the rate is -1"},
		{Group{Match: "fc", Decay: &negative}, "decay is -1"},
	} {
		if _, err := ResolveGroups(names, []Group{c.g}, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.g, err, c.want)
		}
	}
}

func TestParseGroup(t *testing.T) {
	none := 0.0
	for text, want := range map[string]Group{
		"bias$:decay=0":             {Match: "bias$", Decay: &none},
		"onnx::MatMul:rate=0.1":     {Match: "onnx::MatMul", Rate: 0.1},
		"(?:a|b):rate=10,decay=0.0": {Match: "(?:a|b)", Rate: 10, Decay: &none},
	} {
		got, err := ParseGroup(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"bias": "want PATTERN", ":rate=1": "want PATTERN", "(:rate=1": "missing closing", "a:rate=0": "above 0", "a:lr=1": "unknown setting",
	} {
		if _, err := ParseGroup(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
