package nn

import (
	"fmt"
	"strconv"
)

// A frame is a layer that is being added: a scope of names.
type frame struct {
	name   string // with those of the layers around it, as in "block1.fc1"
	kind   string // for messages, as in "Linear"
	outer  *frame
	counts map[string]int  // of the layers inside, by prefix
	inside map[string]bool // the names of the layers inside
	again  bool            // the layer was added before: its weights are there
}

func newFrame(name, kind string, outer *frame) *frame {
	return &frame{name: name, kind: kind, outer: outer, counts: map[string]int{}, inside: map[string]bool{}, again: outer != nil && outer.again}
}

// below returns the full name of something inside the layer.
func (f *frame) below(name string) string {
	if f.name == "" {
		return name
	}
	return f.name + "." + name
}

// where begins a message about the layer.
func (f *frame) where() string {
	if f.outer == nil {
		return ""
	}
	return fmt.Sprintf("layer %q (%s): ", f.name, f.kind)
}

// enter starts a layer, whose name is a prefix and a number unless Named gave one, and returns the function that ends it.
func (b *Builder) enter(kind, prefix string) func() {
	name := b.pending
	b.pending = ""
	for name == "" || b.top.inside[name] {
		b.top.counts[prefix]++
		name = prefix + strconv.Itoa(b.top.counts[prefix])
	}
	b.top.inside[name] = true
	return b.push(newFrame(b.top.below(name), kind, b.top))
}

func (b *Builder) push(f *frame) func() {
	outer := b.top
	b.top = f
	return func() { b.top = outer }
}

// Named gives a layer a name: that of its weights and nodes, within that of the layer around it. Layers without one
// are counted: "fc1", "fc2", "conv1".
func Named(name string, l Layer) Layer { return namedLayer{name, l} }

type namedLayer struct {
	name  string
	layer Layer
}

// Apply adds the layer under its name.
func (l namedLayer) Apply(x *Value) *Value {
	b := x.b
	switch {
	case l.name == "":
		return b.fail("Named without a name")
	case b.top.inside[l.name]:
		return b.fail("two layers are named %q", b.top.below(l.name))
	}
	b.pending = l.name
	defer func() { b.pending = "" }()
	return apply(l.layer, x)
}

// Shared returns a layer that has the same weights wherever it is applied: it is initialised once, and its gradients are
// the sums of those of all uses.
func Shared(l Layer) Layer { return &sharedLayer{layer: l, frames: map[*Builder]*frame{}} }

type sharedLayer struct {
	layer  Layer
	frames map[*Builder]*frame
}

// Apply adds the nodes of the layer, and the first time its weights.
func (l *sharedLayer) Apply(x *Value) *Value {
	b := x.b
	first := l.frames[b]
	if first == nil {
		defer b.enter("Shared", "shared")()
		l.frames[b] = b.top
		return apply(l.layer, x)
	}
	again := newFrame(first.name, first.kind, first.outer)
	again.again = true
	b.pending = ""
	defer b.push(again)()
	return apply(l.layer, x)
}
