package vec

// An argFunc replaces best, and at by the row's number, where rows of x beat it; numbers count from from. rows is at least 1.
type argFunc func(best []float32, at []int32, x []float32, rows, ld, from int)

// An argOp names a search for extreme elements of columns.
type argOp uint8

const (
	opArgMax argOp = iota
	opArgMin
	opArgMaxLast
	opArgMinLast
	opArgMaxPlain
	numArg
)

// ArgColumns sets at[j] to the row that has the largest element of column j of x, or with smallest the smallest: the first of
// equals, or with last the last. NaN is larger, or smaller, than any number. Rows lie ld elements apart; len(at) is a multiple
// of 16, and best, which is as long, receives the elements.
func ArgColumns(best []float32, at []int32, x []float32, rows, ld int, smallest, last bool) {
	op := opArgMax
	if last {
		op = opArgMaxLast
	}
	if smallest {
		op++
	}
	argColumns(op, best, at, x, rows, ld)
}

// HardmaxColumns is ArgColumns for the first of the largest elements, where a NaN counts only in the first row.
func HardmaxColumns(best []float32, at []int32, x []float32, rows, ld int) {
	argColumns(opArgMaxPlain, best, at, x, rows, ld)
}

func argColumns(op argOp, best []float32, at []int32, x []float32, rows, ld int) {
	best = best[:len(at)]
	if !checkColumns(x, len(at), rows, ld) {
		return
	}
	copy(best, x)
	clear(at)
	const most = 1 << 16 // elements that one call takes
	step := max(1, most/len(at))
	for i := 1; i < rows; i += step {
		active.arg[op](best, at, x[i*ld:], min(step, rows-i), ld, i)
	}
}

var genericArg = [numArg]argFunc{
	opArgMax: argColumnsGo(func(v, best float32) bool { return v > best || v != v && best == best }),
	opArgMin: argColumnsGo(func(v, best float32) bool { return v < best || v != v && best == best }),

	opArgMaxLast:  argColumnsGo(func(v, best float32) bool { return v >= best || v != v }),
	opArgMinLast:  argColumnsGo(func(v, best float32) bool { return v <= best || v != v }),
	opArgMaxPlain: argColumnsGo(func(v, best float32) bool { return v > best }),
}

func argColumnsGo(better func(v, best float32) bool) argFunc {
	return func(best []float32, at []int32, x []float32, rows, ld, from int) {
		for i := range rows {
			for j, v := range x[i*ld:][:len(best)] {
				if better(v, best[j]) {
					best[j], at[j] = v, int32(from+i)
				}
			}
		}
	}
}
