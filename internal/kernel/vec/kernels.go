package vec

// A unaryFunc computes len(dst) elements from x and two parameters.
type unaryFunc func(dst, x []float32, a, b float32)

// A binaryFunc computes len(dst) elements from a and b, either of which may have length 1.
type binaryFunc func(dst, a, b []float32)

// The kernels in use, fixed when the program starts.
var (
	unaryFuncs  = unaryGeneric
	binaryFuncs = binaryGeneric
	dotFunc     = dotGo
)

var (
	toFloat16Func   = toFloat16Go
	fromFloat16Func = fromFloat16Go
)
