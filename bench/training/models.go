package main

import (
	"fmt"

	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/tensor"
)

// resNet18 is the ResNet-18 of He et al., 2015, on pictures of 224 x 224.
func resNet18() (network, error) {
	net := nn.Sequential{conv(64, 7, 2, 1), nn.BatchNorm{}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}}}
	number := 0
	for stage, channels := range []int{64, 128, 256, 512} {
		for i := range 2 {
			number++
			net = append(net, nn.Named(fmt.Sprintf("block%d", number), basicBlock(channels, 1+min(1, stage)*(1-i))))
		}
	}
	net = append(net, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Named("fc", nn.Linear{Out: 1000}))
	return build(network{shape: []int{3, 224, 224}, classes: 1000}, net)
}

func conv(out, kernel, stride, groups int) nn.Layer {
	return nn.Conv{Out: out, Kernel: nn.Size{kernel}, Stride: nn.Size{stride}, Padding: nn.Size{kernel / 2}, Groups: groups, NoBias: true}
}

// basicBlock is two convolutions with a shortcut, which is a convolution of its own where the shape changes.
func basicBlock(channels, stride int) nn.Layer {
	block := nn.Residual{Body: nn.Sequential{
		conv(channels, 3, stride, 1), nn.BatchNorm{}, nn.ReLU{}, conv(channels, 3, 1, 1), nn.BatchNorm{},
	}}
	if stride > 1 {
		block.Shortcut = nn.Sequential{conv(channels, 1, stride, 1), nn.BatchNorm{}}
	}
	return nn.Sequential{block, nn.ReLU{}}
}

// mobileNetV2 is the MobileNetV2 of Sandler et al., 2018, on pictures of 224 x 224.
func mobileNetV2() (network, error) {
	net := nn.Sequential{conv(32, 3, 2, 1), nn.BatchNorm{}, nn.ReLU6{}}
	in := 32
	for _, s := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s[2] {
			net = append(net, inverted(in, s[1], s[0], 1+(s[3]-1)*max(0, 1-i)))
			in = s[1]
		}
	}
	net = append(net, conv(1280, 1, 1, 1), nn.BatchNorm{}, nn.ReLU6{}, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Named("fc", nn.Linear{Out: 1000}))
	return build(network{shape: []int{3, 224, 224}, classes: 1000}, net)
}

// inverted is a residual block that widens by a factor before its depthwise convolution.
func inverted(in, out, factor, stride int) nn.Layer {
	var body nn.Sequential
	wide := in * factor
	if factor > 1 {
		body = append(body, conv(wide, 1, 1, 1), nn.BatchNorm{}, nn.ReLU6{})
	}
	body = append(body, conv(wide, 3, stride, wide), nn.BatchNorm{}, nn.ReLU6{}, conv(out, 1, 1, 1), nn.BatchNorm{})
	if stride == 1 && in == out {
		return nn.Residual{Body: body}
	}
	return body
}

// bert is an encoder as of Devlin et al., 2018, on 128 tokens, with the first position's state as features.
func bert(layers, width, heads, words int) func() (network, error) {
	return func() (network, error) {
		net := nn.Sequential{nn.Embedding{Count: words, Width: width}, nn.Positions{Max: 512}, nn.LayerNorm{}}
		for i := range layers {
			net = append(net, nn.Named(fmt.Sprintf("block%d", i+1), nn.TransformerBlock{Heads: heads, PostNorm: true}))
		}
		first := nn.Func("first", func(x *nn.Value) *nn.Value {
			b := x.Builder()
			return b.Op("Gather", nn.Attrs{"axis": 1}, x, b.Constant("zero", tensor.Scalar[int64](0)))
		})
		net = append(net, first, nn.Named("fc", nn.Linear{Out: 2}))
		return build(network{shape: []int{128}, words: int64(words), classes: 2}, net)
	}
}

// lstm is a layer of 128 units on sequences of 64 steps of 128 numbers.
func lstm() (network, error) {
	return build(network{shape: []int{64, 128}, classes: 10}, nn.Sequential{nn.LSTM{Hidden: 128, Last: true}, nn.Named("fc", nn.Linear{Out: 10})})
}
