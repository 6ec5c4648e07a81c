package finetune

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Branch is a low-rank branch of a model: y = x W + Scale (x A) B. Its nodes are
//
//	x ─ Dropout? ─ MatMul A ─ MatMul B ─ Mul Scale ─ Add y
//
// with Conv in place of MatMul for convolutions and Gather A for embeddings.
type Branch struct {
	Module string  // path of its layer's module
	A, B   string  // names of the initializers: [in, r] and [r, out]; of convolutions [r, in, k...] and [out, r, 1...]
	Kind   Kind    // Linear, Conv or Embedding
	Scale  float64 // s
	Rank   int     // r
	Frozen string  // why it cannot be merged, "" if it can
}

// A brancher attaches branches. Sites of one kind that use one weight, such as a layer that runs twice, share A and B.
type brancher struct {
	*editor
	dropout float64
	inputs  bool               // A and B become inputs of the model
	made    map[string]*Branch // by module, weight and kind
	order   []*Branch
}

func newBrancher(e *editor) *brancher { return &brancher{editor: e, made: map[string]*Branch{}} }

// list returns the branches in the order of the nodes.
func (b *brancher) list() []Branch {
	out := make([]Branch, len(b.order))
	for i, x := range b.order {
		out[i] = *x
	}
	return out
}

// attach adds a branch to a site. fa and fb are floats in the layout of the graph; they become elements of the site's type.
func (b *brancher) attach(s *site, fa, fb *tensor.Tensor, scale float64) error {
	key := strings.Join([]string{s.module(), s.form.name(), string(s.kind)}, "\x00")
	x := b.made[key]
	if x == nil {
		var err error
		if fa, err = converted(fa, s.dtype); err != nil {
			return fmt.Errorf("finetune: LoRA: module %q: %w", s.module(), err)
		}
		if fb, err = converted(fb, s.dtype); err != nil {
			return fmt.Errorf("finetune: LoRA: module %q: %w", s.module(), err)
		}
		rank := fb.Shape()[0]
		if s.kind == Conv {
			rank = fa.Shape()[0]
		}
		x = &Branch{Module: s.module(), A: b.fresh(s.module() + ".lora_A"), B: b.fresh(s.module() + ".lora_B"), Kind: s.kind,
			Scale: scale, Rank: rank, Frozen: s.frozen}
		b.made[key] = x
		b.order = append(b.order, x)
		b.hold(x, s, fa, fb)
	}
	b.nodes(s, x)
	return nil
}

// hold makes A and B initializers, or inputs whose rank is open.
func (b *brancher) hold(x *Branch, s *site, fa, fb *tensor.Tensor) {
	if !b.inputs {
		b.initialize(x.A, fa)
		b.initialize(x.B, fb)
		return
	}
	rank := onnx.NamedDim(fmt.Sprintf("lora_rank_%d", len(b.order)))
	da, db := fixedDims(fa.Shape()), fixedDims(fb.Shape())
	if s.kind == Conv {
		da[0], db[1] = rank, rank
	} else {
		da[1], db[0] = rank, rank
	}
	b.graph.Inputs = append(b.graph.Inputs, &onnx.ValueInfo{Name: x.A, Type: onnx.NewTensorType(s.dtype, da...)},
		&onnx.ValueInfo{Name: x.B, Type: onnx.NewTensorType(s.dtype, db...)})
}

// nodes adds the nodes of a branch to a site.
func (b *brancher) nodes(s *site, x *Branch) {
	stem := b.fresh(x.Module + ".lora")
	end := b.makers[s.out]
	add := func(op string, in []string, attrs ...*onnx.Attribute) string {
		out := b.fresh(stem + "/" + op)
		n := &onnx.Node{Name: out, OpType: op, Inputs: in, Outputs: []string{out}, Attributes: attrs}
		b.after[end] = append(b.after[end], n)
		b.makers[out] = n
		return out
	}
	from := s.x
	if s.transX {
		from = add("Transpose", []string{from}, onnx.NewInts("perm", 1, 0))
	}
	if b.dropout > 0 && s.kind != Embedding {
		n := b.dropoutNode(stem, from, b.dropout)
		b.after[end] = append(b.after[end], n)
		from = n.Outputs[0]
	}
	var y string
	switch s.kind {
	case Conv:
		var attrs []*onnx.Attribute
		for _, name := range []string{"auto_pad", "dilations", "kernel_shape", "pads", "strides"} {
			if a := s.node.Attr(name); a != nil {
				attrs = append(attrs, a)
			}
		}
		y = add("Conv", []string{add("Conv", []string{from, x.A}, attrs...), x.B})
	case Embedding:
		y = add("MatMul", []string{add("Gather", []string{x.A, from}), x.B})
	default:
		y = add("MatMul", []string{add("MatMul", []string{from, x.A}), x.B})
	}
	if x.Scale != 1 && !b.inputs {
		y = add("Mul", []string{y, b.scalar(stem+".scale", x.Scale, s.dtype)}, b.legacyBroadcast()...)
	}
	base := b.fresh(s.out + ".base")
	replaceName(end.Outputs, s.out, base)
	delete(b.makers, s.out)
	sum := &onnx.Node{Name: b.fresh(stem + "/Add"), OpType: "Add", Inputs: []string{base, y}, Outputs: []string{s.out}}
	b.after[end] = append(b.after[end], sum)
	b.makers[s.out], b.makers[base] = sum, end
}

// scalar adds an initializer of one number.
func (e *editor) scalar(name string, v float64, d tensor.DType) string {
	name = e.fresh(name)
	t, err := tensor.FromFloat64s(d, tensor.Shape{}, []float64{v})
	if err != nil {
		t = tensor.Scalar(float32(v))
	}
	e.initialize(name, t)
	return name
}

// legacyBroadcast is the attribute with which the arithmetic of opsets below 7 takes a scalar.
func (e *editor) legacyBroadcast() []*onnx.Attribute {
	if v := e.model.Opset(""); v > 0 && v < 7 {
		return []*onnx.Attribute{onnx.NewInt("broadcast", 1)}
	}
	return nil
}

func replaceName(list []string, old, name string) {
	for i, s := range list {
		if s == old {
			list[i] = name
		}
	}
}

// converted returns t with its elements rounded to another type of floats.
func converted(t *tensor.Tensor, d tensor.DType) (*tensor.Tensor, error) {
	if t.DType() == d {
		return t, nil
	}
	return tensor.FromFloat64s(d, t.Shape(), tensor.Float64s(t, t.Len()))
}
