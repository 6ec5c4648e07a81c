package opt_test

// selectionForms are nodes in front of which a selection moves, or stays behind.
var selectionForms = []struct{ name, input, nodes, want string }{
	{"a token of an encoder", "tokens", split + flip + "MatMul q kt -> s; Softmax s axis=-1 -> w; MatMul w v -> o; Transpose o perm=0,2,1,3 -> t; Reshape t #2,5,8 -> r; MatMul r P8x8 -> p; Add p tokens -> a; LayerNormalization a G8 H8 -> n; MatMul n F8x16 -> f; Relu f -> g; MatMul g E16x8 -> e; Add e n -> z; Slice z #2 #3 #1 -> y", "Slice MatMul MatMul MatMul Attention Reshape FusedMatMul LayerNormalization FusedMatMul FusedMatMul"},
	{"the last tokens", "tokens", "MatMul tokens W8x8 -> p; Softmax p axis=-1 -> s; Mul s B5x8 -> m; Slice m #-2 #9 #1 -> y", "Slice MatMul Softmax Mul"},
	{"masks with a number per token", "tokens", "MatMul tokens W8x8 -> p; Greater B5x1 0.4 -> c; Where c p 0.5 -> m; Add m D5x1 -> a; Slice a #1 #2 #1 -> y", "Slice MatMul Where Add"},
	{"an axis of matrices", "tokens", splitQ + "MatMul q W4x6 -> p; MatMul p U2x6x3 -> o; Slice o #0 #1 #1 -> y", "MatMul Reshape Slice Transpose MatMul MatMul"},
	{"stays: columns", "tokens", "MatMul tokens W8x8 -> p; Slice p #0 #1 #2 -> y", "MatMul Slice"},
	{"stays: most of the tokens", "tokens", "MatMul tokens W8x8 -> p; Slice p #0 #3 #1 -> y", "MatMul Slice"},
	{"stays: no product", "tokens", "Relu tokens -> p; Slice p #0 #1 #1 -> y", "Relu Slice"},
	{"stays: tokens are mixed", "tokens", "MatMul tokens W8x8 -> p; Softmax p axis=1 -> s; Slice s #0 #1 #1 -> y", "MatMul Softmax Slice"},
	{"stays: others are read", "tokens", "MatMul tokens W8x8 -> p; Slice p #0 #1 #1 -> s; Add s p -> y", "MatMul Slice Add"},
}
