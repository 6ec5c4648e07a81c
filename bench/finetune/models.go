package main

import (
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// classes is the number of classes of both models.
const classes = 10

// head is a linear layer on features x [batch, 512].
func head() (*onnx.Model, []int, error) { return model(nn.Linear{Out: classes}, 512) }

// resNet18 is the ResNet-18 of He et al., 2015, on pictures x [batch, 3, 224, 224].
func resNet18() (*onnx.Model, []int, error) {
	net := nn.Sequential{conv(64, 7, 2), nn.BatchNorm{}, nn.ReLU{}, nn.MaxPool{Kernel: nn.Size{3}, Stride: nn.Size{2}, Padding: nn.Size{1}}}
	for stage, channels := range []int{64, 128, 256, 512} {
		stride := min(1+stage, 2)
		net = append(net, basicBlock(channels, stride), basicBlock(channels, 1))
	}
	return model(append(net, nn.GlobalAveragePool{}, nn.Flatten{}, nn.Linear{Out: classes}), 3, 224, 224)
}

func conv(out, kernel, stride int) nn.Layer {
	return nn.Conv{Out: out, Kernel: nn.Size{kernel}, Stride: nn.Size{stride}, Padding: nn.Size{kernel / 2}, NoBias: true}
}

// basicBlock is two convolutions with a shortcut, which is a convolution of its own where the shape changes.
func basicBlock(channels, stride int) nn.Layer {
	block := nn.Residual{Body: nn.Sequential{
		conv(channels, 3, stride), nn.BatchNorm{}, nn.ReLU{}, conv(channels, 3, 1), nn.BatchNorm{},
	}}
	if stride > 1 {
		block.Shortcut = nn.Sequential{conv(channels, 1, stride), nn.BatchNorm{}}
	}
	return nn.Sequential{block, nn.ReLU{}}
}

func model(layer nn.Layer, shape ...int) (*onnx.Model, []int, error) {
	dims := []nn.Dim{nn.Batch}
	for _, n := range shape {
		dims = append(dims, nn.Dim(n))
	}
	b := nn.New("model", 1)
	b.Output("scores", layer.Apply(b.Input("x", tensor.Float32, dims...)))
	m, err := b.Model()
	return m, shape, err
}
