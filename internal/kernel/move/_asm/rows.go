package main

import (
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const rowVector = 32

// A target is where, and from where, rows copies.
type target int

const (
	near   target = iota
	far           // rows of src may not be at hand: those farAhead further on are asked for
	stream        // past the caches; dst and both lengths are multiples of 32
)

const farAhead = 16

// rows emits a copy of count rows of n bytes, at least 32 each. The last vector of a row may lie over the one before.
func rows(name string, to target) {
	TEXT(name, NOSPLIT, "func(dst, src *byte, count, n, dstStride, srcStride int)")
	Pragma("noescape")
	r := rowCopy{at: GP64(), stream: to == stream}
	r.dst = Load(Param("dst"), GP64()).(reg.GPVirtual)
	r.src = Load(Param("src"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	r.n = Load(Param("n"), GP64()).(reg.GPVirtual)
	ds := Load(Param("dstStride"), GP64()).(reg.GPVirtual)
	ss := Load(Param("srcStride"), GP64()).(reg.GPVirtual)
	if to == far {
		r.ahead = GP64()
		MOVQ(ss, r.ahead)
		SHLQ(U8(bits.TrailingZeros(farAhead)), r.ahead)
		ADDQ(r.src, r.ahead)
	}
	r.limits()
	Label("row")
	TESTQ(count, count)
	JE(LabelRef("done"))
	r.row()
	ADDQ(ds, r.dst)
	ADDQ(ss, r.src)
	if to == far {
		ADDQ(ss, r.ahead)
	}
	DECQ(count)
	JMP(LabelRef("row"))
	Label("done")
	if to == stream {
		SFENCE()
	}
	VZEROUPPER()
	RET()
}

// claim emits requests for the lines of count rows of n bytes, which are about to be written.
func claim() {
	TEXT("claimAVX2", NOSPLIT, "func(dst *byte, count, n, stride int)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	at := GP64()
	Label("row")
	TESTQ(count, count)
	JE(LabelRef("done"))
	XORQ(at, at)
	Label("line")
	PREFETCHT0(Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(U8(64), at)
	CMPQ(at, n)
	JLT(LabelRef("line"))
	ADDQ(stride, dst)
	DECQ(count)
	JMP(LabelRef("row"))
	Label("done")
	RET()
}

// rowsAhead is how many rows rowsAt looks ahead.
const rowsAhead = 2

// rowsAt emits rows for rows that follow each other in dst, and begin in src where the list of offsets says. It asks the memory for
// those rowsAhead further on, which the list names, too.
func rowsAt() {
	TEXT("rowsAtAVX2", NOSPLIT, "func(dst, src *byte, at *int, count, n int)")
	Pragma("noescape")
	r := rowCopy{at: GP64(), src: GP64(), ahead: GP64()}
	r.dst = Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	list := Load(Param("at"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	r.n = Load(Param("n"), GP64()).(reg.GPVirtual)
	r.limits()
	Label("row")
	TESTQ(count, count)
	JE(LabelRef("done"))
	MOVQ(Mem{Base: list}, r.src)
	ADDQ(src, r.src)
	MOVQ(Mem{Base: list, Disp: 8 * rowsAhead}, r.ahead)
	ADDQ(src, r.ahead)
	r.row()
	ADDQ(r.n, r.dst)
	ADDQ(U8(8), list)
	DECQ(count)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}

// A rowCopy emits the copy of one row of n bytes; ahead, if it is set, is a row to ask for.
type rowCopy struct {
	dst, src, n, at, ahead reg.GPVirtual
	four, one              reg.GPVirtual // the last places where four vectors, and one, fit
	stream                 bool          // past the caches
}

func (r *rowCopy) limits() {
	r.four, r.one = GP64(), GP64()
	LEAQ(Mem{Base: r.n, Disp: -4 * rowVector}, r.four)
	LEAQ(Mem{Base: r.n, Disp: -rowVector}, r.one)
}

func (r *rowCopy) vectors(count int) {
	v := make([]reg.VecVirtual, count)
	for i := range v {
		v[i] = YMM()
		VMOVUPS(Mem{Base: r.src, Index: r.at, Scale: 1, Disp: i * rowVector}, v[i])
	}
	for i := range v {
		to := Mem{Base: r.dst, Index: r.at, Scale: 1, Disp: i * rowVector}
		if r.stream {
			VMOVNTPS(v[i], to)
		} else {
			VMOVUPS(v[i], to)
		}
	}
	for i := 0; i < count && r.ahead != nil; i += 2 {
		PREFETCHT0(Mem{Base: r.ahead, Index: r.at, Scale: 1, Disp: i * rowVector})
	}
}

func (r *rowCopy) loop(name, end string, last reg.GPVirtual, count int) {
	CMPQ(r.at, last)
	JG(LabelRef(end))
	Label(name)
	r.vectors(count)
	ADDQ(U32(uint32(count*rowVector)), r.at)
	CMPQ(r.at, last)
	JLE(LabelRef(name))
	Label(end)
}

func (r *rowCopy) row() {
	XORQ(r.at, r.at)
	r.loop("fours", "rest", r.four, 4)
	r.loop("ones", "tail", r.one, 1)
	CMPQ(r.at, r.n)
	JE(LabelRef("next"))
	MOVQ(r.one, r.at)
	r.vectors(1)
	Label("next")
}
