package finetune

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// LoRA says which layers of a model get low-rank branches (E. J. Hu et al., "LoRA: low-rank adaptation of large language
// models", ICLR 2022): y = x W becomes y = x W + s (x A) B, where W stays and A and B train. The zero value but for Rank is
// usable.
type LoRA struct {
	Rank  int     // r, the columns of A; 0: 8
	Alpha float64 // s = Alpha / Rank; 0: Alpha = Rank
	// Target says which layers get a branch:
	//
	//	""         the projections of attention; all linear layers if there are none; all convolutions if there are none
	//	attention  the projections of attention
	//	linear     all linear layers but the last ones, which compute the outputs
	//	all        all linear layers and convolutions
	//	a,b,c      modules by their path or its end: q_proj,v_proj
	//	re:EXPR    modules whose path matches a regular expression; re: may be left out
	Target  string
	Exclude []string    // modules that get none, by their path or its end, such as a new head that trains as a whole
	Dropout float64     // of what the branches read, in training
	RSLoRA  bool        // s = Alpha / sqrt(Rank): D. Kalajdzievski, "A rank stabilization scaling factor", 2023
	Init    Initializer // of A; nil: KaimingInit{}, as PEFT does. B is zero
	Seed    uint64      // of A
}

// maxRank bounds the ranks of branches.
const maxRank = 1 << 16

// Apply attaches branches to m and returns them. Since B is zero, the model computes what it did before. On an error m is
// as it was.
func (l LoRA) Apply(m *onnx.Model) ([]Branch, error) {
	if l.Rank == 0 {
		l.Rank = 8
	}
	if l.Alpha == 0 {
		l.Alpha = float64(l.Rank)
	}
	if l.Rank < 1 || l.Rank > maxRank || math.IsNaN(l.Alpha) || math.IsInf(l.Alpha, 0) {
		return nil, fmt.Errorf("finetune: LoRA of rank %d and alpha %v, want a rank from 1 to %d and a finite number", l.Rank, l.Alpha, maxRank)
	}
	if !(l.Dropout >= 0 && l.Dropout < 1) {
		return nil, fmt.Errorf("finetune: LoRA: dropout is %v, want at least 0 and below 1", l.Dropout)
	}
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	sites, err := e.target(l.Target, l.Exclude)
	if err != nil {
		return nil, err
	}
	b := newBrancher(e)
	b.dropout = l.Dropout
	for _, s := range sites {
		scale := l.Alpha / float64(l.Rank)
		if l.RSLoRA {
			scale = l.Alpha / math.Sqrt(float64(l.Rank))
		}
		fa, fb, err := l.factors(s)
		if err != nil {
			return nil, fmt.Errorf("finetune: LoRA: module %q: %w", s.module(), err)
		}
		if err := b.attach(s, fa, fb, scale); err != nil {
			return nil, err
		}
	}
	e.commit()
	return b.list(), nil
}

// factors returns A and B of a new branch.
func (l LoRA) factors(s *site) (a, b *tensor.Tensor, err error) {
	shapeA, shapeB := s.shapes(l.Rank)
	fan := Fan{Shape: shapeA, In: s.in * s.kernel.Len(), Out: l.Rank}
	a, err = initialized(l.Init, tensor.Float32, fan, Random{l.Seed, NamedStream(s.module() + ".lora_A")})
	return a, tensor.New(tensor.Float32, shapeB...), err
}

// initialized returns a new weight; without an initialiser it starts as KaimingInit says.
func initialized(init Initializer, d tensor.DType, fan Fan, r Random) (*tensor.Tensor, error) {
	if init == nil {
		init = KaimingInit{}
	}
	t := tensor.New(tensor.Float32, fan.Shape...)
	if err := init.Fill(tensor.Of[float32](t), fan, r); err != nil {
		return nil, err
	}
	return converted(t, d)
}

// shapes returns the shapes of A and B for a rank, in the layout of the graph.
func (s *site) shapes(rank int) (a, b tensor.Shape) {
	if s.kind != Conv {
		return tensor.Shape{s.in, rank}, tensor.Shape{rank, s.width}
	}
	a, b = append(tensor.Shape{rank, s.in}, s.kernel...), tensor.Shape{s.width, rank}
	for range s.kernel {
		b = append(b, 1)
	}
	return a, b
}

// attentionModule matches the paths of projections of attention in the models of transformers, timm, torchvision and GPT
// implementations.
var attentionModule = regexp.MustCompile(`(?i)(?:^|[._])(?:q|k|v|o|[qkvo]_?proj|out_proj|in_proj|qkv(?:_proj)?|query|key|value|query_key_value|c_attn|` +
	`[qkv]_lin|out_lin|to_[qkv]|to_out\.0|wq|wk|wv|wo|wqkv|(?:self_)?attn\.proj|attn\.c_proj|attention\.output\.dense|attention\.dense)$`)

// target returns the sites that a text asks for, without the excluded ones.
func (e *editor) target(what string, exclude []string) ([]*site, error) {
	sites, refused := e.sites()
	sites = slices.DeleteFunc(sites, func(s *site) bool { return isFactor(s) || slices.ContainsFunc(exclude, s.answers) })
	var take func(*site) bool
	switch what {
	case "", "attention":
		take = func(s *site) bool { return s.kind == Linear && attentionModule.MatchString(s.module()) }
		if what == "" && !slices.ContainsFunc(sites, take) {
			if slices.ContainsFunc(sites, func(s *site) bool { return s.kind == Linear }) {
				return e.target("linear", exclude)
			}
			return e.target("all", exclude)
		}
	case "linear", "all-linear":
		last := e.lastSites(sites)
		all := !slices.ContainsFunc(sites, func(s *site) bool { return s.kind == Linear && !last[s] })
		take = func(s *site) bool { return s.kind == Linear && (all || !last[s]) }
	case "all":
		take = func(s *site) bool { return s.kind != Embedding }
	default:
		var err error
		if take, err = takeModules(sites, what); err != nil {
			return nil, err
		}
	}
	sites = slices.DeleteFunc(sites, func(s *site) bool { return !take(s) })
	for _, s := range sites {
		if e.branched(s) {
			return nil, fmt.Errorf("finetune: LoRA: module %q has a branch already: merge it first", s.module())
		}
	}
	if len(sites) == 0 {
		return nil, fmt.Errorf("finetune: LoRA: no layer of the model is what %q asks for%s", what, reasons(refused))
	}
	return sites, nil
}

// reasons lists why layers cannot have branches.
func reasons(refused []refusal) string {
	var list []string
	for i, r := range refused {
		if i == 3 {
			list = append(list, fmt.Sprintf("and %d more", len(refused)-i))
			break
		}
		list = append(list, fmt.Sprintf("node %q: %s", r.node, r.why))
	}
	if len(list) == 0 {
		return ""
	}
	return "; without a branch are " + strings.Join(list, "; ")
}

// takeModules takes sites by a list of modules, or by a regular expression if no site has one of these names.
func takeModules(sites []*site, what string) (func(*site) bool, error) {
	names := strings.Split(what, ",")
	found := 0
	for _, name := range names {
		if slices.ContainsFunc(sites, func(s *site) bool { return s.answers(strings.TrimSpace(name)) }) {
			found++
		}
	}
	if found == len(names) {
		return func(s *site) bool {
			return slices.ContainsFunc(names, func(name string) bool { return s.answers(strings.TrimSpace(name)) })
		}, nil
	}
	re, err := regexp.Compile(strings.TrimPrefix(what, "re:"))
	if err != nil {
		return nil, fmt.Errorf("finetune: LoRA: %q is neither attention, linear, all nor a list of modules, and as a regular expression: %w", what, err)
	}
	return func(s *site) bool { return slices.ContainsFunc(s.paths, re.MatchString) }, nil
}

// answers reports whether a path of the site is name, or ends in it after a dot.
func (s *site) answers(name string) bool {
	return slices.ContainsFunc(s.paths, func(p string) bool { return p == name || strings.HasSuffix(p, "."+name) })
}

// lastSites marks the sites from which the first output is reached without another one in between. Further outputs are
// often states, such as the keys and values of attention.
func (e *editor) lastSites(sites []*site) map[*site]bool {
	at := map[*onnx.Node]*site{}
	for _, s := range sites {
		at[s.node] = s
	}
	last, seen := map[*site]bool{}, map[*onnx.Node]bool{}
	var todo []string
	for _, v := range e.graph.Outputs[:min(1, len(e.graph.Outputs))] {
		todo = append(todo, v.Name)
	}
	for len(todo) > 0 {
		n := e.makers[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if n == nil || seen[n] {
			continue
		}
		seen[n] = true
		if s := at[n]; s != nil && s.kind == Linear {
			last[s] = true
			continue
		}
		e.names(n, func(name string) {
			if !slices.Contains(n.Outputs, name) {
				todo = append(todo, name)
			}
		})
	}
	return last
}
