package finetune

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A site is a node of the main graph that a low-rank branch can stand beside: y = x W becomes y = x W + s (x A) B.
type site struct {
	node   *onnx.Node
	out    string   // the value that the branch adds to
	x      string   // the value that the branch reads
	transX bool     // the branch reads it transposed
	kind   Kind     // Linear, Conv or Embedding
	paths  []string // of the module, the most trusted first
	in     int      // features that A takes: columns of x, channels, rows of a table
	width  int      // features that B makes
	kernel tensor.Shape
	dtype  tensor.DType // of the branch

	// of the weight, for merging
	form   *weightForm // nil where the node holds codes
	input  int         // of the node that it is
	trans  bool        // the node sees it as [width, in]
	factor float64     // how often the product counts: alpha of Gemm
	frozen string      // why nothing can be added to it, "" if it can
}

// module is the path that the site is known by.
func (s *site) module() string { return s.paths[0] }

// A refusal says why a layer cannot have a branch.
type refusal struct {
	paths []string
	node  string
	why   string
}

// sites returns the places for branches in the order of the nodes, and the layers that have none.
func (e *editor) sites() (sites []*site, refused []refusal) {
	for _, n := range e.graph.Nodes {
		rule, ok := siteRules[nodeRule(n)]
		if !ok || len(n.Inputs) < 2 || len(n.Outputs) == 0 {
			continue
		}
		s := &site{node: n, out: n.Outputs[0], factor: 1}
		why, err := rule(e, s)
		if err != nil {
			why = err.Error()
		}
		switch {
		case why != "":
			weight, bias := e.traces(s)
			refused = append(refused, refusal{modulePaths(n, weight, bias), nodeLabel(n), why})
		case s.kind != "":
			weight, bias := e.traces(s)
			s.paths = modulePaths(n, weight, bias)
			if len(s.paths) == 0 {
				s.paths = []string{s.out}
			}
			sites = append(sites, s)
		}
	}
	return sites, refused
}

// traces returns the names of weight and bias of a site.
func (e *editor) traces(s *site) (weight, bias string) {
	n := s.node
	if s.input < len(n.Inputs) {
		weight = n.Inputs[s.input]
	}
	if s.form != nil {
		weight = s.form.root
	}
	if k := len(n.Inputs) - 1; k > s.input && e.constant(n.Inputs[k]) != nil {
		bias = n.Inputs[k]
	}
	for v := s.out; ; { // a branch may be added before the bias is
		users := e.users[v]
		if len(users) != 1 || users[0].OpType != "Add" || len(users[0].Inputs) != 2 {
			break
		}
		for _, name := range users[0].Inputs {
			if name != v && e.constant(name) != nil {
				return weight, name
			}
		}
		if !strings.Contains(users[0].Name, ".lora") || users[0].Inputs[0] != v {
			break
		}
		v = users[0].Outputs[0]
	}
	return weight, bias
}

// siteRules fill in a site of the operators that have a matrix. They return why there cannot be one, or leave the kind
// empty where the node has no weight.
var siteRules = map[string]func(*editor, *site) (string, error){
	"MatMul":        (*editor).matMulSite,
	"Gemm":          (*editor).gemmSite,
	"Conv":          (*editor).convSite,
	"Gather":        (*editor).gatherSite,
	"MatMulInteger": (*editor).integerSite,

	"com.microsoft:FusedMatMul":           (*editor).fusedMatMulSite,
	"com.microsoft:MatMulNBits":           (*editor).matMulNBitsSite,
	"com.microsoft:DynamicQuantizeMatMul": (*editor).dynamicSite,
	"com.microsoft:MatMulIntegerToFloat":  (*editor).integerToFloatSite,

	"Einsum":                  refuse(1, "an Einsum has no side for a branch"),
	"ConvTranspose":           refuse(1, "a transposed convolution has no low-rank form"),
	"QLinearMatMul":           refuse(3, "its results are codes"),
	"QLinearConv":             refuse(3, "its results are codes"),
	"ConvInteger":             refuse(1, "its results are codes"),
	"com.microsoft:FusedGemm": refuse(1, "its activation is fused with the product"),
	"com.microsoft:FusedConv": refuse(1, "its activation is fused with the product"),
	"com.microsoft:Attention": refuse(1, "its projections are fused with the attention"),
}

// refuse is the rule of operators whose weight, input k, cannot have a branch.
func refuse(k int, why string) func(*editor, *site) (string, error) {
	return func(e *editor, s *site) (string, error) {
		if s.input = k; k >= len(s.node.Inputs) {
			return "", nil
		}
		f, err := e.form(s.node.Inputs[k])
		if f == nil || err != nil {
			return "", err
		}
		s.form = f
		return why, nil
	}
}

// weight sets the matrix of a site, seen as [in, width] or, with trans, [width, in]. It reports whether there is one.
func (e *editor) weight(s *site, input int, trans bool) (bool, error) {
	if s.input = input; input >= len(s.node.Inputs) {
		return false, nil
	}
	f, err := e.form(s.node.Inputs[input])
	if f == nil || err != nil {
		return false, err
	}
	if s.form = f; len(f.shape) != 2 {
		return false, fmt.Errorf("its weight has shape %v, want a matrix", f.shape)
	}
	if !f.dtype.IsFloat() {
		return false, nil
	}
	s.kind, s.trans, s.dtype = Linear, trans, f.dtype
	s.in, s.width = f.shape[0], f.shape[1]
	if trans {
		s.in, s.width = s.width, s.in
	}
	if f.quantised {
		s.frozen = "its weight is quantised"
	}
	s.x = s.node.Inputs[0]
	return true, nil
}

func (e *editor) matMulSite(s *site) (string, error) {
	if f, _ := e.form(s.node.Inputs[0]); f != nil {
		if e.constant(s.node.Inputs[1]) == nil && len(f.shape) == 2 {
			s.input, s.form = 0, f
			return "its weight is the left factor", nil
		}
		return "", nil // a product of constants
	}
	_, err := e.weight(s, 1, false)
	return "", err
}

func (e *editor) gemmSite(s *site) (string, error) {
	if ok, err := e.weight(s, 1, intAttr(s.node, "transB", 0) != 0); !ok {
		return "", err
	}
	s.transX = intAttr(s.node, "transA", 0) != 0
	s.factor = floatAttr(s.node, "alpha", 1)
	return "", nil
}

func (e *editor) fusedMatMulSite(s *site) (string, error) {
	if ok, err := e.weight(s, 1, intAttr(s.node, "transB", 0) != 0); !ok {
		return "", err
	}
	for _, name := range []string{"transA", "transBatchA", "transBatchB"} {
		if intAttr(s.node, name, 0) != 0 {
			return name + " is set", nil
		}
	}
	s.factor = floatAttr(s.node, "alpha", 1)
	return "", nil
}

func (e *editor) convSite(s *site) (string, error) {
	f, err := e.form(s.node.Inputs[1])
	if s.input = 1; f == nil || err != nil {
		return "", err
	}
	s.form = f
	if len(f.shape) < 3 || !f.dtype.IsFloat() {
		return "", nil
	}
	if g := intAttr(s.node, "group", 1); g != 1 {
		return fmt.Sprintf("the convolution has %d groups", g), nil
	}
	s.kind, s.x, s.dtype = Conv, s.node.Inputs[0], f.dtype
	s.width, s.in, s.kernel = f.shape[0], f.shape[1], f.shape[2:]
	if f.quantised {
		s.frozen = "its weight is quantised"
	}
	return "", nil
}

func (e *editor) gatherSite(s *site) (string, error) {
	f, err := e.form(s.node.Inputs[0])
	if f == nil || err != nil || len(f.shape) != 2 || !f.dtype.IsFloat() || intAttr(s.node, "axis", 0) != 0 {
		return "", nil // indices, shapes and tables that are no embeddings
	}
	s.form, s.kind, s.x, s.dtype = f, Embedding, s.node.Inputs[1], f.dtype
	s.in, s.width = f.shape[0], f.shape[1]
	if f.quantised {
		s.frozen = "its weight is quantised"
	}
	return "", nil
}

func (e *editor) matMulNBitsSite(s *site) (string, error) {
	if s.input = 1; len(s.node.Inputs) < 3 {
		return "", nil
	}
	scales := e.constant(s.node.Inputs[2])
	if scales == nil {
		return "its scales are not constant", nil
	}
	s.kind, s.x, s.dtype, s.frozen = Linear, s.node.Inputs[0], scales.DType(), "its weight is quantised"
	s.in, s.width = int(intAttr(s.node, "K", 0)), int(intAttr(s.node, "N", 0))
	codes := e.constant(s.node.Inputs[1])
	if codes == nil || s.in <= 0 || s.width <= 0 || codes.Rank() < 2 || codes.Shape()[0] != s.width || s.in > 8*codes.Len()/s.width {
		return fmt.Sprintf("K is %d and N %d, which its weight does not have", s.in, s.width), nil
	}
	return "", nil
}

// codes sets the sizes of a site whose weight is a matrix of integers [in, width].
func (e *editor) codes(s *site, input int) (bool, error) {
	s.input = input
	f, err := e.form(s.node.Inputs[input])
	if f == nil || err != nil || len(f.shape) != 2 {
		return false, err
	}
	s.form = f
	s.kind, s.dtype, s.in, s.width = Linear, tensor.Float32, f.shape[0], f.shape[1]
	s.frozen = "its weight is quantised"
	return true, nil
}

// integerSite is MatMulInteger as dynamic quantisation writes it: the codes of x come from DynamicQuantizeLinear, and the
// sums go through a Cast and a Mul with the scales.
func (e *editor) integerSite(s *site) (string, error) {
	if ok, err := e.codes(s, 1); !ok {
		return "", err
	}
	x, ok := e.unquantised(s.node.Inputs[0])
	if !ok {
		return "its input is not made by DynamicQuantizeLinear", nil
	}
	s.x = x
	for _, op := range []string{"Cast", "Mul"} {
		users := e.users[s.out]
		if len(users) != 1 || users[0].OpType != op || e.isOutput(s.out) {
			return "its sums are not scaled by a Cast and a Mul", nil
		}
		s.out = users[0].Outputs[0]
	}
	return "", nil
}

// unquantised returns the floats that DynamicQuantizeLinear made codes of.
func (e *editor) unquantised(codes string) (string, bool) {
	n := e.makers[codes]
	if n == nil || n.OpType != "DynamicQuantizeLinear" {
		return "", false
	}
	return n.Inputs[0], true
}

func (e *editor) dynamicSite(s *site) (string, error) {
	if ok, err := e.codes(s, 1); !ok {
		return "", err
	}
	s.x = s.node.Inputs[0]
	return "", nil
}

func (e *editor) integerToFloatSite(s *site) (string, error) {
	if ok, err := e.codes(s, 1); !ok {
		return "", err
	}
	x, ok := e.unquantised(s.node.Inputs[0])
	if !ok {
		return "its input is not made by DynamicQuantizeLinear", nil
	}
	s.x = x
	return "", nil
}

func intAttr(n *onnx.Node, name string, otherwise int64) int64 {
	if a := n.Attr(name); a != nil {
		return a.I
	}
	return otherwise
}

func floatAttr(n *onnx.Node, name string, otherwise float64) float64 {
	if a := n.Attr(name); a != nil {
		return float64(a.F)
	}
	return otherwise
}
