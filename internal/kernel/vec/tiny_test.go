package vec

import (
	"math"
	"testing"
)

// TestNoSubnormals: what tends to zero gets there without subnormal results, for every argument that is not tiny itself.
func TestNoSubnormals(t *testing.T) {
	var x []float32
	for _, v := range probes() {
		if math.Abs(float64(v)) > 1e-30 && !math.IsInf(float64(v), 0) {
			x = append(x, v)
		}
	}
	negative := make([]float32, len(x))
	for i, v := range x {
		negative[i] = -max(v, -v)
	}
	got, sum := make([]float32, len(x)), make([]float32, len(x))
	check := func(t *testing.T, name string, x, got []float32) {
		t.Helper()
		zeros := 0
		for i, v := range got {
			if v == 0 {
				zeros++
			} else if math.Abs(float64(v)) < leastNormal {
				t.Fatalf("%s(%v) is %v", name, x[i], v)
			}
		}
		if zeros == 0 {
			t.Errorf("%s never gets to zero", name)
		}
	}
	test := func(t *testing.T, k *kernels) {
		for _, c := range unaryCases {
			switch c.op {
			case opSigmoid, opSilu, opSoftplus, opMish, opGelu, opGeluTanh:
				k.unary[c.op](got, x, c.a, c.b)
				check(t, c.name, x, got)
			case opExpTerm:
				k.unary[c.op](got, negative, 0, 0)
				check(t, c.name, negative, got)
			}
		}
		k.expSum(got, negative, 0)
		check(t, "expSum", negative, got)
		const cols = ColumnGroup
		n := len(x) &^ (cols - 1)
		copy(got, negative)
		k.expColumns(got[:n], make([]float32, cols), sum[:cols], n/cols, cols)
		check(t, "expColumns", negative, got[:n])
		for _, width := range []int{5, 1000, MaxRow} { // the largest elements of a row are equal, or one of many
			n := len(x) / width * width
			for i := range n {
				got[i] = max(-200, negative[i]*0.01)
			}
			f := k.softmaxRows
			if width <= k.lanes {
				f = k.softmax
			}
			f(got[:n], got[:n], width)
			check(t, "softmax", negative, got[:n])
			for i := range n {
				got[i] = 0
				if i%width == width/2 {
					got[i] = -60 - 30*float32(i)/float32(n)
				}
			}
			before := append([]float32(nil), got[:n]...)
			f(got[:n], got[:n], width)
			check(t, "softmax of one far below the others", before, got[:n])
		}
	}
	t.Run(generic.name, func(t *testing.T) { test(t, &generic) })
	variants(t, test)
}

// TestExpTermRelative holds small terms to a relative error, too: that of the product of x with a constant, both rounded, and of exp.
func TestExpTermRelative(t *testing.T) {
	var x []float32
	for v := float32(-90); v <= 0; v += 0.0031 {
		x = append(x, v)
	}
	got := make([]float32, len(x))
	test := func(t *testing.T, k *kernels) {
		k.unary[opExpTerm](got, x, 0, 0)
		for i, v := range x {
			want := math.Exp(float64(v))
			bound := want * (8 + 1.25*math.Abs(float64(v))) * 0x1p-24
			if err := math.Abs(float64(got[i]) - want); err > bound && (got[i] != 0 || want > leastTerm*math.Sqrt2*(1+1e-4)) {
				t.Fatalf("%v is %v, want %v within %v", v, got[i], want, bound)
			}
		}
	}
	t.Run(generic.name, func(t *testing.T) { test(t, &generic) })
	variants(t, test)
}
