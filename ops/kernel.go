package ops

import (
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/tensor"
)

// A KernelCtx is what a Kernel function sees when a Program is compiled: attributes, element types, shapes as
// far as they are known (symbolic ones included), constant inputs. Algorithm and instruction set are chosen
// here, never in Run.
type KernelCtx struct {
	Attrs
	In, Out []Value  // Out of an absent optional output is the zero Value
	Bodies  []string // names of the graph attributes, in the order of Call.Bodies
	Weights Weights

	// BodyInput returns the type of formal input i of the named body, BodyOutput what the model declares of
	// output i, which may be nothing. nil for nodes without bodies.
	BodyInput, BodyOutput func(name string, i int) Type

	// Operator finds a row of the built-in table, for kernels that are made of others'.
	Operator func(domain, name string, version int) *Op

	// Threads is how many will run the kernel, at most; 0 if that is not known.
	Threads int

	// Lean asks kernels to pack large weights in each run, where that is little of the work, instead of keeping packed forms.
	Lean bool

	unread uint64 // inputs, see Unread
}

// Weights keeps packed forms of constants: made once, shared by all programs and sessions of a model.
type Weights interface {
	// Packed returns what pack made of the constant under this format name the first time, and calls pack if
	// this is the first time. The name says all that the form depends on besides the constant and the instruction
	// set. A form whose elements all come from the Room may be made of those that another process left.
	Packed(constant *tensor.Tensor, format string, pack func(*Room) any) any

	// Read calls f with the elements of a float32 constant, which lie in spare if they have to be computed first.
	Read(constant *tensor.Tensor, spare *Spare, f func(elements []float32))

	// ReadRows calls f with what computes rows of the constant, where its elements have to be computed and can be so apart; else it
	// does nothing and reports false. PackedRows is Packed that asks rows, not pack, for the form of such a constant.
	ReadRows(constant *tensor.Tensor, f func(rows Rows)) bool
	PackedRows(constant *tensor.Tensor, format string, pack func(*Room) any, rows func(Rows) any) any
}

// Rows computes rows of a float32 constant, along its first axis, from the row first on: as many as dst has room for. It is safe for
// concurrent use.
type Rows = func(dst []float32, first int)

// A Room gives packed forms the storage of their elements. If it is Filled they are there already, and pack neither
// reads the constant nor writes them.
type Room = mem.Room

// Unread says that the kernel reads elements of constant input i nowhere but in Weights.Packed and Weights.Read, which leaves
// the planner free to give up the memory they take.
func (c *KernelCtx) Unread(i int) { c.unread |= 1 << i }

// IsUnread reports whether Unread was called for input i.
func (c *KernelCtx) IsUnread(i int) bool { return i < 64 && c.unread>>i&1 != 0 }

// Has reports whether input i is present.
func (c *KernelCtx) Has(i int) bool { return i < len(c.In) && c.In[i].Present() }

// HasOut reports whether output i is wanted.
func (c *KernelCtx) HasOut(i int) bool { return i < len(c.Out) && c.Out[i].Present() }

// Type returns the type of input i, zero if it is absent.
func (c *KernelCtx) Type(i int) Type {
	if i >= len(c.In) {
		return Type{}
	}
	return c.In[i].Type
}

// OutType returns the type of output i, zero if it is absent.
func (c *KernelCtx) OutType(i int) Type {
	if i >= len(c.Out) {
		return Type{}
	}
	return c.Out[i].Type
}

// Const returns the elements of input i if it is constant, else nil.
func (c *KernelCtx) Const(i int) *tensor.Tensor {
	if i >= len(c.In) {
		return nil
	}
	return c.In[i].Const
}

// DType returns the element type of input i.
func (c *KernelCtx) DType(i int) tensor.DType { return c.Type(i).DType }

// Packed returns a packed form of constant input i, made by pack the first time: see Weights.
func (c *KernelCtx) Packed(i int, format string, pack func(*Room) any) any {
	return c.Weights.Packed(c.In[i].Const, format, pack)
}
