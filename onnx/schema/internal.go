package schema

// internalOperators lists the operators of the domain "onnxrun", which graph
// passes and gradients make and files never hold. To add one, insert a row in
// alphabetical order; the text is described in parse.go.
//
// Attention, Roll, RotateHalf and the operators named Grad and CounterDropout are described where their kernels are. FusedConv is Conv, then + residual (if given), then the activation.
// FusedMatMul is activation(alpha*op(A)*op(B) + bias + residual), where op
// transposes the last two dimensions. The activation is an ONNX operator name,
// "" for none; activation_params are its attributes in the order of the
// schema (for Clip: minimum, maximum). Elementwise has attributes for its steps
// besides those named here. The attributes ranges, row, at and into, and Place, are described with WideRows in package ops. SumTo sums over the axes along which
// a tensor of the given shape would be repeated to get the shape of X.
var internalOperators = []operator{
	{domain: Internal, name: "Attention", text: `1|Q:T K:T V:T mask:M? bias:N?|Y:T|causal:i=0 empty_zero:i=0 fill:f=0 heads_first:i=0 k_view:I nan_zero:i=0 q_view:I scale:f=1 v_view:I|T:float M:float;bool N:float;bool`},
	{domain: Internal, name: "AttentionGrad", text: `1|dY:T Q:T K:T V:T mask:M? bias:N?|dQ:T dK:T dV:T|causal:i=0 empty_zero:i=0 fill:f=0 heads_first:i=0 k_view:I q_view:I scale:f=1 v_view:I|T:float M:float;bool N:float;bool`},
	{domain: Internal, name: "AveragePoolGrad", text: `1|dY:T shape:tensor(int64)|dX:T|auto_pad:s=NOTSET ceil_mode:i=0 count_include_pad:i=0 dilations:I kernel_shape:I! pads:I strides:I|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "ClassLossGrad", text: `1|dLoss:T labels:I weights:T? shape:tensor(int64)|dX:T|ignore_index:i reduction:s=mean|T:float;double;float16;bfloat16 I:int32;int64`},
	{domain: Internal, name: "ConvGradW", text: `1|dY:T X:T xshape:tensor(int64) wshape:tensor(int64)|dW:T|auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I transposed:i=0|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "ConvGradX", text: `1|dY:T W:T xshape:tensor(int64) wshape:tensor(int64)|dX:T|auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I transposed:i=0|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "CounterDropout", text: `1|X:T ratio:tensor(float) seed:tensor(int64) step:tensor(int64)|Y:T|shared_axes:I stream:i=0|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "Elementwise", text: `1|inputs:V~1|Y:T|ranges:I steps:S! to:i!|V:float;double;int32;int64;bool T:float;double;int32;int64;bool`},
	{domain: Internal, name: "FusedConv", text: `1|X:T W:T B:T? residual:T?|Y:T|activation:s= activation_params:F auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I pads:I strides:I|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "FusedMatMul", text: `1|A:T B:T bias:T? residual:T?|Y:T|activation:s= activation_params:F alpha:f=1 transA:i=0 transB:i=0|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "GatherGrad", text: `1|dY:T indices:I shape:tensor(int64)|dX:T|axis:i=0|T:float;double;float16;bfloat16 I:int32;int64`},
	{domain: Internal, name: "GatherGradRows", text: `1|dY:T indices:I shape:tensor(int64)|ids:tensor(int64) rows:T||T:float I:int32;int64`},
	{domain: Internal, name: "GeluGrad", text: `1|dY:T X:T|dX:T|approximate:s=none|T:float`},
	{domain: Internal, name: "GroupNormGrad", text: `1|dY:T X:T scale:T|dX:T dScale:T dShift:T|epsilon:f=1e-05 groups:i=0|T:float`},
	{domain: Internal, name: "Im2Col", text: `1|X:T block_shape:tensor(int64) shape:tensor(int64)|Y:T|dilations:I pads:I strides:I|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "LayerNormGrad", text: `1|dY:T X:T scale:T|dX:T dScale:T dShift:T|epsilon:f=1e-05 rms:i=0|T:float`},
	{domain: Internal, name: "LpPoolGrad", text: `1|dY:T X:T Y:T|dX:T|auto_pad:s=NOTSET ceil_mode:i=0 dilations:I kernel_shape:I! p:i=2 pads:I strides:I|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "MaxPoolGrad", text: `1|dY:T X:T|dX:T|auto_pad:s=NOTSET ceil_mode:i=0 dilations:I kernel_shape:I! pads:I strides:I|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "NhwcAveragePool", text: `1|X:T buffer:T?|Y:T|at:i=0 auto_pad:s=NOTSET ceil_mode:i=0 count_include_pad:i=0 dilations:I into:i=0 kernel_shape:I! pads:I ranges:I row:i=0 strides:I|T:float`},
	{domain: Internal, name: "NhwcBatchNorm", text: `1|X:T mean:T inverse:T scale:T B:T residual:T?|Y:T|activation:s= activation_params:F|T:float`},
	{domain: Internal, name: "NhwcConv", text: `1|X:T W:T B:T? residual:T? buffer:T?|Y:T|activation:s= activation_params:F add_last:i=0 at:i=0 auto_pad:s=NOTSET dilations:I exact:i=0 group:i=1 into:i=0 kernel_shape:I pads:I ranges:I row:i=0 strides:I|T:float`},
	{domain: Internal, name: "NhwcConvGrad", text: `1|dY:T X:T W:T xshape:tensor(int64) wshape:tensor(int64)|dX:T dW:T|auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I transposed:i=0|T:float`},
	{domain: Internal, name: "NhwcConvGradW", text: `1|dY:T X:T xshape:tensor(int64) wshape:tensor(int64)|dW:T|auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I transposed:i=0|T:float`},
	{domain: Internal, name: "NhwcConvGradX", text: `1|dY:T W:T xshape:tensor(int64) wshape:tensor(int64)|dX:T|auto_pad:s=NOTSET dilations:I group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I transposed:i=0|T:float`},
	{domain: Internal, name: "NhwcConvTranspose", text: `1|X:T W:T B:T?|Y:T|activation:s= activation_params:F auto_pad:s=NOTSET dilations:I exact:i=0 group:i=1 kernel_shape:I output_padding:I output_shape:I pads:I strides:I|T:float`},
	{domain: Internal, name: "NhwcMaxPlacesGrad", text: `1|dY:T places:tensor(uint8) shape:tensor(int64)|dX:T|auto_pad:s=NOTSET ceil_mode:i=0 dilations:I kernel_shape:I! pads:I strides:I|T:float`},
	{domain: Internal, name: "NhwcMaxPool", text: `1|X:T buffer:T?|Y:T places:tensor(uint8)?|at:i=0 auto_pad:s=NOTSET ceil_mode:i=0 dilations:I into:i=0 kernel_shape:I! pads:I ranges:I row:i=0 strides:I|T:float`},
	{domain: Internal, name: "NhwcResize", text: `1|X:T roi:T? scales:tensor(float)? sizes:tensor(int64)? buffer:T?|Y:T|antialias:i=0 at:i=0 axes:I coordinate_transformation_mode:s=half_pixel cubic_coeff_a:f=-0.75 exclude_outside:i=0 extrapolation_value:f=0 into:i=0 keep_aspect_ratio_policy:s=stretch mode:s=nearest nearest_mode:s=round_prefer_floor ranges:I row:i=0|T:float`},
	{domain: Internal, name: "Place", text: `1|X:T buffer:T?|Y:T|at:i=0 into:i=0 ranges:I row:i=0|T:float`},
	{domain: Internal, name: "RNNGrad", text: `1|X:T W:T R:T B:T? sequence_lens:I? initial_h:T? initial_c:T? P:T? dY:T? dY_h:T? dY_c:T?|dX:T dW:T dR:T dB:T dinitial_h:T dinitial_c:T dP:T|activation_alpha:F activation_beta:F activations:S cell:s! clip:f direction:s=forward hidden_size:i input_forget:i=0 layout:i=0 linear_before_reset:i=0 skip_x:i=0|T:float;double;float16;bfloat16 I:int32`},
	{domain: Internal, name: "ResizeGrad", text: `1|dY:T shape:tensor(int64) roi:R? scales:tensor(float)? sizes:tensor(int64)?|dX:T|antialias:i=0 axes:I coordinate_transformation_mode:s=half_pixel cubic_coeff_a:f=-0.75 exclude_outside:i=0 extrapolation_value:f=0 keep_aspect_ratio_policy:s=stretch mode:s=nearest nearest_mode:s=round_prefer_floor scales:F upsample:i=0|T:float;double;float16;bfloat16 R:float;double;float16;bfloat16`},
	{domain: Internal, name: "Roll", text: `1|X:T|Y:T|axes:I! shifts:I!|T:float`},
	{domain: Internal, name: "RotateHalf", text: `1|X:T cos:T sin:T|Y:T|x_view:I|T:float`},
	{domain: Internal, name: "SliceGrad", text: `1|dY:T shape:tensor(int64) starts:I ends:I axes:I? steps:I?|dX:T||T:float;double;float16;bfloat16 I:int32;int64`},
	{domain: Internal, name: "SoftmaxGrad", text: `1|dY:T Y:T|dX:T|axis:i=-1 log:i=0|T:float`},
	{domain: Internal, name: "SoftmaxLossGrad", text: `1|dLoss:T labels:I weights:T? logp:T|dX:T|ignore_index:i reduction:s=mean|T:float I:int32;int64`},
	{domain: Internal, name: "StandardizeGrad", text: `1|G:T X:T|dX:T Xhat:T|axis:i=-1 channels:i=0 epsilon:f=1e-05 rms:i=0|T:float;double;float16;bfloat16`},
	{domain: Internal, name: "SumTo", text: `1|X:T shape:tensor(int64)|Y:T||T:float;double;float16;bfloat16`},
}
