package vec

import "math"

// LayerNormGradRows sets dx to the gradient of LayerNormRows for dy, that of its result, and adds the gradients of scale and bias to
// ofScale and ofShift. Rows have len(scale) elements, at most MaxRow; dx may be x or dy.
func LayerNormGradRows(dx, x, dy, scale, ofScale, ofShift []float32, eps float32) {
	normGradRows(active.layerNormGrad, dx, x, dy, scale, ofScale, ofShift[:len(scale)], eps)
}

// RMSNormGradRows is LayerNormGradRows for RMSNormRows without bias.
func RMSNormGradRows(dx, x, dy, scale, ofScale []float32, eps float32) {
	normGradRows(active.rmsNormGrad, dx, x, dy, scale, ofScale, nil, eps)
}

// A normGradFunc takes rows of cols elements.
type normGradFunc func(dx, x, dy, scale, ofScale, ofShift []float32, cols int, eps float32)

// normGradGroup divides the number of rows of a call where there are so many: those that a kernel takes at a time.
const normGradGroup = 4

func normGradRows(f normGradFunc, dx, x, dy, scale, ofScale, ofShift []float32, eps float32) {
	cols := len(scale)
	if cols == 0 {
		return
	}
	x, dy, ofScale = x[:len(dx)], dy[:len(dx)], ofScale[:cols]
	step := max(1, block/(cols*normGradGroup)) * normGradGroup * cols
	for lo := 0; lo < len(dx); lo += step {
		hi := min(len(dx), lo+step)
		f(dx[lo:hi], x[lo:hi], dy[lo:hi], scale, ofScale, ofShift, cols, eps)
	}
}

func layerNormGradGo(dx, x, dy, scale, ofScale, ofShift []float32, cols int, eps float32) {
	for ; len(dx) >= cols; dx, x, dy = dx[cols:], x[cols:], dy[cols:] {
		mean := sumGo(x[:cols]) / float32(cols)
		variance := float64(sumDeviationGo(x[:cols], mean)) / float64(cols)
		normGradGo(dx[:cols], x, dy, scale, ofScale, ofShift, mean, 1/math.Sqrt(variance+float64(eps)))
	}
}

func rmsNormGradGo(dx, x, dy, scale, ofScale, _ []float32, cols int, eps float32) {
	for ; len(dx) >= cols; dx, x, dy = dx[cols:], x[cols:], dy[cols:] {
		square := float64(sumSquareGo(x[:cols])) / float64(cols)
		normGradGo(dx[:cols], x, dy, scale, ofScale, nil, 0, 1/math.Sqrt(square+float64(eps)))
	}
}

// normGradGo is the gradient of a row, without that of a mean if ofShift is empty.
func normGradGo(dx, x, dy, scale, ofScale, ofShift []float32, mean float32, inv float64) {
	var sum, dot float64 // of dy*scale, and of its products with x-mean
	for i := range dx {
		p := (x[i] - mean) * dy[i]
		ofScale[i] += p * float32(inv)
		dot += float64(p) * float64(scale[i])
		if len(ofShift) > 0 {
			ofShift[i] += dy[i]
			sum += float64(dy[i]) * float64(scale[i])
		}
	}
	n := float64(len(dx))
	ofX, fixed := float32(-dot/n*inv*inv*inv), float32(-sum/n*inv)
	for i := range dx {
		dx[i] = dy[i]*scale[i]*float32(inv) + (x[i]-mean)*ofX + fixed
	}
}
