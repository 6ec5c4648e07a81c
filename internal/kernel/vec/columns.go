package vec

// The kernels of this file work on matrices of few columns, rows ld elements apart, with a number per column or per row.
// One call should not hold more than some 100000 elements.

// ColumnGroup divides the number of columns that functions of columns take.
const ColumnGroup = 16

// MaxColumns sets m[j] to the largest of m[j] and column j of the rows of x. len(m) is a multiple of 16. Where NaN is
// among them, m[j] is any of them.
func MaxColumns(m, x []float32, rows, ld int) {
	if checkColumns(x, len(m), rows, ld) {
		active.maxColumns(m, x, rows, ld)
	}
}

// ExpColumns replaces the elements of column j by exp(x-m[j]) and adds them to sum[j], in the order of the rows.
// len(m) and len(sum) are equal and a multiple of 16.
func ExpColumns(x, m, sum []float32, rows, ld int) {
	if checkColumns(x, len(m), rows, ld) {
		active.expColumns(x, m, sum[:len(m)], rows, ld)
	}
}

// ScaleDotColumns multiplies column j of p by f[j] and adds its products with column j of x to sum[j], in the order of the
// rows. len(f) and len(sum) are equal and a multiple of 16; rows of p and x are equally far apart.
func ScaleDotColumns(p, f, x, sum []float32, rows, ld int) {
	if checkColumns(p, len(f), rows, ld) && checkColumns(x, len(f), rows, ld) {
		active.scaleDotColumns(p, f, x, sum[:len(f)], rows, ld)
	}
}

// SoftmaxGradColumns replaces the elements of dp by p*(dp-dot[j]): the gradient of a softmax p of columns, if dot are the
// products of its columns with those of dp. len(dot) is a multiple of 16; rows of dp and p are equally far apart.
func SoftmaxGradColumns(dp, p, dot []float32, rows, ld int) {
	if checkColumns(dp, len(dot), rows, ld) && checkColumns(p, len(dot), rows, ld) {
		active.softmaxGradColumns(dp, p, dot, rows, ld)
	}
}

// SumColumns adds the rows of x to acc, element by element, in their order. len(acc) is a multiple of 16. The functions below
// join them in other ways.
func SumColumns(acc, x []float32, rows, ld int) { foldColumns(opSum, acc, x, rows, ld) }

// SumSquareColumns adds their squares.
func SumSquareColumns(acc, x []float32, rows, ld int) { foldColumns(opSumSquare, acc, x, rows, ld) }

// SumAbsColumns adds their absolute values.
func SumAbsColumns(acc, x []float32, rows, ld int) { foldColumns(opSumAbs, acc, x, rows, ld) }

// ProductColumns multiplies acc by them.
func ProductColumns(acc, x []float32, rows, ld int) { foldColumns(opProduct, acc, x, rows, ld) }

// HighestColumns leaves the largest, or NaN where one is NaN.
func HighestColumns(acc, x []float32, rows, ld int) { foldColumns(opHighest, acc, x, rows, ld) }

// LowestColumns leaves the smallest, or NaN where one is NaN.
func LowestColumns(acc, x []float32, rows, ld int) { foldColumns(opLowest, acc, x, rows, ld) }

func foldColumns(op foldOp, acc, x []float32, rows, ld int) {
	if checkColumns(x, len(acc), rows, ld) {
		active.foldColumns[op](acc, x, rows, ld)
	}
}

// ScaleRows multiplies the first cols elements of row i of y by s[i].
func ScaleRows(y, s []float32, cols, ld int) {
	if len(s) == 0 || cols == 0 {
		return
	}
	_ = y[(len(s)-1)*ld+cols-1]
	active.scaleRows(y, s, cols, ld)
}

// checkColumns reports whether there is something to do, and panics if rows of cols elements are not in x.
func checkColumns(x []float32, cols, rows, ld int) bool {
	if rows <= 0 || cols == 0 {
		return false
	}
	_ = x[(rows-1)*ld+cols-1]
	if cols%ColumnGroup != 0 || ld < 0 {
		panic("vec: want a multiple of 16 columns")
	}
	return true
}

func maxColumnsGo(m, x []float32, rows, ld int) {
	for i := range rows {
		for j, v := range x[i*ld:][:len(m)] {
			m[j] = max(m[j], v)
		}
	}
}

var genericFoldColumns = [numFold]func(acc, x []float32, rows, ld int){
	opSum:       columnsGo(func(acc, v float32) float32 { return acc + v }),
	opSumSquare: columnsGo(func(acc, v float32) float32 { return acc + v*v }),
	opSumAbs:    columnsGo(func(acc, v float32) float32 { return acc + max(v, -v) }),
	opProduct:   columnsGo(func(acc, v float32) float32 { return acc * v }),
	opHighest:   columnsGo(func(acc, v float32) float32 { return max(acc, v) }),
	opLowest:    columnsGo(func(acc, v float32) float32 { return min(acc, v) }),
}

func columnsGo(join func(acc, v float32) float32) func(acc, x []float32, rows, ld int) {
	return func(acc, x []float32, rows, ld int) {
		for i := range rows {
			for j, v := range x[i*ld:][:len(acc)] {
				acc[j] = join(acc[j], v)
			}
		}
	}
}

func expColumnsGo(x, m, sum []float32, rows, ld int) {
	for i := range rows {
		row := x[i*ld:][:len(m)]
		for j, v := range row {
			row[j] = float32(term(v - m[j]))
			sum[j] += row[j]
		}
	}
}

func scaleDotColumnsGo(p, f, x, sum []float32, rows, ld int) {
	for i := range rows {
		row, other := p[i*ld:][:len(f)], x[i*ld:]
		for j := range row {
			row[j] *= f[j]
			sum[j] += row[j] * other[j]
		}
	}
}

func softmaxGradColumnsGo(dp, p, dot []float32, rows, ld int) {
	for i := range rows {
		row, other := dp[i*ld:][:len(dot)], p[i*ld:]
		for j, v := range row {
			row[j] = other[j] * (v - dot[j])
		}
	}
}

func scaleRowsGo(y, s []float32, cols, ld int) {
	for i, f := range s {
		row := y[i*ld:][:cols]
		for j := range row {
			row[j] *= f
		}
	}
}
