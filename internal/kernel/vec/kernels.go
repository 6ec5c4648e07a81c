package vec

import "github.com/onnxrun/onnxrun/internal/cpu"

// A unaryFunc computes len(dst) elements from x and two parameters.
type unaryFunc func(dst, x []float32, a, b float32)

// A binaryFunc computes len(dst) elements from a and b, either of which may have length 1.
type binaryFunc func(dst, a, b []float32)

// A wideFunc applies a kernel of one input in place to at least one row of n elements, which begin step elements apart.
type wideFunc func(x []float32, n, rows, step int, a, b float32)

// A foldFunc joins the elements of x to one.
type foldFunc func(x []float32) float32

// A kernels is one row of the table: the variants of one instruction set.
type kernels struct {
	name         string
	needs        cpu.Feature
	unary        [numUnary]unaryFunc
	binary       [numBinary]binaryFunc
	wide         [numUnary]wideFunc // nil where there is none
	addWide      func(dst, x []float32, n, rows, dstStep, xStep int)
	scaleWide    func(dst, scale, shift []float32, n, rows, dstStep int)
	fold         [numFold]foldFunc
	extent       func(x []float32) (lo, hi float32)
	sumDeviation func(x []float32, m float32) float32
	dot          func(x, y []float32) float32
	expSum       func(dst, x []float32, m float32) float32
	normRow      func(dst, x, scale, bias []float32, mean, inv float32)
	// The columns that these take are whole groups of 16.
	maxColumns         func(m, x []float32, rows, ld int)
	expColumns         func(x, m, sum []float32, rows, ld int)
	scaleDotColumns    func(p, f, x, sum []float32, rows, ld int)
	softmaxGradColumns func(dp, p, dot []float32, rows, ld int)
	foldColumns        [numFold]func(acc, x []float32, rows, ld int)
	arg                [numArg]argFunc
	scaleRows          func(y, s []float32, cols, ld int)
	// The conversions and where take whole groups of 16.
	fromFloat16 func(dst []float32, x []uint16)
	toFloat16   func(dst []uint16, x []float32)
	where       func(dst []uint32, cond []bool, a, b []uint32)
	whereBytes  [4]whereFunc // by the logarithm of the elements' bytes; nil where there is none
	compare     [numCompare]compareFunc
	join        joinTable
	hold        holdTable
	extreme     extremeTable
	sumRows     [numElement]rowFoldFunc // nil where there is none; rows are whole groups
	// These stop before what they cannot do, and return how many bytes they did; nil where there is none.
	quotientI64, remainderI64 func(dst, a, b []uint8) int
	convert                   [numConvert]convertFunc // nil where there is none
	// These are nil where there is none.
	quantizeI8, quantizeU8     quantizeFunc
	dequantizeI8, dequantizeU8 dequantizeFunc
	pow, fmod                  partialFunc
	// softmax and logSoftmax take rows of at most lanes elements.
	lanes               int
	softmax, logSoftmax func(dst, x []float32, cols int)
	sumPieces           sumPiecesFunc // nil where there is none
	repeat              [9]repeatFunc // by the elements' bytes; nil where there is none
	// These take rows of at most MaxRow elements.
	softmaxRows, logSoftmaxRows func(dst, x []float32, cols int)
	softmaxGrad, logSoftmaxGrad func(dst, dy, y []float32, cols int)
	scaledExpRows               func(dst, x, f []float32, cols int) // rows of any length
	layerNormRows, rmsNormRows  normFunc
	layerNormGrad, rmsNormGrad  normGradFunc
	planeSums                   func(x, y []float32, m float32) (sum, square, sumY, dot float32)
	planeGrad                   func(dst, x, y []float32, m, a, b, c float32)
	hardmaxRows                 func(dst, x []float32, cols int) // rows of any length
	lstm                        func(h, c, x, s []float32, xs, ss int)
	gru                         func(h, old, x, s, bias []float32, xs, ss int)
	lstmKeep                    func(h, c, old, x, s []float32, xs, ss int)
	gruKeep                     func(h, old, x, s, bias []float32, xs, ss int)
	lstmGrad                    func(d, x, dh, dc, c, old []float32, xs int)
	gruGrad                     func(d, x, dh, old []float32, xs int)
}

// active holds the kernels in use: the last row of the table that the processor can run.
var active *kernels

func init() { active = choose() } // loops that rows hold use the kernels, too

func choose() *kernels {
	k := &generic
	for i := range assembly {
		if cpu.Has(assembly[i].needs) {
			k = &assembly[i]
		}
	}
	return k
}
