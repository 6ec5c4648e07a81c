//go:build amd64 && !purego

package optim

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []variant{
	{
		name: "avx2", needs: cpu.AVX2,
		sgd: sgdAVX2, momentum: momentumAVX2, adam: adamAVX2, amsgrad: amsgradAVX2, adagrad: adagradAVX2,
		rmsprop: rmspropAVX2, centered: centeredAVX2, lion: lionAVX2,
		approach: approachAVX2, addScaled: addScaledAVX2, sumSquares: sumSquaresAVX2,
	},
}
