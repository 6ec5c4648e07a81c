// Command _asm writes zvec_amd64.s and zstubs_amd64.go of package vec: the AVX2 and AVX-512 variants of
// its kernels. Run it through go generate in the package's folder.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("amd64,!purego")
	sets := []*isa{{name: "AVX2", w: 8}, {name: "AVX512", w: 16}}
	for _, g := range sets {
		for _, k := range append(unaryKernels, trigKernels...) {
			g.unary(k)
		}
		for _, k := range binaryKernels {
			g.binary(k)
		}
		for _, k := range foldKernels {
			g.fold(k)
		}
		g.extent()
		g.expSum()
		g.normRow()
		g.maxColumns()
		g.expColumns()
		g.scaleDotColumns()
		g.softmaxGradColumns()
		for _, k := range foldColumnKernels {
			g.foldColumns(k)
		}
		for _, k := range argKernels {
			g.argColumns(k)
		}
		g.scaleRows()
		g.converts()
		g.where("where", "uint32", 4)
		g.where("where8", "uint8", 1)
		g.where("where16", "uint8", 2)
		g.where("where64", "uint8", 8)
		g.softmaxShort("softmaxShort", false)
		g.softmaxShort("logSoftmaxShort", true)
		g.softmaxRows("softmaxRows", false)
		g.softmaxRows("logSoftmaxRows", true)
		g.hardmaxRows()
		g.softmaxGrad("softmaxGrad", false)
		g.softmaxGrad("logSoftmaxGrad", true)
		g.scaledExpRows()
		g.normRows("layerNormRows", false)
		g.normRows("rmsNormRows", true)
		g.normGrad("layerNormGrad", false)
		g.normGrad("rmsNormGrad", true)
		g.planeSums()
		g.planeGrad()
		for _, k := range compareKernels {
			g.compare(k)
		}
		for _, k := range joinKernels {
			for _, t := range k.types {
				g.joins(k, t)
				switch {
				case k.name == "largest" || k.name == "least":
					g.foldRows(k, t, true)
				case k.name == "sum" && t.size >= 4:
					g.foldRows(k, t, false)
				}
			}
		}
		g.divides64("quotient", false)
		g.divides64("remainder", true)
		for _, k := range holdKernels {
			for _, t := range holdTypes {
				g.holds(k, t)
			}
		}
		for _, k := range convertKernels {
			if g.wide() || !k.wide {
				g.convert(k)
			}
		}
		if !g.wide() {
			for _, size := range []int{4, 8} {
				g.quadsToFloats(size)
				g.floatsToQuads(size)
			}
		}
		g.quantize("quantizeI8", true)
		g.quantize("quantizeU8", false)
		g.dequantize("dequantizeI8", true)
		g.dequantize("dequantizeU8", false)
		for _, k := range partialKernels {
			g.partial(k)
		}
		g.lstm()
		g.gru()
		g.lstmKeep()
		g.gruKeep()
		g.lstmGrad()
		g.gruGrad()
	}
	sumPieces()
	repeats()
	for _, g := range sets {
		for _, k := range unaryKernels {
			g.unaryWide(k)
		}
		g.addWide()
		g.scaleWide()
	}
	emitTable()
	emitByteOrder()
	emitUnpack()
	Generate()
}
