package gemm

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// Epilogue is what happens to a tile of C after the last block of K, in this order:
// row bias, column bias, residual, activation, column scale and shift. With AddLast the residual comes last.
type Epilogue struct {
	RowBias  []float32 // one value for each row of C (a convolution's bias)
	ColBias  []float32 // one value for each column of C (a linear layer's bias)
	Residual []float32 // a matrix of C's shape: element (i, j) is Residual[i*LDR+j]
	LDR      int
	AddLast  bool
	Act      Activation

	// For each column a factor and what is added then; nil: neither. Items have one offset for them and ColBias.
	ColScale, ColShift []float32
}

// Activation is a function applied to every element. The meaning of Alpha and Beta
// depends on Kind.
type Activation struct {
	Kind        ActKind
	Alpha, Beta float32

	// Func replaces an element-wise function in place, for Kind Custom. It is
	// called with parts of rows of C, from several goroutines at once.
	Func func(x []float32)
}

// ActKind names an activation.
type ActKind uint8

// The activations. Gelu uses the error function, GeluTanh its tanh approximation.
const (
	None        ActKind = iota
	Relu                // max(x, 0)
	Clip                // min(max(x, Alpha), Beta)
	LeakyRelu           // x, or Alpha*x below zero
	Sigmoid             // 1/(1+exp(-x))
	Tanh                // tanh(x)
	Gelu                // x/2 * (1+erf(x/sqrt(2)))
	GeluTanh            // x/2 * (1+tanh(sqrt(2/pi)*(x+0.044715*x^3)))
	Silu                // x*sigmoid(x)
	QuickGelu           // x*sigmoid(Alpha*x)
	HardSwish           // x*min(max(x/6+1/2, 0), 1)
	HardSigmoid         // min(max(Alpha*x+Beta, 0), 1)
	Custom              // Func
)

// clips returns the bounds of an activation that kernels apply in registers.
func (a Activation) clips() (lo, hi float32, ok bool) {
	switch a.Kind {
	case Relu:
		return 0, float32(math.Inf(1)), true
	case Clip:
		return a.Alpha, a.Beta, true
	}
	return 0, 0, false
}

// Apply replaces every element of x by the activation's value.
func (a Activation) Apply(x []float32) {
	switch a.Kind {
	case None:
	case Relu, Clip:
		lo, hi, _ := a.clips()
		vec.Clip(x, x, lo, hi)
	case LeakyRelu:
		vec.LeakyRelu(x, x, a.Alpha)
	case Sigmoid:
		vec.Sigmoid(x, x)
	case Tanh:
		vec.Tanh(x, x)
	case Gelu:
		vec.Gelu(x, x)
	case GeluTanh:
		vec.GeluTanh(x, x)
	case Silu:
		vec.Silu(x, x)
	case QuickGelu:
		vec.Swish(x, x, a.Alpha)
	case HardSwish:
		vec.HardSwish(x, x)
	case HardSigmoid:
		vec.HardSigmoid(x, x, a.Alpha, a.Beta)
	case Custom:
		a.Func(x)
	}
}

// ApplyWide is Apply for rows.
func (a Activation) ApplyWide(w vec.Wide) {
	switch a.Kind {
	case None:
	case Relu, Clip:
		lo, hi, _ := a.clips()
		w.Clip(lo, hi)
	case LeakyRelu:
		w.LeakyRelu(a.Alpha)
	case Sigmoid:
		w.Sigmoid()
	case Tanh:
		w.Tanh()
	case Gelu:
		w.Gelu()
	case GeluTanh:
		w.GeluTanh()
	case Silu:
		w.Swish(1)
	case QuickGelu:
		w.Swish(a.Alpha)
	case HardSwish:
		w.HardSwish()
	case HardSigmoid:
		w.HardSigmoid(a.Alpha, a.Beta)
	case Custom:
		for r := range w.Rows {
			a.Func(w.X[r*w.Step:][:w.N])
		}
	}
}

// clip keeps NaN, like the kernels.
func clip(v, lo, hi float32) float32 {
	if v < lo {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return v
}

// lateEpilogue reports whether there is something that kernels do not do in registers.
func (t *task) lateEpilogue() bool {
	e := &t.Epilogue
	_, _, inKernel := e.Act.clips()
	return e.Act.Kind != None && !inKernel || e.ColScale != nil || e.AddLast && e.Residual != nil
}

// finishLen is the longest piece that goes through all of the late epilogue at once.
const finishLen = 2048

// finish does to columns [n0, n1) of the rows at hand, while they are hot, what kernels do
// not do in registers. Rows that follow one another are one.
func (b *block) finish(n0, n1 int) {
	t, e := b.t, &b.t.Epilogue
	_, _, inKernel := e.Act.clips()
	width, rows := n1-n0, b.r1-b.r0
	if width == t.LDC && e.ColScale == nil && (!e.AddLast || e.Residual == nil || width == e.LDR) {
		width, rows = width*rows, 1
	}
	for i := b.first; i < b.last; i++ {
		b.enter(i)
		if e.ColScale != nil || rows > 1 && width < finishLen {
			b.finishWide(vec.Wide{X: t.C[b.at.C+b.r0*t.LDC+n0:], N: width, Rows: rows, Step: t.LDC}, n0, inKernel)
			continue
		}
		for m := range rows {
			c := t.C[b.at.C+(b.r0+m)*t.LDC+n0:][:width]
			var late []float32
			if e.AddLast && e.Residual != nil {
				late = e.Residual[b.at.Residual+(b.r0+m)*e.LDR+n0:][:width]
			}
			for len(c) > 0 {
				n := min(len(c), finishLen)
				if !inKernel {
					e.Act.Apply(c[:n])
				}
				if late != nil {
					vec.Add(c[:n], c[:n], late[:n])
					late = late[n:]
				}
				c = c[n:]
			}
		}
	}
}

// finishWide is finish for rows of C that begin with column n0, some at a time.
func (b *block) finishWide(w vec.Wide, n0 int, inKernel bool) {
	e := &b.t.Epilogue
	most := max(1, finishLen/w.N)
	for m := 0; m < w.Rows; m += most {
		part := vec.Wide{X: w.X[m*w.Step:], N: w.N, Rows: min(most, w.Rows-m), Step: w.Step}
		if !inKernel {
			e.Act.ApplyWide(part)
		}
		if e.ColScale != nil {
			part.Scale(e.ColScale[b.at.ColBias+n0:], e.ColShift[b.at.ColBias+n0:])
		}
		if e.AddLast && e.Residual != nil {
			part.Add(e.Residual[b.at.Residual+(b.r0+m)*e.LDR+n0:], e.LDR)
		}
	}
}
