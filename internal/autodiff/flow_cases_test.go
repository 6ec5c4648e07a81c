package autodiff_test

var flowCases = []flowCase{
	{name: "if taken", main: "c:b=1 x:d2x3 w:d3 => If c -> y | then_branch=@a else_branch=@b => y", graphs: map[string]string{
		"a": "=> Mul x w -> p; Tanh p -> q => q", "b": "=> Mul x x -> q => q"}},
	{name: "if not taken", main: "c:b=0 x:d2x3 w:d3 => If c -> y | then_branch=@a else_branch=@b => y", graphs: map[string]string{
		"a": "=> Mul x w -> p; Tanh p -> q => q", "b": "=> Mul x x -> q => q"}},
	{name: "if of two outputs and other shapes", main: "c:b=1 x:d2x3 => If c -> y z | then_branch=@a else_branch=@b; Mul y y -> u => u z", graphs: map[string]string{
		"a": "=> Concat x x -> p | axis=0; Exp x -> q => p q", "b": "=> Sin x -> p => p x"}},
	{name: "if in if", main: "c:b=1 d:b=0 x:d3 w:d3 => If c -> y | then_branch=@a else_branch=@b => y", graphs: map[string]string{
		"a": "=> Exp x -> e; If d -> q | then_branch=@b else_branch=@e => q", "b": "=> Sin w -> p => p", "e": "=> Mul e w -> r => r"}},
	{name: "loop", main: "n:i=4 x:d2x3 w:d3x3 => Loop n - x -> y | body=@f => y", graphs: map[string]string{
		"f": "i:i c:b h:d => MatMul h w -> p; Tanh p -> q; Identity c -> d => d q"}},
	{name: "loop of no rounds", main: "n:i=0 x:d2x3 w:d3x3 => Loop n - x -> y z | body=@f => y z", graphs: map[string]string{
		"f": "i:i c:b h:d => MatMul h w -> p; Tanh p -> q; Identity c -> d => d q p"}},
	{name: "loop that ends itself", main: "n:i=10 x:d3 w:d3 l:d=4 => Loop n - x -> y z | body=@f => y z", graphs: map[string]string{
		"f": "i:i c:b h:d => Mul h h -> p; Add p w -> q; ReduceSum q -> s | keepdims=0; Less s l -> d => d q p"}},
	{name: "loop with number and counter", main: "n:i=3 x:d3 k:i=2 => Loop n - x k -> y m z | body=@f => y m z", graphs: map[string]string{
		"f": "i:i c:b h:d k:i => Cast i -> a | to=11; Cast k -> b | to=11; Mul h a -> p; Sin p -> s; Mul s b -> q; Add k i -> m; Identity c -> d => d q m h"}},
	{name: "loop that grows", main: "n:i=3 x:d1x3 w:d3x3 => Loop n - x -> y | body=@f => y", graphs: map[string]string{
		"f": "i:i c:b h:d => MatMul h w -> p; Tanh p -> q; Concat h q -> r | axis=0; Identity c -> d => d r"}},
	{name: "loop that shrinks", main: "n:i=2 x:d4 w:d1 => Loop n - x -> y z | body=@f; => y z", graphs: map[string]string{
		"f": "i:i c:b h:d => Constant -> one | value=i1; Constant -> far | value=i9; Slice h one far -> p; Mul p w -> q; ReduceSumSquare h -> r; Identity c -> d => d q r"}},
	{name: "values of which not all are wanted", main: "n:i=3 x:d3 v:d3=1,2,3 => Loop n - x v -> y z | body=@f => y", graphs: map[string]string{
		"f": "i:i c:b h:d v:d => Mul h v -> p; Add v v -> u; Identity c -> d => d p u"}},
	{name: "values that swap places", main: "n:i=3 x:d3 v:d3 => Loop n - x v -> y z | body=@f => z", graphs: map[string]string{
		"f": "i:i c:b h:d v:d => Sin v -> p; Identity c -> d => d p h"}},
	{name: "a slice of each round", main: "n:i=3 x:d3x2 h:d2 => Loop n - h -> y z | body=@f => y z", graphs: map[string]string{
		"f": "i:i c:b h:d => Gather x i -> s; Mul s h -> p; Tanh p -> q; Identity c -> d => d q p"}},
	{name: "scan", main: "h:d2 x:d4x2 w:d2x2 => Scan h x -> y z | body=@f num_scan_inputs=1 => y z", graphs: map[string]string{
		"f": "h:d x:d => MatMul h w -> p; Add p x -> q; Tanh q -> r; Mul r x -> s => r s"}},
	{name: "scan of axes and directions", main: "h:d2 x:d2x3 u:d3x2 => Scan h x u -> y a b | body=@f num_scan_inputs=2 scan_input_axes=-1,0 scan_input_directions=1,0 scan_output_axes=1,0 scan_output_directions=0,1 => y a b", graphs: map[string]string{
		"f": "h:d x:d u:d => Mul h x -> p; Add p u -> q; Sin q -> r; Mul r u -> s => r s q"}},
	{name: "scan without carried values", main: "x:d4x2 w:d2 => Scan x -> y | body=@f num_scan_inputs=1 => y", graphs: map[string]string{
		"f": "x:d => Mul x w -> p; Sin p -> r => r"}},
	{name: "scan of what nobody wants", main: "h:d2 x:d3x2=1,2,3,4,5,6 => Scan h x -> y z | body=@f num_scan_inputs=1 => z", graphs: map[string]string{
		"f": "h:d x:d => Mul h x -> p; Sin p -> r => r x"}},
	{name: "scan of a batch", opset: 8, main: "h:d2x2 x:d2x3x2 w:d2 => Scan - h x -> y z | body=@f num_scan_inputs=1 => y z", graphs: map[string]string{
		"f": "h:d x:d => Mul h w -> p; Add p x -> q; Tanh q -> r; Mul r x -> s => r s"}},
	{name: "scan of slices in a scan", main: "n:i3x1=2,1,3 h:d2 x:d3x3x2 zero:i1=0 => Scan h n x -> y z | body=@o num_scan_inputs=2 => y z", graphs: map[string]string{
		"o": "h:d n:i x:d => Slice x zero n -> s; Scan h s -> y z | body=@f num_scan_inputs=1; ReduceSum z -> r | keepdims=0 => y r",
		"f": "h:d x:d => Mul h x -> q; Tanh q -> r => r q"}},
	{name: "scan of a batch of sequences", opset: 8, main: "n:i3=2,0,3 h:d3x2 x:d3x3x2 u:d3x3x2 w:d2 => Scan n h x u -> y z | body=@f num_scan_inputs=2 directions=1,0 => y z", graphs: map[string]string{
		"f": "h:d x:d u:d => Mul h w -> p; Add p x -> q; Tanh q -> r; Mul r u -> s => r s"}},
	{name: "if in loop", main: "n:i=4 x:d3 w:d3 => Loop n - x -> y | body=@f => y", graphs: map[string]string{
		"f": "i:i c:b h:d => Constant -> two | value=i2; Mod i two -> m; Cast m -> odd | to=9; Mul h w -> p; If odd -> q | then_branch=@a else_branch=@b; Identity c -> d => d q",
		"a": "=> Sin p -> a => a", "b": "=> Mul h p -> b => b"}},
	{name: "loop in scan", main: "h:d2 x:d3x2 w:d2x2 n:i=2 => Scan h x -> y z | body=@f num_scan_inputs=1 => y z", graphs: map[string]string{
		"f": "h:d x:d => Add h x -> a; Loop n - a -> r t | body=@g; ReduceSum t -> s | keepdims=0 => r s",
		"g": "i:i c:b v:d => MatMul v w -> p; Tanh p -> q; Mul q h -> e; Identity c -> d => d e q"}},
	{name: "loop in if in loop", main: "n:i=3 m:i=2 x:d3 w:d3 => Loop n - x -> y z | body=@f => y z", graphs: map[string]string{
		"f": "i:i c:b h:d => Cast i -> odd | to=9; If odd -> q | then_branch=@a else_branch=@b; Identity c -> d => d q h",
		"a": "=> Loop m - h -> r | body=@g => r", "b": "=> Mul h w -> r => r",
		"g": "k:i e:b v:d => Sin v -> s; Mul s w -> u; Add u h -> t; Identity e -> o => o t"}},
	{name: "attention with bodies", main: "q:d1x4x2x3 k:d1x2x3x3 v:d1x2x3x2 w:d4x1x1 => ai.onnx.preview:FlexAttention q k v -> y | score_mod=@s prob_mod=@p => y", graphs: map[string]string{
		"s": "s:d => Mul s w -> m; Tanh m -> t => t", "p": "s:d => Mul s s -> t => t"}},
	{name: "attention without bodies", main: "q:d1x2x2x3 k:d1x2x3x3 v:d1x2x3x2 => ai.onnx.preview:FlexAttention q k v -> y | scale=0.4 => y"},
	{name: "gradient of a gradient", main: "n:i=3 x:d3 w:d_ => Loop n - x -> y | body=@f; ReduceSum y -> s | keepdims=0; Gradient x -> g | y=s => g", graphs: map[string]string{
		"f": "i:i c:b h:d => Mul h w -> p; Sin p -> q; Identity c -> d => d q"}},
	{name: "gradient of a gradient of a scan", main: "h:d2 x:d3x2 w:d_ => Scan h x -> y z | body=@f num_scan_inputs=1; ReduceSum z -> s | keepdims=0; Gradient x h -> g k | y=s => g k", graphs: map[string]string{
		"f": "h:d x:d => Mul h x -> p; Mul p w -> q; Sin q -> r => r q"}},
	{name: "sequence made and joined", main: "x:d2x3 w:d1x3 k:i=1 => SequenceConstruct x w -> s; SequenceAt s k -> a; Mul a a -> b; SequenceInsert s b k -> t; ConcatFromSequence t -> y | axis=0 => y"},
	{name: "sequence split and erased", main: "x:d6x2 n:i=2 k:i=-2 m:i=0 => SplitToSequence x n -> s | axis=0; SequenceErase s k -> t; SequenceAt s m -> a; SequenceInsert t a -> u; Sin a -> b; ConcatFromSequence u -> y | axis=-2 => y b"},
	{name: "sequence of a new axis", main: "x:d4x2 v:d4 m:i=-1 => SplitToSequence x -> s | axis=1 keepdims=0; SequenceErase s -> t; SequenceInsert t v m -> u; ConcatFromSequence u -> y | axis=-1 new_axis=1 => y"},
	{name: "loop that fills a sequence", main: "n:i=3 x:d2x3 => SequenceEmpty -> e | dtype=11; Loop n - x e -> y t | body=@f; ConcatFromSequence t -> z | axis=0 => y z", graphs: map[string]string{
		"f": "i:i c:b h:d s:q => Sin h -> p; Mul p h -> q; SequenceInsert s q -> t; Identity c -> d => d q t"}},
	{name: "loop that reads a sequence", main: "n:i=3 x:d3x2 h:d2 => SplitToSequence x -> s | axis=0 keepdims=0; Loop n - h -> y | body=@f => y", graphs: map[string]string{
		"f": "i:i c:b h:d => SequenceAt s i -> a; Mul h a -> p; Tanh p -> q; Identity c -> d => d q"}},
	{name: "if of sequences", main: "c:b=1 x:d2x3 => SplitToSequence x -> s | axis=0; If c -> t | then_branch=@a else_branch=@b; ConcatFromSequence t -> y | axis=0 => y", graphs: map[string]string{
		"a": "=> Exp x -> e; SequenceInsert s e -> t => t", "b": "=> Identity s -> t => t"}},
	{name: "gradient of a gradient of uneven rounds", main: "n:i=3 x:d3 w:d3 => Loop n - x -> y | body=@f; ReduceSum y -> s | keepdims=0; Gradient x -> g | y=s => g", graphs: map[string]string{
		"f": "i:i c:b h:d => Mul h w -> p; Sin p -> q; Identity c -> d => d q"}},
	{name: "gradient at another value", main: "n:i=3 x:d3 v:d3 w:d_ => Loop n - x -> y | body=@f; ReduceSum y -> s | keepdims=0; Gradient v -> g | xs=x y=s => g", graphs: map[string]string{
		"f": "i:i c:b h:d => Mul h w -> p; Sin p -> q; Mul q x -> r; Identity c -> d => d r"}},
	{name: "random numbers of each round", main: "n:i=3 x:d3 => Loop n - x -> y z | body=@f; Mul z x -> u => y u", graphs: map[string]string{
		"f": "i:i c:b h:d => RandomNormalLike h -> r | seed=1.5; Mul h r -> p; Sin p -> q; Identity c -> d => d q r"}},
}
