package privacy

import "math"

// zigguratEdge is where the lowest layer of 256 ends and the tail begins, and zigguratArea the area of each layer under
// exp(-x²/2): from the paper of Marsaglia and Tsang.
const (
	zigguratEdge = 3.6541528853610088
	zigguratArea = 0.00492867323399
)

// A zigguratLayer is a rectangle from 0 to 1<<53 units. A place below inner is under the curve whatever the height; beyond it the
// layer is between the heights low and high.
type zigguratLayer struct {
	unit, inner float64
	low, high   float64
}

var ziggurat = zigguratLayers()

// zigguratLayers returns the layers from the lowest up. The lowest is as wide as its area is, tail included, over its height.
func zigguratLayers() (layers [256]zigguratLayer) {
	height := func(x float64) float64 { return math.Exp(-x * x / 2) }
	width := zigguratArea / height(zigguratEdge)
	x := zigguratEdge
	layers[0] = zigguratLayer{unit: width * 0x1p-53, inner: zigguratEdge}
	for i := 1; i < len(layers); i++ {
		high := height(x) + zigguratArea/x
		inner := 0.0
		if high < 1 && i < len(layers)-1 {
			inner = math.Sqrt(-2 * math.Log(high))
		}
		layers[i] = zigguratLayer{unit: x * 0x1p-53, inner: inner, low: height(x), high: min(high, 1)}
		x = inner
	}
	return layers
}
