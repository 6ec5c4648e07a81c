// Command _asm writes zrnn_amd64.s and its Go declarations, zrnn_amd64.go: the products of few rows with packed blocks of
// package rnn. Run it through go generate in the folder of the package.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// isa is what differs between vector widths.
type isa struct {
	ISA
	widths [5][]int // vectors of each gate in a block, for 1 to 4 gates
}

var isas = []isa{
	{AVX2, [5][]int{1: {4, 2, 1}, 2: {2, 1}, 3: {1}, 4: {1}}},
	{AVX512, [5][]int{1: {4, 2, 1}, 2: {4, 2, 1}, 3: {2, 1}, 4: {2, 1}}},
}

// maxRows is the largest number of rows of a kernel.
const maxRows = 3

// functions are the declarations of what is generated.
var functions Declarations

func main() { functions.Generate("rnn", emit) }

func emit() {
	for _, s := range isas {
		for gates := 1; gates <= 4; gates++ {
			for _, v := range s.widths[gates] {
				for rows := 1; rows <= maxRows; rows++ {
					k := &kernel{isa: s, gates: gates, v: v, rows: rows}
					k.emit()
				}
			}
		}
	}
}

// Offsets of blockArgs.
const (
	argA, argARS, argB, argK = 0, 8, 16, 24
	argC, argLDC, argGS      = 32, 40, 48
	argLoad                  = 56
	unroll                   = 4
)

// kernel multiplies rows with a block of v vectors for each gate.
type kernel struct {
	isa
	gates, v, rows int
	t              reg.GPVirtual
	acc            [][]reg.VecVirtual // of each row; where there are few, a second set for every other k
}

func (k *kernel) symbol() string { return fmt.Sprintf("block%dx%dx%d%s", k.gates, k.v, k.rows, k.Name) }

func (k *kernel) field(offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: k.t, Disp: offset}, r)
	return r
}

func (k *kernel) emit() {
	k.t = functions.Begin(k.symbol(), "blockArgs", "")
	// Few sums do not hide the latency of a multiply-add. Kernels of two rows and of three add up in the same order.
	n, sets := k.gates*k.v, 1
	if k.rows == 1 && n < 8 || n < 3 {
		sets = 2
	}
	k.acc = nil
	for range k.rows * sets {
		row := make([]reg.VecVirtual, n)
		for j := range row {
			row[j] = k.Vec()
			if k.Lanes == 16 {
				VPXORD(row[j], row[j], row[j])
			} else {
				VXORPS(row[j], row[j], row[j])
			}
		}
		k.acc = append(k.acc, row)
	}
	k.loop()
	if sets == 2 {
		for i := range k.rows {
			for j := range n {
				VADDPS(k.acc[k.rows+i][j], k.acc[i][j], k.acc[i][j])
			}
		}
	}
	k.store()
	VZEROUPPER()
	RET()
}

// loop accumulates over K.
func (k *kernel) loop() {
	b, count, rest := k.field(argB), k.field(argK), GP64()
	a := []reg.GPVirtual{k.field(argA)}
	if k.rows > 1 {
		stride := k.field(argARS)
		for i := 1; i < k.rows; i++ {
			r := GP64()
			LEAQ(Mem{Base: a[i-1], Index: stride, Scale: 1}, r)
			a = append(a, r)
		}
	}
	step := 4 * k.Lanes * k.gates * k.v
	MOVQ(count, rest)
	ANDQ(Imm(unroll-1), rest)
	SHRQ(Imm(2), count)
	JZ(LabelRef("rest"))
	run := func(n int) {
		for i := range n {
			k.step(a, b, i, i*step)
		}
		for _, p := range a {
			ADDQ(Imm(uint64(4*n)), p)
		}
		ADDQ(U32(uint32(n*step)), b)
	}
	Label("loop")
	run(unroll)
	DECQ(count)
	JNZ(LabelRef("loop"))
	Label("rest")
	TESTQ(rest, rest)
	JZ(LabelRef("done"))
	Label("single")
	run(1)
	DECQ(rest)
	JNZ(LabelRef("single"))
	Label("done")
}

// step adds element i of each row times the vectors at b+disp.
func (k *kernel) step(a []reg.GPVirtual, b reg.GPVirtual, i, disp int) {
	acc := k.acc[i%(len(k.acc)/k.rows)*k.rows:]
	x := make([]reg.VecVirtual, k.rows)
	for r := range x {
		x[r] = k.Vec()
		VBROADCASTSS(Mem{Base: a[r], Disp: 4 * i}, x[r])
	}
	for j := range k.gates * k.v {
		from := Mem{Base: b, Disp: disp + 4*k.Lanes*j}
		if k.rows == 1 {
			VFMADD231PS(from, x[0], acc[0][j])
			continue
		}
		w := k.Vec()
		VMOVUPS(from, w)
		for r := range x {
			VFMADD231PS(w, x[r], acc[r][j])
		}
	}
}

// store writes the sums, added to what is there if the arguments say so.
func (k *kernel) store() {
	gs, ldc := k.field(argGS), k.field(argLDC)
	c := []reg.GPVirtual{k.field(argC)}
	for i := 1; i < k.rows; i++ {
		r := GP64()
		LEAQ(Mem{Base: c[i-1], Index: ldc, Scale: 1}, r)
		c = append(c, r)
	}
	each := func(f func(acc reg.VecVirtual, at Mem)) {
		p := make([]reg.GPVirtual, k.rows)
		for i := range p {
			p[i] = GP64()
			MOVQ(c[i], p[i])
		}
		for g := range k.gates {
			for i := range p {
				for j := range k.v {
					f(k.acc[i][g*k.v+j], Mem{Base: p[i], Disp: 4 * k.Lanes * j})
				}
				if g < k.gates-1 {
					ADDQ(gs, p[i])
				}
			}
		}
	}
	load := k.field(argLoad)
	TESTQ(load, load)
	JZ(LabelRef("fresh"))
	each(func(acc reg.VecVirtual, at Mem) { VADDPS(at, acc, acc) })
	Label("fresh")
	each(func(acc reg.VecVirtual, at Mem) { VMOVUPS(acc, at) })
}
