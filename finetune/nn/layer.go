package nn

// A Layer is a description of nodes and weights that can be added to a model any number of times, with new weights each
// time.
type Layer interface {
	// Apply adds the nodes and weights for an input and returns the result. What is wrong is kept by the Builder of x.
	Apply(x *Value) *Value
}

// Func makes a layer of a function. Its kind stands in messages, and its weights and nodes are named after it:
// "scale" gives "scale1.weight".
func Func(kind string, f func(x *Value) *Value) Layer { return funcLayer{kind, f} }

type funcLayer struct {
	kind  string
	apply func(x *Value) *Value
}

// Apply calls the function.
func (l funcLayer) Apply(x *Value) *Value {
	b := x.b
	defer b.enter(l.kind, prefixOf(l.kind))()
	if l.apply == nil {
		return b.fail("the function is nil")
	}
	y := l.apply(x)
	if y == nil || y.b == nil {
		return b.fail("the function returns no value")
	}
	return y
}

// Sequential applies layers one after the other. It is a scope of names only if it is Named.
type Sequential []Layer

// Apply adds the layers.
func (l Sequential) Apply(x *Value) *Value {
	defer x.b.group("Sequential")()
	for _, layer := range l {
		x = apply(layer, x)
	}
	return x
}

// apply adds a layer, which a caller may have left nil.
func apply(l Layer, x *Value) *Value {
	if l == nil {
		return x.b.fail("a layer is nil")
	}
	return l.Apply(x)
}

// group starts a layer of layers: a scope only if Named gave it a name.
func (b *Builder) group(kind string) func() {
	if b.pending == "" {
		return func() {}
	}
	return b.enter(kind, "")
}

// Residual adds the input, or what Shortcut makes of it, to what Body makes of it: y = Shortcut(x) + Body(x). Both must be of
// one shape.
type Residual struct {
	Body     Layer
	Shortcut Layer // nil: the input itself
}

// Apply adds the body, the shortcut and the sum.
func (l Residual) Apply(x *Value) *Value {
	b := x.b
	defer b.group("Residual")()
	y := apply(l.Body, x)
	if l.Shortcut != nil {
		x = l.Shortcut.Apply(x)
	}
	if b.err == nil && !x.sameShape(y) {
		return b.fail("Residual: the body gives %v, want the shape of the shortcut, %v", y, x)
	}
	return b.Op("Add", nil, x, y)
}

// Concat applies several layers to one input and joins their results along an axis.
type Concat struct {
	Axis     int // counted from the end where it is negative; 0 stands for 1, the channels
	Branches []Layer
}

// Apply adds the branches and the node that joins them.
func (l Concat) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Concat", "concat")()
	if len(l.Branches) == 0 {
		return b.fail("no branches")
	}
	parts := make([]*Value, len(l.Branches))
	for i, layer := range l.Branches {
		parts[i] = apply(layer, x)
	}
	return b.sole("Concat", Attrs{"axis": orDefault(l.Axis, 1)}, parts...)
}

// orDefault returns v, or def where v is zero.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
