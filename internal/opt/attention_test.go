package opt_test

import "strings"

// Parts of attention over tokens, [2, 5, 8]: two heads of 4.
const (
	splitQ = "MatMul tokens W8x8 -> q0; Reshape q0 #2,5,2,4 -> q1; Transpose q1 perm=0,2,1,3 -> q; "
	splitK = "MatMul tokens K8x8 -> k0; Reshape k0 #2,5,2,4 -> k1; Transpose k1 perm=0,2,1,3 -> k; "
	splitV = "MatMul tokens V8x8 -> v0; Reshape v0 #2,5,2,4 -> v1; Transpose v1 perm=0,2,1,3 -> v; "
	split  = splitQ + splitK + splitV
	packed = "MatMul tokens W8x24 -> p0; Reshape p0 #2,5,3,2,4 -> p1; Transpose p1 perm=2,0,3,1,4 -> p; "
	join   = "; Transpose o perm=0,2,1,3 -> t; Reshape t #2,5,8 -> y"
	flip   = "Transpose k perm=0,1,3,2 -> kt; "

	plain         = "MatMul Reshape Transpose MatMul Reshape Transpose MatMul Reshape Transpose FusedMatMul Softmax MatMul"
	three, three2 = "MatMul MatMul MatMul Attention Reshape", "MatMul MatMul MatMul Attention"
)

// attentionForms are spellings of attention in the exports of several programs.
var attentionForms = []struct{ name, input, nodes, want string }{
	{"attention", "tokens", split + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, three},
	{"attention that keeps heads first", "tokens", split + flip + "MatMul q kt -> s; Softmax s axis=3 -> w; MatMul w v -> y", three2},
	{"scale behind, mask", "tokens", split + flip + "MatMul q kt -> s; Mul s 0.5 -> m; Add m M2x1x5x5 -> a; Softmax a axis=-1 -> w; MatMul w v -> o" + join, three},
	{"division, mask in front, two masks", "tokens", split + flip + "MatMul q kt -> s; Div s 2 -> m; Add M1x5 m -> a; Add a M1x2x5x5 -> b; Softmax b axis=-1 -> w; MatMul w v -> o" + join, three},
	{"scale in front, keys transposed at once", "tokens", splitQ + splitV + "MatMul tokens K8x8 -> k0; Reshape k0 #2,5,2,4 -> k1; Transpose k1 perm=0,2,3,1 -> kt; Mul q 0.5 -> qs; MatMul qs kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, three},
	{"scale before the split", "tokens", splitK + splitV + "MatMul tokens W8x8 -> q0; Mul q0 0.5 -> qm; Reshape qm #2,5,2,4 -> q1; Transpose q1 perm=0,2,1,3 -> q; " + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, three},
	{"root of the scale on both, keys through three axes, NaN guarded", "tokens", split + "Reshape k #-1,5,4 -> ka; Transpose ka perm=0,2,1 -> kb; Reshape kb #2,2,4,5 -> kc; Mul q 0.7 -> qs; Mul kc 0.7 -> ks; MatMul qs ks -> s; Log L2x1x5x1 -> l; Add s l -> a; Softmax a axis=-1 -> w; IsNaN w -> n; Where n 0 w -> g; MatMul g v -> o" + join, three},
	{"hidden queries give NaN", "tokens", split + flip + "MatMul q kt -> s; Greater M5x1 0.4 -> c; Where c 0 -Inf -> h; Add s h -> a; Softmax a axis=-1 -> w; MatMul w v -> o" + join, three},
	{"hidden queries give 0", "tokens", split + flip + "MatMul q kt -> s; Greater M5x1 0.4 -> c; Where c 0 -Inf -> h; Add s h -> a; Softmax a axis=-1 -> w; IsNaN w -> n; Where n 0 w -> g; MatMul g v -> o" + join, three},
	{"scores replaced", "tokens", split + flip + "MatMul q kt -> s; Greater tokens 0.5 -> c0; Reshape c0 #2,1,5,8 -> c1; Slice c1 #0 #5 #3 -> c; Where c s -10000 -> a; Softmax a axis=-1 -> w; MatMul w v -> o" + join, "MatMul MatMul MatMul Greater Reshape Slice Attention Reshape"},
	{"scores replaced where the mask is set", "tokens", split + flip + "MatMul q kt -> s; Greater tokens 0.5 -> c0; Reshape c0 #2,1,5,8 -> c1; Slice c1 #0 #5 #3 -> c; Where c -10000 s -> a; Softmax a axis=-1 -> w; MatMul w v -> o" + join, "MatMul MatMul MatMul Greater Reshape Slice Not Attention Reshape"},
	{"one product, parts by Split", "tokens", packed + "Split p #1,1,1 axis=0 -> q2 k2 v2; Squeeze q2 #0 -> q; Squeeze k2 #0 -> k; Squeeze v2 #0 -> v; " + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, "MatMul Reshape Attention Reshape"},
	{"one product, parts by Slice", "tokens", packed + "Slice p #0 #1 #0 -> q2; Slice p #1 #2 #0 -> k2; Slice p #-1 #9 #0 -> v2; Squeeze q2 #0 -> q; Squeeze k2 #0 -> k; Squeeze v2 #0 -> v; " + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, "MatMul Reshape Attention Reshape"},
	{"one product, split before the heads", "tokens", "MatMul tokens W8x24 -> p; Split p #8,8,8 axis=2 -> q0 k0 v0; Reshape q0 #2,5,2,4 -> q1; Reshape k0 #2,5,2,4 -> k1; Reshape v0 #2,5,2,4 -> v1; Transpose q1 perm=0,2,1,3 -> q; Transpose k1 perm=0,2,1,3 -> k; Transpose v1 perm=0,2,1,3 -> v; " + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, "MatMul Attention Reshape"},
	{"heads of keys repeated", "tokens", splitQ + "MatMul tokens K8x4 -> k0; Reshape k0 #2,5,1,4 -> k1; Transpose k1 perm=0,2,1,3 -> k2; Unsqueeze k2 #2 -> k3; Expand k3 #2,1,2,5,4 -> k4; Reshape k4 #2,2,5,4 -> k; MatMul tokens V8x4 -> v0; Reshape v0 #2,5,1,4 -> v1; Transpose v1 perm=0,2,1,3 -> v2; Unsqueeze v2 #2 -> v3; Expand v3 #2,1,2,5,4 -> v4; Reshape v4 #2,2,5,4 -> v; " + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, "MatMul MatMul MatMul Attention Reshape"},
	{"heads of keys repeated, through three axes", "tokens", splitQ + "MatMul tokens K8x4 -> k0; Reshape k0 #2,5,1,4 -> k1; Transpose k1 perm=0,2,1,3 -> k2; Unsqueeze k2 #2 -> k3; Expand k3 #2,1,2,5,4 -> k4; Reshape k4 #4,5,4 -> ka; Transpose ka perm=0,2,1 -> kb; Reshape kb #2,2,4,5 -> kt; MatMul tokens V8x4 -> v0; Reshape v0 #2,5,1,4 -> v1; Transpose v1 perm=0,2,1,3 -> v2; Unsqueeze v2 #2 -> v3; Expand v3 #2,1,2,5,4 -> v4; Reshape v4 #2,2,5,4 -> v; MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o" + join, "MatMul MatMul MatMul Attention Reshape"},
	{"heads of keys alone repeated", "tokens", splitQ + "MatMul tokens K8x4 -> k0; Reshape k0 #2,5,1,4 -> k1; Transpose k1 perm=0,2,1,3 -> k2; Unsqueeze k2 #2 -> k3; Expand k3 #2,1,2,5,4 -> k4; Reshape k4 #2,2,5,4 -> k; " + splitV + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> y", "MatMul Reshape Transpose MatMul Reshape Transpose Unsqueeze Expand Reshape MatMul Reshape Transpose FusedMatMul Softmax MatMul"},
	{"windows", "tokens", split + flip + "MatMul q kt -> s; Add s B1x2x5x5 -> a; Reshape a #1,2,2,5,5 -> r; Add r M1x2x1x5x5 -> m; Reshape m #-1,2,5,5 -> u; Softmax u axis=-1 -> w; MatMul w v -> o" + join, three},
	{"a factor for each head, mask", "tokens", split + flip + "MatMul q kt -> s; Mul s F2x1x1 -> m; Add m M2x1x5x5 -> a; Softmax a axis=-1 -> w; MatMul w v -> o" + join, "MatMul Reshape Transpose MatMul MatMul Mul Attention Reshape"},
	{"no attention: a factor behind the mask", "tokens", split + flip + "MatMul q kt -> s; Add s M2x1x5x5 -> a; Mul F1x2x1x1 a -> m; Softmax m axis=-1 -> w; MatMul w v -> o" + join, strings.Replace(plain, "Softmax", "Add Mul Softmax", 1) + " Transpose Reshape"},
	{"rotated halves", "tokens", splitQ + "Slice q #0 #2 #3 -> a; Slice q #2 #9 #3 -> b; Neg b -> n; Concat n a axis=-1 -> h; Mul q C5x4 -> c; Mul h S5x4 -> s; Add c s -> y", "MatMul RotateHalf"},
	{"rotated halves by Split", "tokens", splitQ + "Split q #2,2 axis=3 -> a b; Neg b -> n; Concat n a axis=3 -> h; Mul C1x1x5x4 q -> c; Mul S1x1x5x4 h -> s; Add s c -> y", "MatMul RotateHalf"},
	{"cyclic shifts", "tokens", "Slice tokens #-3 #99 #1 -> a; Slice tokens #0 #-3 #1 -> b; Concat a b axis=1 -> c; Slice c #3 #8 #2 -> d; Slice c #0 #3 #2 -> e; Concat d e axis=2 -> y", "Roll"},
	{"no cyclic shift: slices overlap", "tokens", "Slice tokens #2 #5 #1 -> a; Slice tokens #1 #3 #1 -> b; Concat a b axis=1 -> y", "Slice Slice Concat"},
	{"no rotation: the first half is negative", "tokens", splitQ + "Split q #2,2 axis=3 -> a b; Neg a -> n; Concat n b axis=3 -> h; Mul C1x1x5x4 q -> c; Mul S1x1x5x4 h -> s; Add s c -> y", "MatMul Reshape Transpose Elementwise Place Place Mul Mul Add"},
	{"no attention: scores are read twice", "tokens", split + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o; ReduceMax s axes=3 -> b; Add o b -> y", plain + " ReduceMax Add"},
	{"no attention: softmax over another axis", "tokens", split + flip + "MatMul q kt -> s; Softmax s axis=2 -> w; MatMul w v -> y", plain},
}
