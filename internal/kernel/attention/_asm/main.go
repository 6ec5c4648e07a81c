// Command asm writes zattention_amd64.s and its Go declarations, zattention_amd64.go: the products and transpositions of package attention
// for AVX2 and AVX-512. Run it in the folder of the package:
//
//	go -C _asm run . -out ../zattention_amd64.s -declarations ../zattention_amd64.go
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
	rows    int   // of the largest tile
	vectors []int // of a panel
}

var isas = []isa{{AVX2, 6, []int{2}}, {AVX512, 14, []int{1, 2}}}

// tile is a kernel in the making: r rows of v vectors of sums.
type tile struct {
	isa
	r, v int
	t    reg.GPVirtual
	acc  [][]reg.VecVirtual
}

// functions are the declarations of what is generated.
var functions Declarations

// begin starts the function of a tile, whose argument points to a struct of type arg.
func begin(s isa, kind string, r, v int, what string) *tile {
	name := fmt.Sprintf("%s%dx%d%s", kind, r, v*s.Lanes, s.Name)
	doc := fmt.Sprintf("%s computes %s, %d at a time, of %d queries.", name, what, r, v*s.Lanes)
	k := &tile{isa: s, r: r, v: v, t: functions.Begin(name, kind+"Args", doc)}
	for range r {
		k.acc = append(k.acc, s.Vecs(v))
	}
	return k
}

// row is the length of a row of a panel in bytes.
func (k *tile) row() int { return 4 * k.v * k.Lanes }

// field loads a word of the argument.
func (k *tile) field(at int) reg.GPVirtual { return Field(k.t, at) }

// each calls f for every sum, at bytes behind the first of a panel whose rows follow one another.
func (k *tile) each(f func(acc reg.VecVirtual, at int)) {
	for i, row := range k.acc {
		for j, acc := range row {
			f(acc, i*k.row()+4*j*k.Lanes)
		}
	}
}

// step adds to each row the product of its factor, which lies at a, with the vectors of panel row u at p.
func (k *tile) step(a func(row int) Mem, p reg.GPVirtual, u int) {
	b := make([]reg.VecVirtual, k.v)
	for j := range b {
		b[j] = k.Vec()
		VMOVUPS(Mem{Base: p, Disp: u*k.row() + 4*j*k.Lanes}, b[j])
	}
	for i, row := range k.acc {
		x := k.Vec()
		VBROADCASTSS(a(i), x)
		for j := range b {
			VFMADD231PS(b[j], x, row[j])
		}
	}
}

// times emits body, repeated n times where n, which it changes, is above 0.
func times(name string, n reg.GPVirtual, body func()) {
	TESTQ(n, n)
	JZ(LabelRef(name + "End"))
	Label(name)
	body()
	DECQ(n)
	JNZ(LabelRef(name))
	Label(name + "End")
}

func main() { functions.Generate("attention", emit) }

func emit() {
	for _, s := range isas {
		turn(s)
		for _, v := range s.vectors {
			for r := 1; r <= s.rows; r++ {
				scores(s, r, v)
				values(s, r, v)
			}
		}
	}
}
