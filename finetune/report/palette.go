package report

import (
	"fmt"
	"image/color"
	"math"
	"strings"
)

// A tone is a colour of figures with the name of the CSS variable that stands for it in a page, so that a page can be dark.
type tone struct {
	name string
	rgb  color.NRGBA
}

// The tones of figures. Series take Okabe and Ito's palette, which remains distinct for the colour-blind ("Color Universal
// Design", 2008).
var (
	ink    = tone{"ink", color.NRGBA{0x1f, 0x23, 0x28, 0xff}}
	muted  = tone{"muted", color.NRGBA{0x59, 0x63, 0x6e, 0xff}}
	grid   = tone{"grid", color.NRGBA{0xe1, 0xe4, 0xe8, 0xff}}
	series = []tone{
		{"s0", color.NRGBA{0x00, 0x72, 0xb2, 0xff}}, // blue
		{"s1", color.NRGBA{0xd5, 0x5e, 0x00, 0xff}}, // vermilion
		{"s2", color.NRGBA{0x00, 0x9e, 0x73, 0xff}}, // bluish green
		{"s3", color.NRGBA{0xcc, 0x79, 0xa7, 0xff}}, // reddish purple
		{"s4", color.NRGBA{0xe6, 0x9f, 0x00, 0xff}}, // orange
		{"s5", color.NRGBA{0x56, 0xb4, 0xe9, 0xff}}, // sky blue
	}
)

// A sheer colour is a tone with an opacity of 0..1.
type sheer struct {
	rgb     color.NRGBA
	opacity float64
}

// RGBA implements color.Color. It rounds up: the SVG canvas divides by alpha again and cuts the fraction off, and themed looks
// for the very colour of the tone.
func (s sheer) RGBA() (r, g, b, a uint32) {
	a = uint32(math.Round(s.opacity * math.MaxUint16))
	part := func(v uint8) uint32 { return (uint32(v)*a + 254) / 255 }
	return part(s.rgb.R), part(s.rgb.G), part(s.rgb.B), a
}

// themed replaces the colours of SVG text by CSS variables.
func themed(svg string) string {
	var pairs []string
	for _, t := range append([]tone{ink, muted, grid}, series...) {
		pairs = append(pairs, fmt.Sprintf("#%02X%02X%02X", t.rgb.R, t.rgb.G, t.rgb.B), "var(--"+t.name+")")
	}
	return strings.NewReplacer(pairs...).Replace(svg)
}
