package ops

import "github.com/onnxrun/onnxrun/internal/kernel/rnn"

// RNN, GRU and LSTM of the onnxrun domain are the operators of ai.onnx with one input more, the mask: factors of the
// state before it is multiplied with R, [directions, batch, hidden] as initial_h is (with layout 1 [batch, directions,
// hidden]), the same in all steps. So a mask of zeros and 1/(1-p) is the variational dropout of Gal & Ghahramani (2016),
// "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks"; the one of the inputs is a product
// before the node. What a GRU mixes with its new state, and the cell of an LSTM, are not masked. A node without a mask
// is that of ai.onnx, of its newest version.

// rnnMask is the input of the mask.
const rnnMask = 8

func setMasked(layers []rnn.Layer, on bool) {
	for d := range layers {
		layers[d].Masked = on
	}
}
