//go:build amd64 && !purego

package vec

import "github.com/onnxrun/onnxrun/internal/cpu"

// assembly holds the rows of this architecture, the preferred one last.
var assembly = []kernels{
	{
		name: "avx2", needs: cpu.AVX2,
		unary: [numUnary]unaryFunc{
			opExp: expAVX2, opExpTerm: expTermAVX2, opLog: logAVX2, opTanh: tanhAVX2, opSigmoid: sigmoidAVX2,
			opErf: erfAVX2, opGelu: geluAVX2, opGeluTanh: geluTanhAVX2, opSilu: siluAVX2,
			opSoftplus: softplusAVX2, opMish: mishAVX2, opHardSwish: hardSwishAVX2, opHardSigmoid: hardSigmoidAVX2,
			opRelu: reluAVX2, opLeakyRelu: leakyReluAVX2, opElu: eluAVX2, opClip: clipAVX2,
			opNeg: negAVX2, opAbs: absAVX2, opSqrt: sqrtAVX2, opReciprocal: reciprocalAVX2,
			opFloor: floorAVX2, opCeil: ceilAVX2, opRound: roundAVX2, opScaleShift: scaleShiftAVX2,
			opAxpy: axpyAVX2, opCube: cubeAVX2, opSub2: sub2AVX2,
			opSin: sinAVX2, opCos: cosAVX2, opTan: tanAVX2, opAtan: atanAVX2,
			opAsin: asinAVX2, opAcos: acosAVX2, opSinh: sinhAVX2, opCosh: coshAVX2,
			opAsinh: asinhAVX2, opAcosh: acoshAVX2, opAtanh: atanhAVX2, opSoftsign: softsignAVX2,
			opSign: signAVX2, opThresholdedRelu: thresholdedReluAVX2, opShrink: shrinkAVX2,
		},
		wide: [numUnary]wideFunc{
			opTanh: tanhWideAVX2, opSigmoid: sigmoidWideAVX2, opGelu: geluWideAVX2, opGeluTanh: geluTanhWideAVX2, opSilu: siluWideAVX2,
			opHardSwish: hardSwishWideAVX2, opHardSigmoid: hardSigmoidWideAVX2, opLeakyRelu: leakyReluWideAVX2, opClip: clipWideAVX2,
		},
		addWide: addWideAVX2, scaleWide: scaleWideAVX2,
		binary: [numBinary]binaryFunc{
			opAdd: addAVX2, opSub: subAVX2, opMul: mulAVX2, opDiv: divAVX2,
			opMax: maxAVX2, opMin: minAVX2, opAddRelu: addReluAVX2, opAddGelu: addGeluAVX2, opAddGeluTanh: addGeluTanhAVX2, opGeluGrad: geluGradAVX2, opGeluTanhGrad: geluTanhGradAVX2, opMulAcc: mulAccAVX2,
			opPrelu: preluAVX2, opAddInt: addIntAVX2, opSubInt: subIntAVX2, opMulInt: mulIntAVX2,
			opAndBits: andBitsAVX2, opOrBits: orBitsAVX2, opXorBits: xorBitsAVX2,
		},
		fold: [numFold]foldFunc{
			opSum: sumAVX2, opSumSquare: sumSquareAVX2, opSumAbs: sumAbsAVX2, opProduct: productAVX2, opHighest: highestAVX2,
			opLowest: lowestAVX2,
		},
		extent:             extentAVX2,
		sumDeviation:       sumDeviationAVX2,
		dot:                dotAVX2,
		expSum:             expSumAVX2,
		normRow:            normRowAVX2,
		maxColumns:         maxColumnsAVX2,
		expColumns:         expColumnsAVX2,
		scaleDotColumns:    scaleDotColumnsAVX2,
		softmaxGradColumns: softmaxGradColumnsAVX2,
		foldColumns: [numFold]func(acc, x []float32, rows, ld int){
			opSum: sumColumnsAVX2, opSumSquare: sumSquareColumnsAVX2, opSumAbs: sumAbsColumnsAVX2, opProduct: productColumnsAVX2,
			opHighest: highestColumnsAVX2, opLowest: lowestColumnsAVX2,
		},
		arg: [numArg]argFunc{
			opArgMax: argMaxColumnsAVX2, opArgMin: argMinColumnsAVX2, opArgMaxLast: argMaxLastColumnsAVX2, opArgMinLast: argMinLastColumnsAVX2,
			opArgMaxPlain: argMaxPlainColumnsAVX2,
		},
		scaleRows:   scaleRowsAVX2,
		fromFloat16: fromFloat16AVX2,
		toFloat16:   toFloat16AVX2,
		where:       whereAVX2,
		whereBytes:  [4]whereFunc{0: where8AVX2, 1: where16AVX2, 3: where64AVX2},
		compare: [numCompare]compareFunc{
			opEqual: equalAVX2, opLess: lessAVX2, opLessEqual: lessEqualAVX2, opNotEqual: notEqualAVX2,
			opUnordered: unorderedAVX2, opAbsEqual: absEqualAVX2, opEqualInt: equalIntAVX2, opLessInt: lessIntAVX2,
			opLessEqualInt: lessEqualIntAVX2,
		},
		convert: [numConvert]convertFunc{
			opF32ToI32: f32ToI32AVX2, opI32ToF32: i32ToF32AVX2, opU8ToF32: u8ToF32AVX2, opF32ToU8: f32ToU8AVX2,
			opF32ToF64: f32ToF64AVX2, opF64ToF32: f64ToF32AVX2, opI32ToI64: i32ToI64AVX2, opI64ToI32: i64ToI32AVX2,
			opI8ToF32: i8ToF32AVX2, opU8ToI32: u8ToI32AVX2, opI8ToI32: i8ToI32AVX2, opU8ToI64: u8ToI64AVX2,
			opI8ToI64: i8ToI64AVX2, opI32ToF64: i32ToF64AVX2, opF64ToI32: f64ToI32AVX2, opI32ToU8: i32ToU8AVX2,
			opI64ToU8: i64ToU8AVX2, opI64ToF32: i64ToF32AVX2, opF32ToI64: f32ToI64AVX2, opI64ToF64: i64ToF64AVX2, opF64ToI64: f64ToI64AVX2,
			opF32ToBF16: f32ToBF16AVX2, opBF16ToF32: bf16ToF32AVX2,
			opU16ToF32: u16ToF32AVX2, opI16ToF32: i16ToF32AVX2, opU16ToI32: u16ToI32AVX2, opI16ToI32: i16ToI32AVX2,
			opF32ToU16: f32ToU16AVX2, opI32ToU16: i32ToU16AVX2, opU32ToF32: u32ToF32AVX2,
		},
		sumPieces:  sumPieces8,
		quantizeI8: quantizeI8AVX2, quantizeU8: quantizeU8AVX2, dequantizeI8: dequantizeI8AVX2, dequantizeU8: dequantizeU8AVX2,
		join: joinTable{
			joinMax: {
				elemI8: largestI8AVX2, elemU8: largestU8AVX2, elemI16: largestI16AVX2, elemU16: largestU16AVX2, elemI32: largestI32AVX2,
				elemU32: largestU32AVX2, elemI64: largestI64AVX2, elemU64: largestU64AVX2, elemF64: largestF64AVX2,
			},
			joinMin: {
				elemI8: leastI8AVX2, elemU8: leastU8AVX2, elemI16: leastI16AVX2, elemU16: leastU16AVX2, elemI32: leastI32AVX2,
				elemU32: leastU32AVX2, elemI64: leastI64AVX2, elemU64: leastU64AVX2, elemF64: leastF64AVX2,
			},
			joinAdd: {
				elemI8: sumI8AVX2, elemU8: sumI8AVX2, elemI16: sumI16AVX2, elemU16: sumI16AVX2, elemI32: sumI32AVX2,
				elemU32: sumI32AVX2, elemI64: sumI64AVX2, elemU64: sumI64AVX2, elemF64: sumF64AVX2,
			},
			joinSub: {
				elemI8: differenceI8AVX2, elemU8: differenceI8AVX2, elemI16: differenceI16AVX2, elemU16: differenceI16AVX2, elemI32: differenceI32AVX2,
				elemU32: differenceI32AVX2, elemI64: differenceI64AVX2, elemU64: differenceI64AVX2, elemF64: differenceF64AVX2,
			},
			joinMul: {
				elemI16: productI16AVX2, elemU16: productI16AVX2, elemI32: productI32AVX2, elemU32: productI32AVX2,
				elemI64: productI64AVX2, elemU64: productI64AVX2, elemF64: productF64AVX2,
			},
			joinDiv: {elemI32: quotientI32AVX2, elemU32: quotientU32AVX2, elemF64: quotientF64AVX2},
			joinMod: {elemI32: remainderI32AVX2, elemU32: remainderU32AVX2},
			joinShl: {elemU32: shiftLeftU32AVX2, elemU64: shiftLeftU64AVX2},
			joinShr: {elemU32: shiftRightU32AVX2, elemU64: shiftRightU64AVX2},
			joinAbs: {elemI8: sizeI8AVX2, elemI16: sizeI16AVX2, elemI32: sizeI32AVX2, elemI64: sizeI64AVX2, elemF64: sizeF64AVX2},
		},
		hold: holdTable{
			holdEqual: {
				elemI8: equalI8AVX2, elemU8: equalU8AVX2, elemI16: equalI16AVX2, elemU16: equalU16AVX2,
				elemI64: equalI64AVX2, elemU64: equalU64AVX2, elemF64: equalF64AVX2,
			},
			holdLess: {
				elemI8: lessI8AVX2, elemU8: lessU8AVX2, elemI16: lessI16AVX2, elemU16: lessU16AVX2,
				elemI64: lessI64AVX2, elemU64: lessU64AVX2, elemF64: lessF64AVX2,
			},
			holdLessEqual: {
				elemI8: lessEqualI8AVX2, elemU8: lessEqualU8AVX2, elemI16: lessEqualI16AVX2, elemU16: lessEqualU16AVX2,
				elemI64: lessEqualI64AVX2, elemU64: lessEqualU64AVX2, elemF64: lessEqualF64AVX2,
			},
		},
		sumRows: [numElement]rowFoldFunc{
			elemI32: sumRowsI32AVX2, elemU32: sumRowsI32AVX2, elemI64: sumRowsI64AVX2, elemU64: sumRowsI64AVX2, elemF64: sumRowsF64AVX2,
		},
		extreme: extremeTable{
			joinMax: {
				elemI8: largestRowsI8AVX2, elemU8: largestRowsU8AVX2, elemI16: largestRowsI16AVX2, elemU16: largestRowsU16AVX2, elemI32: largestRowsI32AVX2,
				elemU32: largestRowsU32AVX2, elemI64: largestRowsI64AVX2, elemU64: largestRowsU64AVX2, elemF64: largestRowsF64AVX2,
			},
			joinMin: {
				elemI8: leastRowsI8AVX2, elemU8: leastRowsU8AVX2, elemI16: leastRowsI16AVX2, elemU16: leastRowsU16AVX2, elemI32: leastRowsI32AVX2,
				elemU32: leastRowsU32AVX2, elemI64: leastRowsI64AVX2, elemU64: leastRowsU64AVX2, elemF64: leastRowsF64AVX2,
			},
		},
		quotientI64: quotientI64AVX2, remainderI64: remainderI64AVX2,
		pow:   powAVX2,
		fmod:  fmodAVX2,
		lanes: 8, softmax: softmaxShortAVX2, logSoftmax: logSoftmaxShortAVX2,
		softmaxRows: softmaxRowsAVX2, logSoftmaxRows: logSoftmaxRowsAVX2,
		softmaxGrad: softmaxGradAVX2, logSoftmaxGrad: logSoftmaxGradAVX2,
		scaledExpRows: scaledExpRowsAVX2,
		layerNormRows: layerNormRowsAVX2, rmsNormRows: rmsNormRowsAVX2, hardmaxRows: hardmaxRowsAVX2,
		layerNormGrad: layerNormGradAVX2, rmsNormGrad: rmsNormGradAVX2,
		planeSums: planeSumsAVX2, planeGrad: planeGradAVX2,
		lstm: lstmAVX2, gru: gruAVX2, lstmKeep: lstmKeepAVX2, gruKeep: gruKeepAVX2, lstmGrad: lstmGradAVX2, gruGrad: gruGradAVX2,
	},
	{
		name: "avx512", needs: cpu.AVX512,
		unary: [numUnary]unaryFunc{
			opExp: expAVX512, opExpTerm: expTermAVX512, opLog: logAVX512, opTanh: tanhAVX512, opSigmoid: sigmoidAVX512,
			opErf: erfAVX512, opGelu: geluAVX512, opGeluTanh: geluTanhAVX512, opSilu: siluAVX512,
			opSoftplus: softplusAVX512, opMish: mishAVX512, opHardSwish: hardSwishAVX512, opHardSigmoid: hardSigmoidAVX512,
			opRelu: reluAVX512, opLeakyRelu: leakyReluAVX512, opElu: eluAVX512, opClip: clipAVX512,
			opNeg: negAVX512, opAbs: absAVX512, opSqrt: sqrtAVX512, opReciprocal: reciprocalAVX512,
			opFloor: floorAVX512, opCeil: ceilAVX512, opRound: roundAVX512, opScaleShift: scaleShiftAVX512,
			opAxpy: axpyAVX512, opCube: cubeAVX512, opSub2: sub2AVX512,
			opSin: sinAVX512, opCos: cosAVX512, opTan: tanAVX512, opAtan: atanAVX512,
			opAsin: asinAVX512, opAcos: acosAVX512, opSinh: sinhAVX512, opCosh: coshAVX512,
			opAsinh: asinhAVX512, opAcosh: acoshAVX512, opAtanh: atanhAVX512, opSoftsign: softsignAVX512,
			opSign: signAVX512, opThresholdedRelu: thresholdedReluAVX512, opShrink: shrinkAVX512,
		},
		wide: [numUnary]wideFunc{
			opTanh: tanhWideAVX512, opSigmoid: sigmoidWideAVX512, opGelu: geluWideAVX512, opGeluTanh: geluTanhWideAVX512, opSilu: siluWideAVX512,
			opHardSwish: hardSwishWideAVX512, opHardSigmoid: hardSigmoidWideAVX512, opLeakyRelu: leakyReluWideAVX512, opClip: clipWideAVX512,
		},
		addWide: addWideAVX512, scaleWide: scaleWideAVX512,
		binary: [numBinary]binaryFunc{
			opAdd: addAVX512, opSub: subAVX512, opMul: mulAVX512, opDiv: divAVX512,
			opMax: maxAVX512, opMin: minAVX512, opAddRelu: addReluAVX512, opAddGelu: addGeluAVX512, opAddGeluTanh: addGeluTanhAVX512, opGeluGrad: geluGradAVX512, opGeluTanhGrad: geluTanhGradAVX512, opMulAcc: mulAccAVX512,
			opPrelu: preluAVX512, opAddInt: addIntAVX512, opSubInt: subIntAVX512, opMulInt: mulIntAVX512,
			opAndBits: andBitsAVX512, opOrBits: orBitsAVX512, opXorBits: xorBitsAVX512,
		},
		fold: [numFold]foldFunc{
			opSum: sumAVX512, opSumSquare: sumSquareAVX512, opSumAbs: sumAbsAVX512, opProduct: productAVX512, opHighest: highestAVX512,
			opLowest: lowestAVX512,
		},
		extent:             extentAVX512,
		sumDeviation:       sumDeviationAVX512,
		dot:                dotAVX512,
		expSum:             expSumAVX512,
		normRow:            normRowAVX512,
		maxColumns:         maxColumnsAVX512,
		expColumns:         expColumnsAVX512,
		scaleDotColumns:    scaleDotColumnsAVX512,
		softmaxGradColumns: softmaxGradColumnsAVX512,
		foldColumns: [numFold]func(acc, x []float32, rows, ld int){
			opSum: sumColumnsAVX512, opSumSquare: sumSquareColumnsAVX512, opSumAbs: sumAbsColumnsAVX512, opProduct: productColumnsAVX512,
			opHighest: highestColumnsAVX512, opLowest: lowestColumnsAVX512,
		},
		arg: [numArg]argFunc{
			opArgMax: argMaxColumnsAVX512, opArgMin: argMinColumnsAVX512, opArgMaxLast: argMaxLastColumnsAVX512, opArgMinLast: argMinLastColumnsAVX512,
			opArgMaxPlain: argMaxPlainColumnsAVX512,
		},
		scaleRows:   scaleRowsAVX512,
		fromFloat16: fromFloat16AVX512,
		toFloat16:   toFloat16AVX512,
		where:       whereAVX512,
		whereBytes:  [4]whereFunc{0: where8AVX512, 1: where16AVX512, 3: where64AVX512},
		compare: [numCompare]compareFunc{
			opEqual: equalAVX512, opLess: lessAVX512, opLessEqual: lessEqualAVX512, opNotEqual: notEqualAVX512,
			opUnordered: unorderedAVX512, opAbsEqual: absEqualAVX512, opEqualInt: equalIntAVX512, opLessInt: lessIntAVX512,
			opLessEqualInt: lessEqualIntAVX512,
		},
		convert: [numConvert]convertFunc{
			opF32ToI32: f32ToI32AVX512, opI32ToF32: i32ToF32AVX512, opU8ToF32: u8ToF32AVX512, opF32ToU8: f32ToU8AVX512,
			opF32ToF64: f32ToF64AVX512, opF64ToF32: f64ToF32AVX512, opI32ToI64: i32ToI64AVX512, opI64ToI32: i64ToI32AVX512,
			opI8ToF32: i8ToF32AVX512, opU8ToI32: u8ToI32AVX512, opI8ToI32: i8ToI32AVX512, opU8ToI64: u8ToI64AVX512,
			opI8ToI64: i8ToI64AVX512, opI32ToF64: i32ToF64AVX512, opF64ToI32: f64ToI32AVX512, opI32ToU8: i32ToU8AVX512,
			opF32ToBF16: f32ToBF16AVX512, opBF16ToF32: bf16ToF32AVX512,
			opU16ToF32: u16ToF32AVX512, opI16ToF32: i16ToF32AVX512, opU16ToI32: u16ToI32AVX512, opI16ToI32: i16ToI32AVX512,
			opF32ToU16: f32ToU16AVX512, opI32ToU16: i32ToU16AVX512, opU32ToF32: u32ToF32AVX512,
			opI64ToU8: i64ToU8AVX512, opI64ToF32: i64ToF32AVX512, opF32ToI64: f32ToI64AVX512, opI64ToF64: i64ToF64AVX512, opF64ToI64: f64ToI64AVX512,
		},
		sumPieces:  sumPieces8,
		quantizeI8: quantizeI8AVX512, quantizeU8: quantizeU8AVX512, dequantizeI8: dequantizeI8AVX512, dequantizeU8: dequantizeU8AVX512,
		join: joinTable{
			joinMax: {
				elemI8: largestI8AVX512, elemU8: largestU8AVX512, elemI16: largestI16AVX512, elemU16: largestU16AVX512, elemI32: largestI32AVX512,
				elemU32: largestU32AVX512, elemI64: largestI64AVX512, elemU64: largestU64AVX512, elemF64: largestF64AVX512,
			},
			joinMin: {
				elemI8: leastI8AVX512, elemU8: leastU8AVX512, elemI16: leastI16AVX512, elemU16: leastU16AVX512, elemI32: leastI32AVX512,
				elemU32: leastU32AVX512, elemI64: leastI64AVX512, elemU64: leastU64AVX512, elemF64: leastF64AVX512,
			},
			joinAdd: {
				elemI8: sumI8AVX512, elemU8: sumI8AVX512, elemI16: sumI16AVX512, elemU16: sumI16AVX512, elemI32: sumI32AVX512,
				elemU32: sumI32AVX512, elemI64: sumI64AVX512, elemU64: sumI64AVX512, elemF64: sumF64AVX512,
			},
			joinSub: {
				elemI8: differenceI8AVX512, elemU8: differenceI8AVX512, elemI16: differenceI16AVX512, elemU16: differenceI16AVX512, elemI32: differenceI32AVX512,
				elemU32: differenceI32AVX512, elemI64: differenceI64AVX512, elemU64: differenceI64AVX512, elemF64: differenceF64AVX512,
			},
			joinMul: {
				elemI16: productI16AVX512, elemU16: productI16AVX512, elemI32: productI32AVX512, elemU32: productI32AVX512,
				elemI64: productI64AVX512, elemU64: productI64AVX512, elemF64: productF64AVX512,
			},
			joinDiv: {elemI32: quotientI32AVX512, elemU32: quotientU32AVX512, elemF64: quotientF64AVX512},
			joinMod: {elemI32: remainderI32AVX512, elemU32: remainderU32AVX512},
			joinShl: {elemU32: shiftLeftU32AVX512, elemU64: shiftLeftU64AVX512},
			joinShr: {elemU32: shiftRightU32AVX512, elemU64: shiftRightU64AVX512},
			joinAbs: {elemI8: sizeI8AVX512, elemI16: sizeI16AVX512, elemI32: sizeI32AVX512, elemI64: sizeI64AVX512, elemF64: sizeF64AVX512},
		},
		hold: holdTable{
			holdEqual: {
				elemI8: equalI8AVX512, elemU8: equalU8AVX512, elemI16: equalI16AVX512, elemU16: equalU16AVX512,
				elemI64: equalI64AVX512, elemU64: equalU64AVX512, elemF64: equalF64AVX512,
			},
			holdLess: {
				elemI8: lessI8AVX512, elemU8: lessU8AVX512, elemI16: lessI16AVX512, elemU16: lessU16AVX512,
				elemI64: lessI64AVX512, elemU64: lessU64AVX512, elemF64: lessF64AVX512,
			},
			holdLessEqual: {
				elemI8: lessEqualI8AVX512, elemU8: lessEqualU8AVX512, elemI16: lessEqualI16AVX512, elemU16: lessEqualU16AVX512,
				elemI64: lessEqualI64AVX512, elemU64: lessEqualU64AVX512, elemF64: lessEqualF64AVX512,
			},
		},
		sumRows: [numElement]rowFoldFunc{
			elemI32: sumRowsI32AVX512, elemU32: sumRowsI32AVX512, elemI64: sumRowsI64AVX512, elemU64: sumRowsI64AVX512, elemF64: sumRowsF64AVX512,
		},
		extreme: extremeTable{
			joinMax: {
				elemI8: largestRowsI8AVX512, elemU8: largestRowsU8AVX512, elemI16: largestRowsI16AVX512, elemU16: largestRowsU16AVX512, elemI32: largestRowsI32AVX512,
				elemU32: largestRowsU32AVX512, elemI64: largestRowsI64AVX512, elemU64: largestRowsU64AVX512, elemF64: largestRowsF64AVX512,
			},
			joinMin: {
				elemI8: leastRowsI8AVX512, elemU8: leastRowsU8AVX512, elemI16: leastRowsI16AVX512, elemU16: leastRowsU16AVX512, elemI32: leastRowsI32AVX512,
				elemU32: leastRowsU32AVX512, elemI64: leastRowsI64AVX512, elemU64: leastRowsU64AVX512, elemF64: leastRowsF64AVX512,
			},
		},
		quotientI64: quotientI64AVX512, remainderI64: remainderI64AVX512,
		pow:   powAVX512,
		fmod:  fmodAVX512,
		lanes: 16, softmax: softmaxShortAVX512, logSoftmax: logSoftmaxShortAVX512,
		softmaxRows: softmaxRowsAVX512, logSoftmaxRows: logSoftmaxRowsAVX512,
		softmaxGrad: softmaxGradAVX512, logSoftmaxGrad: logSoftmaxGradAVX512,
		scaledExpRows: scaledExpRowsAVX512,
		layerNormRows: layerNormRowsAVX512, rmsNormRows: rmsNormRowsAVX512, hardmaxRows: hardmaxRowsAVX512,
		layerNormGrad: layerNormGradAVX512, rmsNormGrad: rmsNormGradAVX512,
		planeSums: planeSumsAVX512, planeGrad: planeGradAVX512,
		lstm: lstmAVX512, gru: gruAVX512, lstmKeep: lstmKeepAVX512, gruKeep: gruKeepAVX512, lstmGrad: lstmGradAVX512, gruGrad: gruGradAVX512,
	},
}
