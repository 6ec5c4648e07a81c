package schema

import "slices"

// enum lists the values that a string attribute may have. Versions are not told apart: an older one that lacks
// a value says so when it is inferred or run.
type enum struct {
	domain, attribute string
	operators         []string // nil: every operator of the domain that has the attribute
	values            []string
}

// enums holds the closed sets of strings in the texts of the standard.
var enums = []enum{
	{ONNX, "auto_pad", nil, []string{"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}},
	{ONNX, "mode", []string{"Pad"}, []string{"constant", "reflect", "edge", "wrap"}},
	{ONNX, "mode", []string{"Resize", "Upsample"}, []string{"nearest", "linear", "bilinear", "cubic"}},
	{ONNX, "mode", []string{"GridSample"}, []string{"nearest", "linear", "bilinear", "cubic", "bicubic"}},
	{ONNX, "mode", []string{"RoiAlign"}, []string{"avg", "max"}},
	{ONNX, "mode", []string{"DepthToSpace", "SpaceToDepth"}, []string{"DCR", "CRD"}},
	{ONNX, "mode", []string{"TfIdfVectorizer"}, []string{"TF", "IDF", "TFIDF"}},
	{ONNX, "padding_mode", []string{"GridSample"}, []string{"zeros", "border", "reflection"}},
	{ONNX, "coordinate_transformation_mode", []string{"Resize"}, []string{"half_pixel", "half_pixel_symmetric",
		"pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn"}},
	{ONNX, "coordinate_transformation_mode", []string{"RoiAlign"}, []string{"half_pixel", "output_half_pixel"}},
	{ONNX, "nearest_mode", []string{"Resize"}, []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
	{ONNX, "keep_aspect_ratio_policy", []string{"Resize"}, []string{"stretch", "not_larger", "not_smaller"}},
	{ONNX, "direction", []string{"RNN", "GRU", "LSTM"}, []string{"forward", "reverse", "bidirectional"}},
	{ONNX, "direction", []string{"BitShift"}, []string{"LEFT", "RIGHT"}},
	{ONNX, "reduction", []string{"ScatterElements", "ScatterND"}, []string{"none", "add", "mul", "max", "min"}},
	{ONNX, "reduction", []string{"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}, []string{"none", "sum", "mean"}},
	{ONNX, "approximate", []string{"Gelu"}, []string{"none", "tanh"}},
	{ONNX, "case_change_action", []string{"StringNormalizer"}, []string{"LOWER", "UPPER", "NONE"}},
	{ML, "post_transform", nil, []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}},
	{ML, "kernel_type", nil, []string{"LINEAR", "POLY", "RBF", "SIGMOID"}},
	{ML, "norm", nil, []string{"MAX", "L1", "L2"}},
	{ML, "aggregate_function", nil, []string{"AVERAGE", "SUM", "MIN", "MAX"}},
}

// Enum returns the values that a string attribute of the operator may have, nil if any will do.
func (s *Schema) Enum(attribute string) []string {
	for i := range enums {
		e := &enums[i]
		if e.attribute == attribute && e.domain == s.Domain && (e.operators == nil || slices.Contains(e.operators, s.Name)) {
			return e.values
		}
	}
	return nil
}
