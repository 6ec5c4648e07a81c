package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/tensor"
)

// linear is a bound product of matrices: activation(alpha*op(A)*op(B) + beta*bias + residual) with A, B, bias and residual
// as inputs 0 to 3. MatMul, Gemm and the fused forms are cases of it.
type linear struct {
	a, b   operand
	alpha  float32
	beta   float32
	act    gemm.Activation
	weight *constMatrices // of a constant B that is packed
	bias   []float32      // beta times a constant bias, if beta is not 1
	calls  sync.Pool      // of *linearCall
}

// operand says how an input is read: trans swaps the last two dimensions, then transBatch moves the batch dimensions of
// a tensor [rows, batch..., cols] to the front.
type operand struct{ trans, transBatch bool }

// matrices is a tensor seen as a batch of matrices: element (i, j) of one is at i*rs + j*cs.
type matrices struct {
	batch, step []int // dimensions and strides
	rows, cols  int
	rs, cs      int
	vector      bool // a 1-d operand, whose other dimension is left out of the result
}

// view sets m to the operand's matrices. left tells which side a 1-d operand is on.
func (m *matrices) view(o operand, s tensor.Shape, left bool) error {
	m.batch, m.step, m.vector = m.batch[:0], m.step[:0], len(s) == 1
	switch {
	case len(s) == 0:
		return fmt.Errorf("ops: matrix product of a scalar, want at least 1 axis")
	case len(s) == 1 && left:
		m.rows, m.cols, m.rs, m.cs = 1, s[0], s[0], 1
		return nil
	case len(s) == 1:
		m.rows, m.cols, m.rs, m.cs = s[0], 1, 1, 1
		return nil
	}
	n := len(s)
	m.rows, m.cols, m.rs, m.cs = s[n-2], s[n-1], s[n-1], 1
	dims, step := s[:n-2], s[n-2]*s[n-1]
	if o.transBatch && n > 2 {
		m.rows, m.rs = s[0], s[1:].Len()
		dims, step = s[1:n-1], s[n-1]
	}
	m.batch, m.step = append(m.batch, dims...), append(m.step, dims...)
	for i := len(dims) - 1; i >= 0; i-- {
		m.step[i] = step
		step *= dims[i]
	}
	if o.trans {
		m.rows, m.cols, m.rs, m.cs = m.cols, m.rows, m.cs, m.rs
	}
	return nil
}

// single reports whether m is one matrix.
func (m *matrices) single() bool {
	for _, d := range m.batch {
		if d != 1 {
			return false
		}
	}
	return true
}

// dim returns batch dimension i of n and its stride, which is 0 where the operand is repeated.
func (m *matrices) dim(i, n int) (d, step int) {
	if i -= n - len(m.batch); i < 0 || m.batch[i] == 1 {
		return 1, 0
	}
	return m.batch[i], m.step[i]
}

// linearCall is the state of one call.
type linearCall struct {
	a, b  matrices
	items []gemm.Item
	m     int // rows of one product
	batch int // number of products; items are nil if it is 1
}

func (l *linear) call() *linearCall {
	if x, ok := l.calls.Get().(*linearCall); ok {
		return x
	}
	return new(linearCall)
}

// plan views the inputs, checks that they fit and lists the products. Where B is one matrix, the rows of all matrices of
// A are one long matrix if they lie so.
func (x *linearCall) plan(l *linear, packed bool, a, b, out tensor.Shape) error {
	if err := x.a.view(l.a, a, true); err != nil {
		return err
	}
	if err := x.b.view(l.b, b, false); err != nil {
		return err
	}
	if x.a.cols != x.b.rows {
		return fmt.Errorf("ops: product of %v and %v: %d columns, want %d", a, b, x.a.cols, x.b.rows)
	}
	x.m, x.items = x.a.rows, x.items[:0]
	if x.b.single() && len(x.b.batch) <= len(x.a.batch) && !l.a.trans && !l.a.transBatch {
		for _, d := range x.a.batch {
			x.m *= d
		}
		x.batch = 1
		return x.checkOut(out)
	}
	rank := max(len(x.a.batch), len(x.b.batch))
	x.batch = 1
	for i := range rank {
		da, _ := x.a.dim(i, rank)
		db, _ := x.b.dim(i, rank)
		if da != db && da != 1 && db != 1 {
			return fmt.Errorf("ops: batches of %v and %v do not broadcast", a, b)
		}
		if da == 1 {
			da = db
		}
		x.batch *= da
	}
	if err := x.checkOut(out); err != nil {
		return err
	}
	if rank > 0 {
		x.list(rank, packed)
	}
	return nil
}

func (x *linearCall) checkOut(out tensor.Shape) error {
	if want := x.batch * x.m * x.b.cols; out.Len() != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", out, want)
	}
	return nil
}

// list appends one item for each product. Packed matrices are counted, others found by their offset.
func (x *linearCall) list(rank int, packed bool) {
	size := x.b.rows * x.b.cols
	for p := range x.batch {
		it := gemm.Item{C: p * x.m * x.b.cols}
		it.Residual = it.C
		rest := p
		for i := rank - 1; i >= 0; i-- {
			da, sa := x.a.dim(i, rank)
			db, sb := x.b.dim(i, rank)
			n := max(da, db)
			it.A += rest % n * sa
			it.B += rest % n * sb
			rest /= n
		}
		if packed && size > 0 {
			it.B /= size
		}
		x.items = append(x.items, it)
	}
}

// run32 computes the product of float32.
func (l *linear) run32(c *Call) error {
	x := l.call()
	err := l.do32(x, c)
	l.calls.Put(x)
	return err
}

func (l *linear) do32(x *linearCall, c *Call) error {
	if l.weight == nil {
		return l.product(x, c, &gemm.Args{B: tensor.Of[float32](c.In[1])})
	}
	if p := l.weight.kept.Load(); p != nil { // reading packed weights would bring elements back that were given back
		return l.product(x, c, &gemm.Args{Packed: p})
	}
	return l.once(x, c)
}

// once computes the product with B as it lies.
func (l *linear) once(x *linearCall, c *Call) (err error) {
	l.weight.read(c, func(b []float32) { err = l.product(x, c, &gemm.Args{B: b, AsPacked: true}) })
	return err
}

// product completes a, which holds B in some form, and computes the product.
func (l *linear) product(x *linearCall, c *Call, a *gemm.Args) error {
	if err := x.plan(l, a.Packed != nil, c.In[0].Shape(), c.In[1].Shape(), c.Out[0].Shape()); err != nil || x.batch == 0 {
		return err
	}
	n := x.b.cols
	a.M, a.N, a.K = x.m, n, x.a.cols
	a.A, a.ARS, a.ACS = tensor.Of[float32](c.In[0]), x.a.rs, x.a.cs
	a.BRS, a.BCS = x.b.rs, x.b.cs
	a.C, a.LDC = tensor.Of[float32](c.Out[0]), n
	a.Alpha, a.Threads, a.Sparing = l.alpha, c.Threads, c.Sparing
	if l.alpha == 0 {
		a.K, a.Alpha, a.Packed = 0, 1, nil
	}
	if len(x.items) > 0 {
		a.Batch = x.items
	}
	a.Epilogue.Act = l.act
	if r := input(c, 3); r != nil {
		if a.Epilogue.Residual, a.Epilogue.LDR = tensor.Of[float32](r), n; r.Len() != len(a.C) {
			return fmt.Errorf("ops: residual has shape %v, want %v", r.Shape(), c.Out[0].Shape())
		}
	}
	if z := input(c, 2); z != nil && l.beta != 0 {
		if err := l.addBias(a, z, c); err != nil {
			return err
		}
	}
	gemm.Run(a)
	return nil
}

// biasShape returns rows and columns of a bias that broadcasts to a result of m rows and n columns.
func biasShape(z *tensor.Tensor, m, n int) (rows, cols int, err error) {
	s := z.Shape()
	rows, cols = 1, 1
	if len(s) > 0 {
		cols = s[len(s)-1]
		rows = s[:len(s)-1].Len()
	}
	if (cols != n && cols != 1) || (rows != m && rows != 1) {
		return 0, 0, fmt.Errorf("ops: bias has shape %v, which does not broadcast to [%d %d]", s, m, n)
	}
	return rows, cols, nil
}

// scratch returns the room that addBias needs.
func (l *linear) scratch(c *Call) int {
	z := input(c, 2)
	if z == nil {
		return 0
	}
	b := c.In[1].Shape()
	n := 1
	if len(b) > 1 {
		if n = b[len(b)-1]; l.b.trans {
			n = b[len(b)-2]
		}
	}
	return 4 * max(n, z.Len())
}

// addBias puts the bias into the epilogue, scaled by beta.
func (l *linear) addBias(a *gemm.Args, z *tensor.Tensor, c *Call) error {
	rows, cols, err := biasShape(z, a.M, a.N)
	if err != nil {
		return err
	}
	v, e := tensor.Of[float32](z), &a.Epilogue
	switch {
	case l.bias != nil:
		v = l.bias
	case l.beta != 1:
		w := scratchOf[float32](c.Scratch, len(v))
		for i, f := range v {
			w[i] = f * l.beta
		}
		v = w
	}
	switch {
	case rows == 1 && cols == a.N:
		e.ColBias = v
	case rows == 1:
		w, f := scratchOf[float32](c.Scratch, a.N), v[0]
		for i := range w {
			w[i] = f
		}
		e.ColBias = w
	case a.Batch != nil:
		return fmt.Errorf("ops: bias has shape %v, want one value for each column of a batch", z.Shape())
	case cols == 1 && a.N > 1:
		e.RowBias = v
	case e.Residual == nil:
		e.Residual, e.LDR = v, a.N
	default:
		return fmt.Errorf("ops: bias has shape %v beside a residual, want [%d]", z.Shape(), a.N)
	}
	return nil
}
