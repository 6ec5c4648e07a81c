package finetune

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseLoss(t *testing.T) {
	ignore := int64(-1)
	for text, want := range map[string]Loss{
		"mse":                          MSE{},
		"mse:half":                     MSE{Half: true},
		"mse:half=false":               MSE{},
		"half_mse":                     MSE{Half: true},
		"L1":                           L1{},
		"mae":                          L1{},
		"ce:smoothing=0.5":             CrossEntropy{Smoothing: 0.5},
		"huber:delta=2":                Huber{Delta: 2},
		"cross_entropy":                CrossEntropy{},
		"cross-entropy:smoothing=0.1":  CrossEntropy{Smoothing: 0.1},
		"cross-entropy:axis=-1":        CrossEntropy{Axis: -1},
		"cross-entropy:soft,axis=2":    CrossEntropy{Soft: true, Axis: 2},
		"nll:weights=1,0.5,ignore=-1":  NLL{Weights: []float32{1, 0.5}, Ignore: &ignore},
		"bce":                          BCE{},
		"bce-with-logits:pos-weight=2": BCEWithLogits{PosWeight: []float32{2}},
		"bce_with_logits:pos_weight=2": BCEWithLogits{PosWeight: []float32{2}},
		"hinge:multi-class,margin=2":   Hinge{MultiClass: true, Margin: 2},
		"kl:temperature=4":             KL{Temperature: 4},
		"kl:probabilities":             KL{Probabilities: true},
		" scalar ":                     Scalar{},
		"cross-entropy:weights=1, 2 ,3,smoothing=0.5,ignore=-1": CrossEntropy{Weights: []float32{1, 2, 3}, Smoothing: 0.5, Ignore: &ignore},
	} {
		got, err := ParseLoss(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, %v, want %#v", text, got, err, want)
		}
	}
}

func TestParseLossRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "want NAME",
		":delta=1":                          "want NAME",
		"l3":                                `unknown name "l3", want one of mse, l1`,
		"mse:delta=1":                       `unknown setting "delta", want one of half`,
		"l1:half":                           `unknown setting "half", want no settings`,
		"mse:half=maybe":                    `half is "maybe", want true or false`,
		"huber:delta":                       "delta is",
		"huber:delta=":                      "delta is",
		"huber:delta=0":                     "above 0",
		"huber:delta=nan":                   "want a number",
		"huber:delta=1,2":                   `delta is "1,2", want a number`,
		"huber:delta=1,delta=2":             `"delta" is given twice`,
		"huber:":                            "want KEY=VALUE",
		"cross-entropy:smoothing=1.5":       "want a number from 0 to 1",
		"cross-entropy:ignore=x":            `ignore is "x", want an integer`,
		"cross-entropy:axis=0":              "want another axis",
		"cross-entropy:weights":             "weights is empty",
		"cross-entropy:weights=1,-2":        `weights is "-2"`,
		"cross-entropy:weights=1,2,smooth":  `unknown setting "smooth"`,
		"bce-with-logits:pos-weight=1e9999": "pos-weight is",
	} {
		_, err := ParseLoss(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "finetune: loss ") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
