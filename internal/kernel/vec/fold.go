package vec

import "math"

// A foldOp names a float32 kernel that joins the elements of a slice.
type foldOp uint8

const (
	opSum foldOp = iota
	opSumSquare
	opSumAbs
	opProduct
	opHighest
	opLowest
	numFold
)

// foldBlock is the length of the blocks in which long sums are taken, to keep rounding errors small.
const foldBlock = 1 << 13

func foldSum(op foldOp, x []float32) float32 {
	f := active.fold[op]
	if len(x) <= foldBlock {
		return f(x)
	}
	sum := 0.0
	for ; len(x) > foldBlock; x = x[foldBlock:] {
		sum += float64(f(x[:foldBlock]))
	}
	return float32(sum + float64(f(x)))
}

// Sum returns the sum of x, taken in several lanes in an order that depends on its length only.
func Sum(x []float32) float32 { return foldSum(opSum, x) }

// SumSquare returns the sum of x[i]*x[i].
func SumSquare(x []float32) float32 { return foldSum(opSumSquare, x) }

// SumSquareRows sets dst[i] to the SumSquare of row i of x, of n elements each.
func SumSquareRows(dst, x []float32, n int) {
	if n > foldBlock {
		for i := range dst {
			dst[i] = SumSquare(x[i*n:][:n])
		}
		return
	}
	f := active.fold[opSumSquare]
	for i := range dst {
		dst[i] = f(x[i*n:][:n])
	}
}

// SumAbs returns the sum of the absolute values of x.
func SumAbs(x []float32) float32 { return foldSum(opSumAbs, x) }

// Product returns the product of x, taken in several lanes in an order that depends on its length only.
func Product(x []float32) float32 {
	p := float32(1)
	for ; len(x) > block; x = x[block:] {
		p *= active.fold[opProduct](x[:block])
	}
	return p * active.fold[opProduct](x)
}

// SumDeviation returns the sum of (x[i]-m)*(x[i]-m).
func SumDeviation(x []float32, m float32) float32 {
	sum := 0.0
	for ; len(x) > foldBlock; x = x[foldBlock:] {
		sum += float64(active.sumDeviation(x[:foldBlock], m))
	}
	return float32(sum + float64(active.sumDeviation(x, m)))
}

// Dot returns the sum of a[i]*b[i].
func Dot(a, b []float32) float32 {
	b = b[:len(a)]
	if len(a) <= foldBlock {
		return active.dot(a, b)
	}
	sum := 0.0
	for ; len(a) > foldBlock; a, b = a[foldBlock:], b[foldBlock:] {
		sum += float64(active.dot(a[:foldBlock], b[:foldBlock]))
	}
	return float32(sum + float64(active.dot(a, b)))
}

// Largest returns the largest element of x, NaN if one is NaN, and -Inf if there is none.
func Largest(x []float32) float32 {
	m := float32(math.Inf(-1))
	for ; len(x) > block; x = x[block:] {
		m = max(m, active.fold[opHighest](x[:block]))
	}
	return max(m, active.fold[opHighest](x))
}

// Smallest returns the smallest element of x, NaN if one is NaN, and +Inf if there is none.
func Smallest(x []float32) float32 {
	m := float32(math.Inf(1))
	for ; len(x) > block; x = x[block:] {
		m = min(m, active.fold[opLowest](x[:block]))
	}
	return min(m, active.fold[opLowest](x))
}

// Extent returns the smallest and the largest element of x, both NaN if one is NaN, and +Inf and -Inf if there is none.
func Extent(x []float32) (lo, hi float32) {
	lo, hi = active.extent(x[:min(block, len(x))])
	for at := block; at < len(x); at += block {
		l, h := active.extent(x[at:min(at+block, len(x))])
		lo, hi = min(lo, l), max(hi, h)
	}
	return lo, hi
}

// ExpSum sets dst[i] = exp(x[i]-m), where m is the largest element of x, and returns the sum of dst.
// Results below the smallest normal number may be zero.
func ExpSum(dst, x []float32, m float32) float32 {
	x = x[:len(dst)]
	sum := 0.0
	for ; len(dst) > foldBlock; dst, x = dst[foldBlock:], x[foldBlock:] {
		sum += float64(active.expSum(dst[:foldBlock], x[:foldBlock], m))
	}
	return float32(sum + float64(active.expSum(dst, x, m)))
}

// NormRow sets dst[i] = (x[i]-mean)*inv*scale[i] + bias[i]. bias may be empty.
func NormRow(dst, x, scale, bias []float32, mean, inv float32) {
	x, scale = x[:len(dst)], scale[:len(dst)]
	if len(bias) > 0 {
		bias = bias[:len(dst)]
	}
	for lo := 0; lo < len(dst); lo += block {
		hi := min(len(dst), lo+block)
		b := bias
		if len(b) > 0 {
			b = b[lo:hi]
		}
		active.normRow(dst[lo:hi], x[lo:hi], scale[lo:hi], b, mean, inv)
	}
}
