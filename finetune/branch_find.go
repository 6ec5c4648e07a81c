package finetune

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A foundBranch is a branch in a model with its nodes and the site that it stands beside.
type foundBranch struct {
	Branch
	site  *site
	a, b  *weightForm
	nodes []*onnx.Node // without the sum
	sum   *onnx.Node   // adds the branch to base
	base  string
}

// factorA ends the paths of the first factor of a branch: those of Apply, and those of a model of PEFT that was exported
// with its branches.
var factorA = regexp.MustCompile(`^(.*)\.lora_(?:embedding_)?A(?:_\d+|\.\w+)?$`)

var factor = regexp.MustCompile(`\.lora_(?:embedding_)?[AB](?:_\d+|\.\w+)?$`)

// isFactor reports whether a site is the product with a factor of a branch.
func isFactor(s *site) bool {
	return factor.MatchString(s.form.name()) || slices.ContainsFunc(s.paths, factor.MatchString)
}

// branches finds the branches of the model by the names and the form of their nodes.
func (e *editor) branches() []*foundBranch {
	sites, _ := e.sites()
	var list []*foundBranch
	for _, s := range sites {
		for _, path := range append(slices.Clone(s.paths), s.form.name()) {
			if m := factorA.FindStringSubmatch(path); m != nil {
				if b := e.follow(s, sites); b != nil {
					b.Module = m[1]
					list = append(list, b)
				}
				break
			}
		}
	}
	return list
}

func (f *weightForm) name() string {
	if f == nil {
		return ""
	}
	return f.root
}

// Branches lists the low-rank branches of a model: those that LoRA or an adapter attached, and those of a model that was
// exported from PEFT without merging.
func Branches(m *onnx.Model) ([]Branch, error) {
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	var list []Branch
	for _, b := range e.branches() {
		if !slices.ContainsFunc(list, func(o Branch) bool { return o.A == b.A && o.B == b.B && o.Module == b.Module }) {
			list = append(list, b.Branch)
		}
	}
	return list, nil
}

// follow goes from the site of A to the sum; nil if that is no branch.
func (e *editor) follow(first *site, sites []*site) *foundBranch {
	if first.form == nil || first.factor != 1 || first.trans {
		return nil
	}
	b := &foundBranch{a: first.form, nodes: []*onnx.Node{first.node}}
	n := e.onlyUser(first.out)
	if n == nil || len(n.Inputs) < 2 || n.Inputs[0] != first.out {
		return nil
	}
	second := siteOf(sites, n)
	if second == nil || second.form == nil || second.trans || second.factor != 1 {
		return nil
	}
	b.b = second.form
	b.Branch = Branch{A: first.form.root, B: second.form.root, Kind: first.kind, Scale: 1, Rank: second.in}
	y, ok := e.scaled(b, second)
	if !ok {
		return nil
	}
	return e.summed(b, first, y, sites)
}

// scaled follows the branch from its second product to what is added.
func (e *editor) scaled(b *foundBranch, second *site) (y string, ok bool) {
	b.nodes = append(b.nodes, second.node)
	y = second.out
	for n := e.onlyUser(y); n != nil && n.OpType == "Mul"; n = e.onlyUser(y) {
		other := n.Inputs[0]
		if other == y {
			other = n.Inputs[1]
		}
		c := e.constant(other)
		if c == nil || c.Len() != 1 || !c.DType().IsFloat() {
			return "", false
		}
		b.Scale *= tensor.Float64s(c, 1)[0]
		b.nodes = append(b.nodes, n)
		y = n.Outputs[0]
	}
	return y, true
}

// summed finds the sum and the site whose result is added to.
func (e *editor) summed(b *foundBranch, first *site, y string, sites []*site) *foundBranch {
	b.sum = e.onlyUser(y)
	if b.sum == nil || b.sum.OpType != "Add" {
		return nil
	}
	b.base = b.sum.Inputs[0]
	if b.base == y {
		b.base = b.sum.Inputs[1]
	}
	x, before := e.source(first.x)
	for v := b.base; ; {
		n := e.makers[v]
		if n == nil {
			return nil
		}
		if i := slices.IndexFunc(sites, func(s *site) bool { return s.out == v }); i >= 0 {
			s := sites[i]
			if from, _ := e.source(s.x); from != x || s.kind != first.kind {
				return nil
			}
			b.site, b.Frozen = s, s.frozen
			b.nodes = append(b.nodes, before...)
			return b
		}
		if n.OpType != "Add" { // of a bias
			return nil
		}
		switch {
		case e.constant(n.Inputs[0]) != nil:
			v = n.Inputs[1]
		case e.constant(n.Inputs[1]) != nil:
			v = n.Inputs[0]
		default:
			return nil
		}
	}
}

// source follows a value back through Dropout, Identity and the Transpose that Apply puts before a branch of Gemm. It
// returns the nodes that only this value needs, too.
func (e *editor) source(v string) (string, []*onnx.Node) {
	var passed []*onnx.Node
	for {
		n := e.makers[v]
		if n == nil || n.OpType != "Dropout" && n.OpType != "Identity" && (n.OpType != "Transpose" || !strings.Contains(n.Name, ".lora")) {
			return v, passed
		}
		if e.onlyUser(v) != nil {
			passed = append(passed, n)
		}
		v = n.Inputs[0]
	}
}

// onlyUser returns the node that alone reads a value, nil if there are others or the value is an output.
func (e *editor) onlyUser(name string) *onnx.Node {
	if users := e.users[name]; len(users) == 1 && !e.isOutput(name) {
		return users[0]
	}
	return nil
}

func siteOf(sites []*site, n *onnx.Node) *site {
	if i := slices.IndexFunc(sites, func(s *site) bool { return s.node == n }); i >= 0 {
		return sites[i]
	}
	return nil
}
