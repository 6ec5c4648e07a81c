package ops

import "github.com/onnxrun/onnxrun/tensor"

// mlTable lists the operators of the ai.onnx.ml domain, sorted by name and then by version.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var mlTable = []Op{
	{"ai.onnx.ml", "ArrayFeatureExtractor", 1, mlTypes | str, arrayFeatureExtractorInfer, arrayFeatureExtractorKernel, arrayFeatureExtractorGrad, 0},
	{"ai.onnx.ml", "Binarizer", 1, mlTypes, sameTyped, binarizerKernel, zeroGrad, 0},
	{"ai.onnx.ml", "CastMap", 1, str | f32, castMapInfer, castMapKernel, nil, Managed},
	{"ai.onnx.ml", "CategoryMapper", 1, str | i64, labelInfer(categoryMap), labelKernel(categoryMap), nil, 0},
	{"ai.onnx.ml", "DictVectorizer", 1, str | i64 | f32 | f64, dictVectorizerInfer, dictVectorizerKernel, nil, Managed},
	{"ai.onnx.ml", "FeatureVectorizer", 1, mlTypes, featureVectorizerInfer, featureVectorizerKernel, featureVectorizerGrad, 0},
	{"ai.onnx.ml", "Imputer", 1, mlTypes, sameTyped, imputerKernel, imputerGrad, 0},
	{"ai.onnx.ml", "LabelEncoder", 1, str | i64, labelInfer(labelMap1), labelKernel(labelMap1), nil, 0},
	{"ai.onnx.ml", "LabelEncoder", 2, str | i64 | f32, labelInfer(labelMap2), labelKernel(labelMap2), nil, 0},
	{"ai.onnx.ml", "LabelEncoder", 4, str | i64 | f32 | f64 | i32 | 1<<tensor.Int16, labelInfer(labelMap4), labelKernel(labelMap4), nil, 0},
	{"ai.onnx.ml", "LinearClassifier", 1, mlTypes, linearClassifierInfer, linearClassifierKernel, linearClassifierGrad, 0},
	{"ai.onnx.ml", "LinearRegressor", 1, mlTypes, linearRegressorInfer, linearRegressorKernel, linearRegressorGrad, 0},
	{"ai.onnx.ml", "Normalizer", 1, mlTypes, sameFloat32, normalizerKernel, normalizerGrad, 0},
	{"ai.onnx.ml", "OneHotEncoder", 1, mlTypes | str, oneHotEncoderInfer, oneHotEncoderKernel, nil, 0},
	{"ai.onnx.ml", "SVMClassifier", 1, mlTypes, svmClassifierInfer, svmClassifierKernel, nil, 0},
	{"ai.onnx.ml", "SVMRegressor", 1, mlTypes, svmRegressorInfer, svmRegressorKernel, nil, 0},
	{"ai.onnx.ml", "Scaler", 1, mlTypes, sameFloat32, scalerKernel, scalerGrad, 0},
	{"ai.onnx.ml", "TreeEnsemble", 5, f32 | f64 | f16, treeEnsembleInfer, treeEnsembleKernel, nil, 0},
	{"ai.onnx.ml", "TreeEnsembleClassifier", 1, mlTypes, treeClassifierInfer, treeClassifierKernel, zeroGrad, 0},
	{"ai.onnx.ml", "TreeEnsembleRegressor", 1, mlTypes, treeRegressorInfer, treeRegressorKernel, zeroGrad, 0},
	{"ai.onnx.ml", "ZipMap", 1, f32, zipMapInfer, zipMapKernel, nil, Managed},
}
