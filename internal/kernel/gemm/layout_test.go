package gemm

import (
	"testing"
	"unsafe"
)

// TestLayout fixes the offsets that the generator in _asm writes into the kernels.
func TestLayout(t *testing.T) {
	var tile tileArgs
	var seg segment
	var dot dotArgs
	var axpy axpyArgs
	var pack packArgs
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"tile.c", unsafe.Offsetof(tile.c), 16},
		{"tile.k", unsafe.Offsetof(tile.k), 24},
		{"tile.acs", unsafe.Offsetof(tile.acs), 40},
		{"tile.bstep", unsafe.Offsetof(tile.bstep), 48},
		{"tile.ldc", unsafe.Offsetof(tile.ldc), 56},
		{"tile.flags", unsafe.Offsetof(tile.flags), 64},
		{"tile.alpha", unsafe.Offsetof(tile.alpha), 72},
		{"tile.hi", unsafe.Offsetof(tile.hi), 80},
		{"tile.colBias", unsafe.Offsetof(tile.colBias), 88},
		{"tile.res", unsafe.Offsetof(tile.res), 104},
		{"tile.ldr", unsafe.Offsetof(tile.ldr), 112},
		{"tile.n", unsafe.Offsetof(tile.n), 120},
		{"tile.panel", unsafe.Offsetof(tile.panel), 128},
		{"tile.segs", unsafe.Offsetof(tile.segs), 136},
		{"tile.nSegs", unsafe.Offsetof(tile.nSegs), 144},
		{"tile.tiles", unsafe.Offsetof(tile.tiles), 152},
		{"tile.ahead", unsafe.Offsetof(tile.ahead), 192},
		{"tile.aheadEnd", unsafe.Offsetof(tile.aheadEnd), 200},
		{"tile.other", unsafe.Offsetof(tile.other), 208},
		{"tile.aheadStep", unsafe.Offsetof(tile.aheadStep), 232},
		{"tile.aheadFast", unsafe.Offsetof(tile.aheadFast), 240},
		{"tile", unsafe.Sizeof(tile), 248},
		{"segment.k", unsafe.Offsetof(seg.k), 8},
		{"segment", unsafe.Sizeof(seg), 16},
		{"dot.rs", unsafe.Offsetof(dot.rs), 16},
		{"dot.k", unsafe.Offsetof(dot.k), 32},
		{"dot.nr", unsafe.Offsetof(dot.nr), 40},
		{"dot.out", unsafe.Offsetof(dot.out), 56},
		{"axpy.rs", unsafe.Offsetof(axpy.rs), 16},
		{"axpy.n", unsafe.Offsetof(axpy.n), 24},
		{"axpy.x", unsafe.Offsetof(axpy.x), 40},
		{"pack.drs", unsafe.Offsetof(pack.drs), 16},
		{"pack.kb", unsafe.Offsetof(pack.kb), 32},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && c.got != c.want {
			t.Errorf("%s lies at offset %d: the kernels expect %d", c.name, c.got, c.want)
		}
	}
}
