package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of turnArgs.
const (
	turnSrc, turnRows    = 0, 8
	turnDst, turnStep    = 136, 144
	turnCols             = 152
	turnFactor, turnNext = 160, 168
)

// quad is how many columns are transposed at a time: as many as fill a lane of 128 bits.
const quad = 4

// turn generates a transposition of as many rows as a vector has elements. Each lane of a vector takes four columns of a row
// straight from memory, so that shuffles within lanes are enough.
func turn(s isa) {
	name := fmt.Sprintf("turn%d%s", s.Lanes, s.Name)
	k := &tile{isa: s, t: functions.Begin(name, "turnArgs", fmt.Sprintf("%s transposes %d rows.", name, s.Lanes))}
	src, dst, step, cols := k.field(turnSrc), k.field(turnDst), k.field(turnStep), k.field(turnCols)
	factor, next := k.field(turnFactor), k.field(turnNext)
	lane := make([]reg.OpmaskVirtual, s.Lanes/quad)
	for l := 1; l < len(lane) && s.Wide(); l++ {
		bits := GP32()
		lane[l] = K()
		MOVL(U32(0xf<<(quad*l)), bits)
		KMOVW(bits, lane[l])
	}
	Label("columns")
	f := s.Vec()
	k.repeat(Mem{Base: factor}, f)
	ADDQ(next, factor)
	row := make([]reg.VecVirtual, quad)
	for i := range row {
		row[i] = s.Vec()
		for l := range lane {
			at := Mem{Base: src, Index: k.field(turnRows + 8*(quad*l+i)), Scale: 1}
			switch {
			case l == 0:
				k.repeat(at, row[i])
			case s.Wide():
				VBROADCASTF32X4(at, lane[l], row[i])
			default:
				VINSERTF128(Imm(1), at, row[i], row[i])
			}
		}
		VMULPS(f, row[i], row[i])
	}
	Quarter(row, s.Vecs(quad), row)
	for _, v := range row {
		VMOVUPS(v, Mem{Base: dst})
		ADDQ(step, dst)
		DECQ(cols)
		JZ(LabelRef("end"))
	}
	ADDQ(U32(4*quad), src)
	JMP(LabelRef("columns"))
	Label("end")
	End()
}

// repeat loads four elements into all lanes.
func (k *tile) repeat(at Mem, v reg.VecVirtual) {
	if k.Wide() {
		VBROADCASTF32X4(at, v)
		return
	}
	VBROADCASTF128(at, v)
}
