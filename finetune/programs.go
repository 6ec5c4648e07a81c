package finetune

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

func shapesOf(inputs map[string]*tensor.Tensor) map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for name, x := range inputs {
		shapes[name] = x.Shape().Clone()
	}
	return shapes
}

func (b *Batch) inputShapes() map[string]tensor.Shape {
	if b.shapes != nil {
		return b.shapes
	}
	return shapesOf(b.Inputs)
}

// keyOf is a text that is the same for the same shapes.
func keyOf(shapes map[string]tensor.Shape) string {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		fmt.Fprintf(&key, "%q%v;", name, []int(shapes[name]))
	}
	return key.String()
}

// A purpose is what a program is for.
type purpose string

const (
	forTraining   purpose = "training"
	forPart       purpose = "part of a step" // training on one of several batches
	forEvaluation purpose = "evaluation"
	forPrediction purpose = "prediction"
	forPrivacy    purpose = "privacy"
)

// training is the purpose of the programs that steps run.
func (t *Trainer) training() purpose {
	if t.private != nil {
		return forPrivacy
	}
	return forTraining
}

// stepPurpose is the purpose of the programs that give the gradients of a step of one batch, or of several.
func (t *Trainer) stepPurpose(several bool) purpose {
	if t.through != "" {
		return t.through
	}
	if several {
		return forPart
	}
	return forTraining
}

// programFor returns the program for the shapes of the inputs.
func (t *Trainer) programFor(shapes map[string]tensor.Shape, what purpose) (*program, error) {
	key := string(what) + keyOf(shapes)
	if p := t.programs[key]; p != nil {
		return p, nil
	}
	build := map[purpose]func(map[string]tensor.Shape) (*program, error){
		forTraining: t.b.training, forPart: t.b.partial, forPrivacy: t.b.private, forEvaluation: t.b.evaluation, forPrediction: t.b.prediction}[what]
	if name, ok := what.visits(); ok {
		build = func(shapes map[string]tensor.Shape) (*program, error) { return t.b.trainingThrough(shapes, name) }
	}
	p, err := build(shapes)
	if err != nil {
		return nil, err
	}
	t.programs[key] = p
	return p, nil
}

// programOf returns the program for the shapes of a batch's inputs.
func (t *Trainer) programOf(b *Batch, what purpose) (*program, error) {
	if p := t.recent[what]; p != nil && p.fits(b) {
		return p, nil
	}
	p, err := t.programFor(b.inputShapes(), what)
	if err == nil {
		t.recent[what] = p
	}
	return p, err
}

// fits reports whether p is for the shapes of the inputs of b.
func (p *program) fits(b *Batch) bool {
	if b.shapes != nil {
		return maps.EqualFunc(p.shapes, b.shapes, tensor.Shape.Equal)
	}
	if len(p.shapes) != len(b.Inputs) {
		return false
	}
	for name, x := range b.Inputs {
		if s, ok := p.shapes[name]; !ok || !s.Equal(x.Shape()) {
			return false
		}
	}
	return true
}

// cutAt returns the frontier for the given shapes of inputs.
func (t *Trainer) cutAt(shapes map[string]tensor.Shape) ([]feature, error) {
	p, err := t.programFor(shapes, t.training())
	if err != nil {
		return nil, err
	}
	return p.frontier, nil
}

// prefixFor returns a program whose frozen part computes the given fields.
func (t *Trainer) prefixFor(shapes map[string]tensor.Shape, fields []feature) *program {
	key := "features" + keyOf(shapes)
	if t.programs[key] == nil {
		t.programs[key] = &program{b: t.b, shapes: shapes, frontier: fields}
	}
	return t.programs[key]
}

// targetsOf names the targets of a batch. The map is valid until the next call.
func (t *Trainer) targetsOf(list []*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	clear(t.targets)
	k := 0
	for i, term := range t.spec.Terms {
		if _, none := term.Loss.(Scalar); none {
			continue
		}
		if k >= len(list) || list[k] == nil {
			return nil, fmt.Errorf("finetune: %d targets, want one for each of the losses; that at %q has none", len(list), term.At)
		}
		t.targets[t.targetNames[i]] = list[k]
		k++
	}
	return t.targets, nil
}

// run runs the suffix of p on features and targets.
func (t *Trainer) run(ctx context.Context, p *program, features func(string) *tensor.Tensor, targets map[string]*tensor.Tensor) error {
	suffix, err := p.compiled()
	if err != nil {
		return err
	}
	return suffix.run(ctx, t.threads, func(name string) *tensor.Tensor {
		if w := t.byName[name]; w != nil {
			return w
		}
		if v := targets[name]; v != nil {
			return v
		}
		if v := t.feed(name); v != nil {
			return v
		}
		return features(name)
	})
}
