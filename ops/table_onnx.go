package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxTable lists the operators of the ai.onnx domain, sorted by name and then by version.
// Columns: Domain, Name, Since, Types, Infer, Kernel, Grad, Flags.
var onnxTable = []Op{
	{"", "AffineGrid", 20, float, affineGridInfer, affineGridKernel, nil, 0},
	{"", "AveragePool", 1, float, poolWindow, averagePoolKernel, nil, 0},
	{"", "BatchNormalization", 1, float, batchNormInfer, batchNormKernel, nil, InPlace},
	{"", "CenterCropPad", 18, bytes, centerCropPadInfer, centerCropPadKernel, nil, 0},
	{"", "Col2Im", 18, float, col2imInfer, col2imKernel, nil, 0},
	{"", "Conv", 1, float, convInfer, convKernel, nil, 0},
	{"", "ConvTranspose", 1, float, convTransposeInfer, convTransposeKernel, nil, 0},
	{"", "DeformConv", 19, float, convInfer, deformConvKernel, nil, 0},
	{"", "DepthToSpace", 1, bytes | str, depthToSpaceInfer, depthToSpaceKernel, nil, 0},
	{"", "Gemm", 1, float | mulInts, gemmInfer, gemmKernel, nil, 0},
	{"", "GlobalAveragePool", 1, float, globalPool, globalAveragePoolKernel, nil, 0},
	{"", "GlobalLpPool", 2, float, globalPool, globalLpPoolKernel, nil, 0},
	{"", "GlobalMaxPool", 1, float, globalPool, globalMaxPoolKernel, nil, 0},
	{"", "GridSample", 16, float, gridSampleInfer, gridSampleKernel, nil, 0},
	{"", "Hardmax", 1, float, flatAxisInfer, softmaxOf(softmaxHard, true), nil, 0},
	{"", "Hardmax", 13, float, axisInfer, softmaxOf(softmaxHard, false), nil, 0},
	{"", "LRN", 1, float, lrnInfer, lrnKernel, nil, 0},
	{"", "LayerNormalization", 17, float, layerNormInfer, layerNormOf(layerNormParts), nil, 0},
	{"", "LogSoftmax", 1, float, flatAxisInfer, softmaxOf(softmaxLog, true), nil, InPlace},
	{"", "LogSoftmax", 13, float, axisInfer, softmaxOf(softmaxLog, false), nil, InPlace},
	{"", "LpPool", 2, float, poolWindow, lpPoolKernel, nil, 0},
	{"", "MatMul", 1, float | mulInts, matmulInfer, matmulKernel, nil, 0},
	{"", "MaxPool", 1, float | 1<<tensor.Int8 | 1<<tensor.Uint8, poolWindow, maxPoolKernel, nil, 0},
	{"", "MaxRoiPool", 1, float, maxRoiPoolInfer, maxRoiPoolKernel, nil, 0},
	{"", "MaxUnpool", 9, float, maxUnpoolInfer, maxUnpoolKernel, nil, 0},
	{"", "RMSNormalization", 23, float, layerNormInfer, layerNormOf(rmsNormParts), nil, 0},
	{"", "ReduceL1", 1, float | mulInts, reduceInfer, reduceOf(reduce.L1), nil, 0},
	{"", "ReduceL2", 1, float | mulInts, reduceInfer, reduceOf(reduce.L2), nil, 0},
	{"", "ReduceLogSum", 1, float | mulInts, reduceInfer, reduceOf(reduce.LogSum), nil, 0},
	{"", "ReduceLogSumExp", 1, float | mulInts, reduceInfer, reduceOf(reduce.LogSumExp), nil, 0},
	{"", "ReduceMax", 1, float | mulInts | 1<<tensor.Int8 | 1<<tensor.Uint8 | boolean, reduceElemsInfer(maxDims), reduceOf(reduce.Max), nil, 0},
	{"", "ReduceMean", 1, float | mulInts, reduceInfer, reduceOf(reduce.Mean), nil, 0},
	{"", "ReduceMin", 1, float | mulInts | 1<<tensor.Int8 | 1<<tensor.Uint8 | boolean, reduceElemsInfer(minDims), reduceOf(reduce.Min), nil, 0},
	{"", "ReduceProd", 1, float | mulInts, reduceElemsInfer(prodDims), reduceOf(reduce.Prod), nil, 0},
	{"", "ReduceSum", 1, float | mulInts, reduceElemsInfer(sumDims), reduceOf(reduce.Sum), nil, 0},
	{"", "ReduceSumSquare", 1, float | mulInts, reduceInfer, reduceOf(reduce.SumSquare), nil, 0},
	{"", "Resize", 10, bytes, upsampleInfer, upsampleKernel, nil, 0},
	{"", "Resize", 11, bytes, resizeInfer, resizeKernel, nil, 0},
	{"", "RoiAlign", 10, float, roiAlignInfer, roiAlign10Kernel, nil, 0},
	{"", "RoiAlign", 16, float, roiAlignInfer, roiAlignKernel, nil, 0},
	{"", "SimplifiedLayerNormalization", 1, float, layerNormInfer, layerNormOf(simpleNormParts), nil, 0},
	{"", "Softmax", 1, float, flatAxisInfer, softmaxOf(softmaxPlain, true), nil, InPlace},
	{"", "Softmax", 13, float, axisInfer, softmaxOf(softmaxPlain, false), nil, InPlace},
	{"", "SpaceToDepth", 1, bytes | str, spaceToDepthInfer, spaceToDepthKernel, nil, 0},
	{"", "Upsample", 7, bytes, upsampleInfer, upsampleKernel, nil, 0},
}
