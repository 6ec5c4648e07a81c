package onnx

func idOf(domain, name, overload string) functionID {
	return functionID{NormalDomain(domain), name, overload}
}

// functionTable enters the model's functions, checks how they call each other, and then each body. It
// reports whether the calls end, without which the model must not be looked into further.
func (c *checker) functionTable() bool {
	for _, f := range c.model.Functions {
		id := idOf(f.Domain, f.Name, f.Overload)
		if f.Name == "" {
			c.report("function", "a function has no name")
		}
		if c.functions[id] != nil {
			c.report("function", "function %s of domain %q is defined twice", f.Name, f.Domain)
		}
		c.functions[id] = f
	}
	if !c.callsEnd() {
		return false
	}
	for _, f := range c.model.Functions {
		if c.full() {
			return false
		}
		c.path = append(c.path, f.Name)
		c.function(f)
		c.path = c.path[:len(c.path)-1]
	}
	return true
}

// function checks a body, which sees its own inputs and nothing else.
func (c *checker) function(f *Function) {
	c.inBody, c.declared = true, map[string]bool{}
	defer func() { c.inBody = false }()
	c.opsetImports(f.Opsets, true)
	s := newScope(len(f.Inputs) + len(f.Nodes))
	for _, name := range f.Inputs {
		if s.find(name) != 0 {
			c.report("ssa", "function input %q occurs twice", name)
		}
		s.enter(name, fromInput)
	}
	for _, a := range f.Attributes {
		c.declare(a)
	}
	for _, a := range f.AttributeProtos {
		c.declare(a.Name)
	}
	c.attributes(f.AttributeProtos)
	c.nodes(f.Nodes, s)
	seen := map[string]bool{}
	for _, name := range f.Outputs {
		if s.find(name) == 0 {
			c.report("output", "function output %q is produced by nothing", name)
		}
		if seen[name] {
			c.report("output", "function output %q occurs twice", name)
		}
		seen[name] = true
	}
}

// declare enters an attribute of a function.
func (c *checker) declare(name string) {
	if c.declared[name] {
		c.report("function", "attribute %q is declared twice", name)
	}
	c.declared[name] = true
}

// calls is what is known of a function when its calls are followed.
type calls struct {
	active bool
	depth  int
	nodes  int64 // after inlining everything
}

// callsEnd checks that no function calls itself, that calls are not nested too deep, and that inlining them
// gives a graph of reasonable size.
func (c *checker) callsEnd() bool {
	known := map[*Function]*calls{}
	for _, f := range c.model.Functions {
		if _, ok := c.follow(f, known, 1); !ok {
			return false
		}
	}
	if n, _, ok := c.followNodes(c.model.Graph.Nodes, known, 0); ok && n > maxInlined {
		c.report("function", "inlining the functions gives more than %d nodes", maxInlined)
		return false
	}
	return true
}

func (c *checker) follow(f *Function, known map[*Function]*calls, depth int) (*calls, bool) {
	k := known[f]
	switch {
	case k != nil && k.active:
		c.report("function", "function %s of domain %q calls itself", f.Name, f.Domain)
		return nil, false
	case k != nil:
		return k, true
	case depth > maxNesting:
		c.report("nesting", "functions call each other more than %d deep", maxNesting)
		return nil, false
	}
	k = &calls{active: true}
	known[f] = k
	n, below, ok := c.followNodes(f.Nodes, known, depth)
	k.active, k.nodes, k.depth = false, n, below+1
	if ok && k.depth > maxNesting {
		c.report("nesting", "functions call each other more than %d deep", maxNesting)
		return nil, false
	}
	return k, ok
}

// followNodes returns how many nodes a list has after inlining, at most a little above maxInlined for nodes
// that call functions, and how deep its calls and graphs go.
func (c *checker) followNodes(list []*Node, known map[*Function]*calls, depth int) (n int64, deepest int, ok bool) {
	for _, node := range list {
		if f := c.functions[idOf(node.Domain, node.OpType, node.Overload)]; f != nil {
			k, ok := c.follow(f, known, depth+1)
			if !ok {
				return 0, 0, false
			}
			n = min(n+k.nodes, 1<<40)
			deepest = max(deepest, k.depth)
		}
		for _, a := range node.Attributes {
			for _, g := range graphsOf(a) {
				if depth >= maxNesting {
					c.report("nesting", "%v", errNesting)
					return 0, 0, false
				}
				below, d, ok := c.followNodes(g.Nodes, known, depth+1)
				if !ok {
					return 0, 0, false
				}
				n, deepest = min(n+below, 1<<40), max(deepest, d+1)
			}
		}
		n++
	}
	return n, deepest, true
}

// graphsOf returns the graphs in an attribute.
func graphsOf(a *Attribute) []*Graph {
	if a.G == nil {
		return a.Graphs
	}
	if len(a.Graphs) == 0 {
		return []*Graph{a.G}
	}
	return append([]*Graph{a.G}, a.Graphs...)
}
