package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in SumArgs.
const (
	sumX, sumY, sumSums, sumRows, sumCols = 0, 24, 48, 72, 80
	sumXRow, sumXCol, sumLine             = 88, 96, 104
)

// sumKernels are the kernels of sums, the outputs that they take at once among them.
var sumKernels = []struct{ lines, taps, sets int }{{1, 1, 8}, {1, 3, 4}, {1, 5, 2}, {1, 7, 2}, {3, 3, 1}, {5, 5, 1}}

// sums emits the kernel for windows of lines rows of taps. Each kernel element has an accumulator for each of sets outputs
// beside each other: so many that additions do not wait for each other.
func sums(v isa, lines, taps, sets int) {
	name := fmt.Sprintf("sums%dx%d%s", lines, taps, v.Name)
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s is sumsGeneric for %d lines of %d taps.", name, lines, taps))
	a := Load(Param("a"), GP64())
	x, y, to := Field(a, sumX), Field(a, sumY), Field(a, sumSums)
	rows, row := Field(a, sumRows), Elements(a, sumXRow)
	col, line := Elements(a, sumXCol), Elements(a, sumLine)
	at := lineAddresses(lines, line)
	acc := make([][]reg.VecVirtual, sets)
	for s := range acc {
		for t := range lines * taps {
			r := v.Vec()
			if s == 0 {
				VMOVUPS(Mem{Base: to, Disp: t * v.Bytes()}, r)
			} else if v.Wide() {
				VPXORD(r, r, r)
			} else {
				VXORPS(r, r, r)
			}
			acc[s] = append(acc[s], r)
		}
	}
	p, left := GP64(), GP64()
	output := func(s int) {
		d := v.Vec()
		VMOVUPS(Mem{Base: y, Disp: s * v.Bytes()}, d)
		for t, r := range acc[s] {
			m := at(p, t/taps)
			m.Disp += t % taps * v.Bytes()
			VFMADD231PS(m, d, r)
		}
		ADDQ(col, p)
	}
	Label("rows")
	MOVQ(x, p)
	MOVQ(Mem{Base: a, Disp: sumCols}, left)
	for _, n := range []int{sets, 1} {
		Loop(fmt.Sprintf("outputs%d", n), left, n, func() {
			for s := range n {
				output(s)
			}
			ADDQ(U32(uint32(n*v.Bytes())), y)
		})
		if n == 1 {
			break
		}
	}
	ADDQ(row, x)
	DECQ(rows)
	JNE(LabelRef("rows"))
	for t := range lines * taps {
		for s := 1; s < sets; s++ {
			VADDPS(acc[s][t], acc[0][t], acc[0][t])
		}
		VMOVUPS(acc[0][t], Mem{Base: to, Disp: t * v.Bytes()})
	}
	VZEROUPPER()
	RET()
}

// lineAddresses returns where line i of a window begins.
func lineAddresses(lines int, line gp) func(p gp, i int) Mem {
	three := GP64()
	if lines > 3 {
		LEAQ(Mem{Base: line, Index: line, Scale: 2}, three)
	}
	return func(p gp, i int) Mem {
		switch i {
		case 0:
			return Mem{Base: p}
		case 3:
			return Mem{Base: p, Index: three, Scale: 1}
		}
		return Mem{Base: p, Index: line, Scale: uint8(i)}
	}
}
