package opt_test

import (
	"math"
	"strings"
	"testing"
)

// regions are graphs around convolutions and the nodes that must be left: those between convolutions follow them to
// channels last, and only the edges are reordered. C4 stands for a convolution of four channels.
var regions = []struct{ name, nodes, want string }{
	{"elementwise and constants", "C4 image -> c; Mul c A4x1x1 -> m; Sub m 0.5 -> d; C4 d -> y", "Transpose NhwcConv Sub NhwcConv Transpose"},
	{"residual after the activation", "C4 image -> c; C4 c -> d; Sigmoid d -> s; Mul d s -> w; Add w c -> y", "Transpose NhwcConv NhwcConv Transpose"},
	{"factor and sum for each channel", "Conv image K4x4x3x3 -> c; Mul c A1x4x1x1 -> m; Add m B4x1x1 -> a; Relu a -> y", "Transpose NhwcConv Transpose"},
	{"squeeze and excite", "C4 image -> c; GlobalAveragePool c -> g; Conv g K4x4x1x1 -> s; Sigmoid s -> t; Mul c t -> m; C4 m -> y", "Transpose NhwcConv ReduceMean NhwcConv Mul NhwcConv Transpose"},
	{"mean of a picture", "C4 image -> c; ReduceMean c axes=2,3 -> m; Sub c m -> d; ReduceMean d axes=-1,-2 keepdims=0 -> y", "Transpose NhwcConv ReduceMean Sub ReduceMean"},
	{"concatenation", "C4 image -> c; Relu c -> r; Neg c -> n; Concat r n axis=1 -> d; Concat d d axis=-2 -> y", "Transpose NhwcConv Relu Neg Concat Concat Transpose"},
	{"parts", "C4 image -> c; Split c axis=1 -> a b; Concat b a axis=1 -> y", "Transpose NhwcConv Place Place Transpose"},
	{"slice", "C4 image -> c; Slice c #1,0 #3,6 #1,-1 #1,2 -> y", "Transpose NhwcConv Slice Transpose"},
	{"slice without axes", "C4 image -> c; Slice c #0,1 #1,3 -> y", "Transpose NhwcConv Slice Transpose"},
	{"pad of all axes", "C4 image -> c; Pad c #0,1,0,2,0,0,1,0 -> y", "Transpose NhwcConv Pad Transpose"},
	{"pad before a convolution", "Pad image #0,0,1,2,0,0,0,1 -> p; Conv p K5x4x3x3 pads=1,0,0,1 -> y", "Transpose NhwcConv Transpose"},
	{"resize by scales", "C4 image -> c; Resize c none %1,1,2,3 -> y", ""},
	{"softmax over channels", "Conv image K64x4x1x1 -> c; Softmax c axis=1 -> y", "Transpose NhwcConv Softmax Transpose"},
	{"softmax over few channels", "C4 image -> c; Softmax c axis=1 -> y", "Transpose NhwcConv Transpose Softmax"},
	{"normalisation after an activation", "C4 image -> c; Relu c -> r; BatchNormalization r G4 B4 M4 V4 -> y", "Transpose NhwcConv Transpose"},
	{"normalisation alone", "C4 image -> c; Tanh c -> r; MaxPool r kernel_shape=2,2 -> p; BatchNormalization p G4 B4 M4 V4 -> y", "Transpose NhwcConv NhwcMaxPool NhwcConv Transpose"},
	{"transposition of the model", "C4 image -> c; Transpose c perm=0,2,3,1 -> t; MatMul t W4x5 -> p; Transpose p perm=0,3,1,2 -> b; Conv b K4x5x1x1 -> y", "Transpose NhwcConv MatMul NhwcConv Transpose"},
	{"another transposition", "C4 image -> c; Transpose c perm=0,3,1,2 -> y", "Transpose NhwcConv Transpose"},
	{"tokens", "C4 image -> c; Reshape c #1,4,36 -> r; Transpose r perm=0,2,1 -> y", "Transpose NhwcConv Reshape"},
	{"flat features", "C4 image -> c; GlobalMaxPool c -> g; Flatten g -> f; MatMul f W4x3 -> y", "Transpose NhwcConv ReduceMax Reshape MatMul"},
	{"flat picture", "C4 image -> c; Flatten c -> y", "Transpose NhwcConv Transpose Flatten"},
	{"one channel", "Conv image K1x4x3x3 -> c; Conv c L4x1x1x1 -> y", "Transpose NhwcConv NhwcConv Transpose"},
	{"mask", "C4 image -> c; Greater c 1 -> g; Where g c 0.5 -> y", "Transpose NhwcConv Greater Where Transpose"},
	{"slope for each channel", "C4 image -> c; Sub c 1 -> d; PRelu d A4x1x1 -> y", "Transpose NhwcConv Sub PRelu Transpose"},
	{"depthwise alone", "Tile image #1,1,5,5 -> i; Conv i K4x1x3x3 group=4 -> c; Relu c -> y", "Tile FusedConv"},
	{"depthwise alone on narrow planes", "Tile image #1,1,1,4 -> i; Conv i K4x1x3x3 group=4 -> y", "Tile Transpose NhwcConv Transpose"},
	{"depthwise twice", "Tile image #1,1,5,5 -> i; Conv i K4x1x3x3 group=4 pads=1,1,1,1 -> c; Relu c -> r; Conv r K4x1x3x3 group=4 -> y", "Tile FusedConv Conv"},
	{"depthwise between transpositions of the model", "Tile image #1,1,5,5 -> i; Transpose i perm=0,2,3,1 -> l; Tanh l -> t; Transpose t perm=0,3,1,2 -> b; Conv b K4x1x3x3 group=4 -> c; Transpose c perm=0,2,3,1 -> y", "Tile Transpose Tanh NhwcConv"},
	{"depthwise before others", "Tile image #1,1,5,5 -> i; Conv i K4x1x3x3 group=4 -> c; C4 c -> y", "Tile Transpose NhwcConv NhwcConv Transpose"},
	{"window as wide as the rows", "Conv image K5x4x3x6 -> c; Relu c -> y", "Transpose Reshape NhwcConv Transpose"},
	{"window as wide as the words", "Reshape image #1,1,24,6 -> w; Conv w K5x1x3x6 strides=2,1 pads=1,0,0,0 -> y", "Reshape Reshape Reshape NhwcConv Transpose"},
	{"words without the axis of their rows", "Reshape image #1,1,24,6 -> w; Conv w K5x1x3x6 -> c; Relu c -> r; Squeeze r #3 -> s; MaxPool s kernel_shape=22 -> y", "Reshape Reshape Reshape NhwcConv Squeeze NhwcMaxPool Reshape"},
	{"another axis", "C4 image -> c; Unsqueeze c #3 -> u; Neg u -> n; Squeeze n #-2 -> s; C4 s -> y", "Transpose NhwcConv Unsqueeze Neg Squeeze NhwcConv Transpose"},
	{"an axis before the channels", "C4 image -> c; Unsqueeze c #1 -> y", "Transpose NhwcConv Transpose Unsqueeze"},
	{"window as large as the map", "Conv image K5x4x6x6 -> y", "Transpose Reshape NhwcConv Reshape"},
	{"window as high as the map", "Conv image K5x4x6x3 -> y", "Transpose NhwcConv Transpose"},
	{"window over the whole row and beside it", "Conv image K5x4x3x6 pads=0,1,0,0 -> y", "Transpose NhwcConv Transpose"},
	{"read in both orders", "C4 image -> c; Relu c -> r; ReduceSum r #1 -> s; Softmax r -> t; Add s t -> y", ""},
}

func TestLayouts(t *testing.T) {
	for _, f := range regions {
		t.Run(f.name, func(t *testing.T) {
			nodes := f.nodes
			for strings.Contains(nodes, "C4 ") {
				before, after, _ := strings.Cut(nodes, "C4 ")
				in, rest, _ := strings.Cut(after, " ")
				nodes = before + "Conv " + in + " K4x4x3x3 pads=1,1,1,1 " + rest
			}
			m := parse("image", nodes)
			plain, _ := apply(t, m, true)
			fused, kinds := apply(t, m, false)
			if got := strings.Join(kinds, " "); got != f.want && f.want != "" {
				t.Errorf("left: %s, want %s", got, f.want)
			}
			if len(fused) != len(plain) {
				t.Fatalf("%d elements, want %d", len(fused), len(plain))
			}
			for i, want := range plain {
				if math.Abs(float64(fused[i]-want)) > 1e-4*max(1, math.Abs(float64(want))) {
					t.Fatalf("element %d is %v, want %v", i, fused[i], want)
				}
			}
		})
	}
}

// TestLayoutOfOldBroadcasts adds a value for each channel as operator sets before 7 did, by the axis that an attribute
// names: the node stays in the model's order.
func TestLayoutOfOldBroadcasts(t *testing.T) {
	m := parse("image", "Conv image K6x4x1x1 -> c; Add c B6 axis=1 broadcast=1 -> y")
	m.Opsets[0].Version = 6
	plain, _ := apply(t, m, true)
	fused, kinds := apply(t, m, false)
	if got, want := strings.Join(kinds, " "), "Transpose NhwcConv Transpose Add"; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
	for i, want := range plain {
		if math.Abs(float64(fused[i]-want)) > 1e-4*max(1, math.Abs(float64(want))) {
			t.Fatalf("element %d is %v, want %v", i, fused[i], want)
		}
	}
}
