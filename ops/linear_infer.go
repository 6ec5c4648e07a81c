package ops

import "fmt"

// matmulInfer infers MatMul and FusedMatMul of both domains.
func matmulInfer(c *InferCtx) error {
	a, b := c.Type(0), c.Type(1)
	if err := sameElements(c, 0, 1, 2, 3); err != nil {
		return err
	}
	if !a.Ranked || !b.Ranked {
		c.SetType(0, Unranked(a.DType))
		return nil
	}
	if len(a.Dims) == 0 || len(b.Dims) == 0 {
		return fmt.Errorf("ops: inputs are %v and %v, want at least 1 axis", a, b)
	}
	batchA, rows, k := matrixDims(a.Dims, c.Bool("transA"), c.Bool("transBatchA"), true)
	batchB, k2, cols := matrixDims(b.Dims, c.Bool("transB"), c.Bool("transBatchB"), false)
	if x, ok := k.Const(); ok {
		if y, ok := k2.Const(); ok && x != y {
			return fmt.Errorf("ops: product of %v and %v: inner dimensions %d and %d", a, b, x, y)
		}
	}
	dims, err := batchDims(c, batchA, batchB)
	if err != nil {
		return fmt.Errorf("ops: product of %v and %v: %w", a, b, err)
	}
	if len(a.Dims) > 1 {
		dims = append(dims, rows)
	}
	if len(b.Dims) > 1 {
		dims = append(dims, cols)
	}
	c.Set(0, a.DType, dims...)
	return nil
}

// matrixDims splits dimensions into a batch, rows and columns; a 1-d operand has one row on the left and one column on
// the right, which the result leaves out.
func matrixDims(d []Dim, trans, transBatch, left bool) (batch []Dim, rows, cols Dim) {
	n := len(d)
	switch {
	case n == 1 && left:
		return nil, Dim{}, d[0]
	case n == 1:
		return nil, d[0], Dim{}
	}
	batch, rows, cols = d[:n-2], d[n-2], d[n-1]
	if transBatch && n > 2 {
		batch, rows = d[1:n-1], d[0]
	}
	if trans {
		rows, cols = cols, rows
	}
	return batch, rows, cols
}

// batchDims broadcasts dimensions.
func batchDims(c *InferCtx, a, b []Dim) ([]Dim, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]Dim(nil), a...)
	for i, y := range b {
		at := len(a) - len(b) + i
		x := a[at]
		vx, okX := x.Const()
		vy, okY := y.Const()
		switch {
		case x.Equal(y) || okY && vy == 1:
		case okX && vx == 1:
			out[at] = y
		case okX && okY:
			return nil, fmt.Errorf("dimensions %d and %d do not broadcast", vx, vy)
		case okX:
		case okY:
			out[at] = y
		default:
			out[at] = c.Fresh()
		}
	}
	return out, nil
}

// sameElements checks that those of the given inputs that are present have the element type of input 0.
func sameElements(c *InferCtx, inputs ...int) error {
	for _, i := range inputs {
		if c.Has(i) && c.Type(i).DType != c.Type(0).DType {
			return fmt.Errorf("ops: input %d is %v, want %v", i, c.Type(i), c.Type(0).DType)
		}
	}
	return nil
}

// gemmInfer infers Gemm and FusedGemm.
func gemmInfer(c *InferCtx) error {
	a, b := c.Type(0), c.Type(1)
	if err := sameElements(c, 0, 1, 2); err != nil {
		return err
	}
	m, n := c.Fresh(), c.Fresh()
	var k, k2 Dim
	for i, t := range []Type{a, b} {
		if t.Ranked && len(t.Dims) != 2 {
			return fmt.Errorf("ops: input %d is %v, want 2 axes", i, t)
		}
	}
	if a.Ranked {
		_, m, k = matrixDims(a.Dims, c.Bool("transA"), false, true)
	}
	if b.Ranked {
		_, k2, n = matrixDims(b.Dims, c.Bool("transB"), false, false)
	}
	if x, ok := k.Const(); ok && a.Ranked && b.Ranked {
		if y, ok := k2.Const(); ok && x != y {
			return fmt.Errorf("ops: product of %v and %v: inner dimensions %d and %d", a, b, x, y)
		}
	}
	if z := c.Type(2); z.Ranked && len(z.Dims) > 2 {
		return fmt.Errorf("ops: input 2 is %v, want at most 2 axes", z)
	}
	c.Set(0, a.DType, m, n)
	return nil
}
