package depthwise

const genericLanes = 8

// rowsGeneric is what row kernels compute, whatever the number of lanes.
func rowsGeneric(a *Args, taps, stride int) {
	outputs, columns := a.Blocks*Block, -1
	if a.Edge > 0 {
		outputs, columns = a.Edge, a.Columns
	}
	for o := range outputs {
		at, y := a.At+o*stride*a.Pixel, a.Y[o*a.Pixel:]
		for c := 0; c < a.Channels; c += genericLanes {
			n := min(genericLanes, a.Channels-c)
			acc := start(a.Bias[c:], n)
			w := c / genericLanes * a.Group
			for _, s := range a.Spans {
				for k := range taps {
					if a.Edge == 0 || columns>>(o*stride+k)&1 != 0 {
						accumulate(&acc, a.X[at+s.X+k*a.Pixel+c:], a.W[w+s.W+k*genericLanes:], n)
					}
				}
			}
			store(y[c:], &acc, n, a)
		}
	}
}

func tapsGeneric(a *Args) {
	for o := range a.Blocks {
		at, y := a.At+o*a.Stride*a.Pixel, a.Y[o*a.YStep:]
		for c := 0; c < a.Channels; c += genericLanes {
			n := min(genericLanes, a.Channels-c)
			acc := start(a.Bias[c:], n)
			w := c / genericLanes * a.Group
			for _, s := range a.Spans {
				accumulate(&acc, a.X[at+s.X+c:], a.W[w+s.W:], n)
			}
			store(y[c:], &acc, n, a)
		}
	}
}

func start(bias []float32, n int) (acc [genericLanes]float32) {
	copy(acc[:n], bias[:n])
	return acc
}

// accumulate adds the products of n lanes.
func accumulate(acc *[genericLanes]float32, x, w []float32, n int) {
	if n == genericLanes {
		x, w := (*[genericLanes]float32)(x), (*[genericLanes]float32)(w)
		for i := range acc {
			acc[i] += x[i] * w[i]
		}
		return
	}
	for i, v := range x[:n] {
		acc[i] += v * w[i]
	}
}

// store writes the bounded sums; NaN stays NaN.
func store(y []float32, acc *[genericLanes]float32, n int, a *Args) {
	for i, v := range acc[:n] {
		switch {
		case v < a.Lo:
			v = a.Lo
		case v > a.Hi:
			v = a.Hi
		}
		y[i] = v
	}
}
