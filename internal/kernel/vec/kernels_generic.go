package vec

// generic is the first row of the table and what the others are checked against.
var generic = kernels{
	name: "generic",
	unary: [numUnary]unaryFunc{
		opExp: expGo, opLog: logGo, opTanh: tanhGo, opSigmoid: sigmoidGo, opErf: erfGo,
		opGelu: geluGo, opGeluTanh: geluTanhGo, opSilu: siluGo, opSoftplus: softplusGo, opMish: mishGo,
		opHardSwish: hardSwishGo, opHardSigmoid: hardSigmoidGo, opRelu: reluGo, opLeakyRelu: leakyReluGo,
		opElu: eluGo, opClip: clipGo, opNeg: negGo, opAbs: absGo, opSqrt: sqrtGo, opReciprocal: reciprocalGo,
		opFloor: floorGo, opCeil: ceilGo, opRound: roundGo, opScaleShift: scaleShiftGo, opAxpy: axpyGo, opCube: cubeGo, opSub2: sub2Go,
		opSin: sinGo, opCos: cosGo, opTan: tanGo, opAtan: atanGo,
		opAsin: asinGo, opAcos: acosGo, opSinh: sinhGo, opCosh: coshGo,
		opAsinh: asinhGo, opAcosh: acoshGo, opAtanh: atanhGo, opSoftsign: softsignGo,
		opSign: signGo, opThresholdedRelu: thresholdedReluGo, opShrink: shrinkGo,
	},
	binary: [numBinary]binaryFunc{
		opAdd: addGo, opSub: subGo, opMul: mulGo, opDiv: divGo, opMax: maxGo, opMin: minGo,
		opAddRelu: addReluGo, opMulAcc: mulAccGo, opPrelu: preluGo, opAddInt: addIntGo, opSubInt: subIntGo,
		opMulInt: mulIntGo, opAndBits: andBitsGo, opOrBits: orBitsGo, opXorBits: xorBitsGo,
	},
	fold: [numFold]foldFunc{
		opSum: sumGo, opSumSquare: sumSquareGo, opSumAbs: sumAbsGo, opProduct: productGo, opHighest: highestGo, opLowest: lowestGo,
	},
	sumDeviation:       sumDeviationGo,
	dot:                dotGo,
	expSum:             expSumGo,
	normRow:            normRowGo,
	maxColumns:         maxColumnsGo,
	expColumns:         expColumnsGo,
	scaleDotColumns:    scaleDotColumnsGo,
	softmaxGradColumns: softmaxGradColumnsGo,
	scaleRows:          scaleRowsGo,
	fromFloat16:        fromFloat16Go,
	toFloat16:          toFloat16Go,
	where:              whereGo[uint32],
	compare:            genericCompare,
	pow:                powGo,
	fmod:               fmodGo,
	softmaxRows:        softmaxRowsGo, logSoftmaxRows: logSoftmaxRowsGo,
	layerNormRows: layerNormRowsGo, rmsNormRows: rmsNormRowsGo,
	layerNormGrad: layerNormGradGo, rmsNormGrad: rmsNormGradGo,
	lstm: lstmGo, gru: gruGo, lstmKeep: lstmKeepGo, gruKeep: gruKeepGo, lstmGrad: lstmGradGo, gruGrad: gruGradGo,
}
