package nn

import "fmt"

// TransformerBlock is one layer of a transformer on a sequence [batch, sequence, width]: attention and two Linear layers, each
// with a normalisation and added to its input. The normalisation stands before each (as in GPT), or after each sum
// (Vaswani et al., 2017).
//
// Weights: norm1, attn, norm2, fc1 and fc2, as those of LayerNorm, MultiHeadAttention and Linear.
type TransformerBlock struct {
	Heads      int
	KVHeads    int   // 0 stands for Heads
	Hidden     int   // numbers between the two Linear layers; 0 stands for 4 * width
	Activation Layer // between them; nil: GELU
	Norm       Layer // nil: LayerNorm
	PostNorm   bool  // after the sums
	Causal     bool  // no position looks at a later one
	NoBias     bool  // of the Linear layers and the attention
	Dropout    float64
}

// Apply adds the layers.
func (l TransformerBlock) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("TransformerBlock", "block")()
	width, ok := b.sized(x, -1)
	if !ok {
		return b.none()
	}
	attention := MultiHeadAttention{Heads: l.Heads, KVHeads: l.KVHeads, Causal: l.Causal, NoBias: l.NoBias}
	x = l.add(x, 1, Named("attn", attention))
	layers := Sequential{
		Linear{Out: orDefault(l.Hidden, 4*width), NoBias: l.NoBias}, orLayer(l.Activation, GELU{}), Dropout{P: l.Dropout},
		Linear{Out: width, NoBias: l.NoBias},
	}
	if l.Dropout == 0 {
		layers = Sequential{layers[0], layers[1], layers[3]}
	}
	return l.add(x, 2, layers)
}

// add adds what a layer makes of x to x, with the normalisation of that number.
func (l TransformerBlock) add(x *Value, number int, layer Layer) *Value {
	norm := Named(fmt.Sprintf("norm%d", number), orLayer(l.Norm, LayerNorm{}))
	if l.PostNorm {
		return norm.Apply(x.b.Op("Add", nil, x, dropped(layer.Apply(x), l.Dropout)))
	}
	return x.b.Op("Add", nil, x, dropped(layer.Apply(norm.Apply(x)), l.Dropout))
}

func orLayer(l, def Layer) Layer {
	if l == nil {
		return def
	}
	return l
}
