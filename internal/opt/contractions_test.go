package opt_test

import (
	"math"
	"slices"
	"testing"
)

// TestContractions compares Einsum with what it is written as: nothing of it may be left but what the last cases say.
func TestContractions(t *testing.T) {
	const heads = "Reshape tokens #2,5,2,4 -> q; "
	for _, c := range []struct{ nodes, stays string }{
		{heads + "Einsum q q equation=bihd,bjhd->bhij -> y", ""},
		{heads + "Einsum q q equation=bihd,bjhd->bhij -> s; Einsum s q equation=bhij,bjhd->bihd -> y", ""},
		{heads + "Einsum q q equation=ibhd,jbhd->bhij -> y", ""},
		{heads + "Einsum q W4x6 equation=bihd,de->behi -> y", ""},
		{heads + "Einsum W6x4 q equation=ed,bihd->ehib -> y", ""},
		{heads + "Einsum q W2x4x6 equation=bihd,hde->bie -> y", ""},
		{heads + "Einsum q V2x5x2 equation=bihd,bih->bihd -> y", ""},
		{heads + "Einsum q V2x5x2 equation=bihd,bih->dhbi -> y", ""},
		{heads + "Einsum q V4x2x5x2 equation=bihd,dbih->bd -> y", ""},
		{heads + "Einsum q q equation=bihd,bihd-> -> y", ""},
		{heads + "Einsum q W2x2x4x3 V2x5x2 equation=bihd,bhde,bih->bihe -> y", ""},
		{heads + "Einsum V2x4 W3 q equation=bk,j,bihd->jdb -> y", ""},
		{"Reshape tokens #10,8 -> a; Einsum a W3x8x6 equation=td,ndh->nth -> y", ""},
		{"Reshape tokens #10,8 -> a; Einsum W3x8x6 a equation=ndh,td->nth -> y", ""},
		{"Reshape tokens #10,8 -> a; Einsum W3x10x4 V10x3 equation=ntd,tn->td -> w; Einsum a w equation=tk,td->kd -> y", ""},
		{"Einsum tokens W8x3 equation=b...d,de->b...e -> y", ""},
		{"Einsum tokens W8x3 equation=b...d,de -> y", ""},
		{"Einsum tokens P8 equation=bid,e->eidb -> y", ""},
		{"Einsum tokens equation=bid->dbi -> y", "Einsum"},
		{"Einsum tokens W8x8 equation=bid,dd->bi -> y", "Einsum"},
	} {
		t.Run(c.nodes, func(t *testing.T) {
			m := parse("tokens", c.nodes)
			plain, _ := apply(t, m, true)
			written, kinds := apply(t, m, false)
			if slices.Contains(kinds, "Einsum") != (c.stays != "") {
				t.Errorf("left: %v", kinds)
			}
			if len(written) != len(plain) {
				t.Fatalf("%d elements, want %d", len(written), len(plain))
			}
			for i, want := range plain {
				if math.Abs(float64(written[i]-want)) > 1e-5*max(1, math.Abs(float64(want))) {
					t.Fatalf("element %d is %v, want %v", i, written[i], want)
				}
			}
		})
	}
}
