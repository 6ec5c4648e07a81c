package optim

// sumLanes is how many sums SumSquares keeps.
const sumLanes = 8

// SumSquares returns the sum of squares in float64, in an order that depends on the length only. It is infinite or NaN
// exactly if an element is.
func SumSquares(x []float32) float64 {
	var lanes [sumLanes]float64
	if n := len(x) &^ (sumLanes - 1); active.sumSquares != nil && n > 0 {
		lanes = active.sumSquares(&x[0], n)
		x = x[n:]
	}
	for len(x) >= sumLanes {
		p := (*[sumLanes]float32)(x)
		for k := range lanes {
			v := float64(p[k])
			lanes[k] += v * v
		}
		x = x[sumLanes:]
	}
	for k, e := range x {
		lanes[k] += float64(e) * float64(e)
	}
	return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

// Scale multiplies by a number in place.
func Scale(x []float32, by float32) {
	for i := range x {
		x[i] *= by
	}
}

// Clamp moves elements into [-limit, limit].
func Clamp(x []float32, limit float32) {
	for i, v := range x {
		x[i] = max(-limit, min(limit, v))
	}
}

// AddScaled adds by*x to sum.
func AddScaled(sum, x []float32, by float32) {
	n := active.addScaled.run(coeffs{scaleAt: by}, sum, x, nil, nil, nil)
	sum, x = sum[n:], x[n:len(sum)]
	for i := range sum {
		sum[i] += by * x[i]
	}
}

// Approach moves a the given share of the way to w: it is a running average.
func Approach(a, w []float32, share float32) {
	n := active.approach.run(coeffs{scaleAt: share}, a, w, nil, nil, nil)
	a, w = a[n:], w[n:len(a)]
	for i, v := range a {
		a[i] = settle(v+share*(w[i]-v), leastNormal32)
	}
}
