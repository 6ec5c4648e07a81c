package onnx

import (
	"slices"

	"github.com/onnxrun/onnxrun/onnx/schema"
)

// node checks a node against its function or schema, and its attributes with the graphs in them.
func (c *checker) node(n *Node, s *scope) {
	if n.OpType == "" {
		c.report("op", "the node has no operator type")
		return
	}
	c.attributes(n.Attributes)
	if version, ok := c.opset(n.Domain); ok {
		c.call(n, version)
	}
	for _, a := range n.Attributes {
		if c.full() {
			return
		}
		for _, g := range graphsOf(a) {
			k := len(c.path) - 1
			old := c.path[k]
			c.path[k] += "." + a.Name
			c.subgraph(g, s)
			c.path[k] = old
		}
	}
}

// call checks the inputs, outputs and attributes of a node.
func (c *checker) call(n *Node, version int) {
	if f := c.functions[idOf(n.Domain, n.OpType, n.Overload)]; f != nil {
		if len(n.Inputs) > len(f.Inputs) || len(n.Outputs) > len(f.Outputs) {
			c.report("arity", "%d inputs and %d outputs for function %s, which has %d and %d",
				len(n.Inputs), len(n.Outputs), n.OpType, len(f.Inputs), len(f.Outputs))
		}
		return
	}
	def := schema.Lookup(n.Domain, n.OpType, version)
	if !standard(NormalDomain(n.Domain)) {
		return // any operator may exist there
	}
	switch {
	case def == nil:
		c.report("op", "no operator %s in version %d of domain %q", n.OpType, version, n.Domain)
		return
	case def.Deprecated && def != schema.Versions(n.Domain, n.OpType)[0]: // a first version is no removal
		c.report("op", "operator %s has been removed in version %d of domain %q", n.OpType, def.Since, n.Domain)
		return
	}
	if k := len(n.Inputs); k < def.MinInputs || k > def.MaxInputs {
		c.report("arity", "%d inputs for %s, want %s", k, n.OpType, bounds(def.MinInputs, def.MaxInputs))
	}
	if k := len(n.Outputs); k < def.MinOutputs || k > def.MaxOutputs {
		c.report("arity", "%d outputs for %s, want %s", k, n.OpType, bounds(def.MinOutputs, def.MaxOutputs))
	}
	for i, in := range n.Inputs {
		if p := def.Input(i); in == "" && p != nil && p.Option == schema.Single {
			c.report("arity", "input %d (%s) of %s is left out", i, p.Name, n.OpType)
		}
	}
	c.schemaAttributes(n, def)
	c.control(n, def)
}

func bounds(least, most int) string {
	switch {
	case least == most:
		return itoa(least)
	case most == schema.Unlimited:
		return "at least " + itoa(least)
	}
	return itoa(least) + " to " + itoa(most)
}

// schemaAttributes checks the attributes of a node against the schema of its operator.
func (c *checker) schemaAttributes(n *Node, def *schema.Schema) {
	for _, a := range n.Attributes {
		d := def.Attribute(a.Name)
		switch {
		case d == nil && len(a.Name) > 1 && a.Name[:2] == "__": // the checker of ONNX lets these pass
		case d == nil:
			c.report("attribute", "%s has no attribute %q", n.OpType, a.Name)
		case a.Type != AttrUndefined && int(a.Type) != int(d.Type):
			c.report("attribute", "attribute %q of %s is of type %v, want %v", a.Name, n.OpType, a.Type, AttributeType(d.Type))
		case d.Type == schema.String && a.RefAttrName == "":
			if values := def.Enum(a.Name); values != nil && !slices.Contains(values, string(a.S)) {
				c.report("attribute", "attribute %q of %s is %q, want one of %q", a.Name, n.OpType, a.S, values)
			}
		}
	}
	for i := range def.Attributes {
		if d := &def.Attributes[i]; d.Required && n.Attr(d.Name) == nil {
			c.report("attribute", "%s lacks attribute %q", n.OpType, d.Name)
		}
	}
}

// attributes checks the form of a list of attributes.
func (c *checker) attributes(list []*Attribute) {
	var seen map[string]bool // of long lists
	if len(list) > fewAttributes {
		seen = make(map[string]bool, len(list))
	}
	for i, a := range list {
		if a.Name == "" {
			c.report("attribute", "an attribute has no name")
		}
		twice := seen[a.Name]
		if seen != nil {
			seen[a.Name] = true
		} else {
			twice = slices.ContainsFunc(list[:i], func(b *Attribute) bool { return b.Name == a.Name })
		}
		if twice {
			c.report("attribute", "attribute %q occurs twice", a.Name)
		}
		c.attribute(a)
	}
}

// fewAttributes is the length of a list in which looking at each takes no longer than a map.
const fewAttributes = 16

// attribute checks that exactly the field which its type names holds a value. A number or string that was
// not written is taken as zero.
func (c *checker) attribute(a *Attribute) {
	if a.RefAttrName != "" {
		if !c.inBody {
			c.report("attribute", "attribute %q refers to %q outside of a function", a.Name, a.RefAttrName)
		} else if !c.declared[a.RefAttrName] {
			c.report("attribute", "attribute %q refers to %q, which the function does not declare", a.Name, a.RefAttrName)
		}
		if used(a) != 0 {
			c.report("attribute", "attribute %q refers to %q and has a value", a.Name, a.RefAttrName)
		}
		return
	}
	if a.Type <= AttrUndefined || a.Type > AttrTypeProtos {
		if c.model.IRVersion >= 2 || a.Type != AttrUndefined {
			c.report("attribute", "attribute %q is of type %d", a.Name, a.Type)
		}
		return
	}
	others := used(a) &^ (1 << a.Type)
	for t := AttrUndefined; others != 0 && t <= AttrTypeProtos; t++ {
		if others>>t&1 != 0 {
			c.report("attribute", "attribute %q of type %v has a value of type %v", a.Name, a.Type, t)
		}
	}
	c.attributeValue(a)
}

// used returns the types of the fields of a that hold a value, as bits.
func used(a *Attribute) (types uint) {
	for t, is := range [...]bool{
		AttrFloat: a.F != 0 || a.has(2), AttrInt: a.I != 0 || a.has(3), AttrString: len(a.S) > 0 || a.has(4),
		AttrTensor: a.T != nil, AttrGraph: a.G != nil, AttrFloats: len(a.Floats) > 0, AttrInts: len(a.Ints) > 0,
		AttrStrings: len(a.Strings) > 0, AttrTensors: len(a.Tensors) > 0, AttrGraphs: len(a.Graphs) > 0,
		AttrSparseTensor: a.SparseTensor != nil, AttrSparseTensors: len(a.SparseTensors) > 0,
		AttrTypeProto: a.TypeProto != nil, AttrTypeProtos: len(a.TypeProtos) > 0,
	} {
		if is {
			types |= 1 << t
		}
	}
	return types
}

// attributeValue checks the tensors and types in an attribute. Graphs are checked with their scope.
func (c *checker) attributeValue(a *Attribute) {
	if a.Type == AttrTensor && a.T == nil || a.Type == AttrGraph && a.G == nil ||
		a.Type == AttrSparseTensor && a.SparseTensor == nil || a.Type == AttrTypeProto && a.TypeProto == nil {
		c.report("attribute", "attribute %q of type %v has no value", a.Name, a.Type)
		return
	}
	what := "attribute " + a.Name
	if a.T != nil {
		c.tensor(what, a.T)
	}
	for _, t := range a.Tensors {
		c.tensor(what, t)
	}
	if a.SparseTensor != nil {
		c.sparse(what, a.SparseTensor)
	}
	for _, t := range a.SparseTensors {
		c.sparse(what, t)
	}
	if a.TypeProto != nil {
		c.typ("attribute", a.Name, a.TypeProto, true)
	}
	for _, t := range a.TypeProtos {
		c.typ("attribute", a.Name, t, true)
	}
}
