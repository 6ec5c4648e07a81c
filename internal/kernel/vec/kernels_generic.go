package vec

var unaryGeneric = [numUnary]unaryFunc{
	opExp: expGo, opLog: logGo, opTanh: tanhGo, opSigmoid: sigmoidGo, opErf: erfGo,
	opGelu: geluGo, opGeluTanh: geluTanhGo, opSilu: siluGo, opSoftplus: softplusGo, opMish: mishGo,
	opHardSwish: hardSwishGo, opHardSigmoid: hardSigmoidGo, opRelu: reluGo, opLeakyRelu: leakyReluGo,
	opElu: eluGo, opClip: clipGo, opNeg: negGo, opAbs: absGo, opSqrt: sqrtGo, opReciprocal: reciprocalGo,
	opFloor: floorGo, opCeil: ceilGo, opRound: roundGo, opScaleShift: scaleShiftGo, opAxpy: axpyGo,
}

var binaryGeneric = [numBinary]binaryFunc{
	opAdd: addGo, opSub: subGo, opMul: mulGo, opDiv: divGo, opMax: maxGo, opMin: minGo,
	opAddRelu: addReluGo, opMulAcc: mulAccGo,
}
