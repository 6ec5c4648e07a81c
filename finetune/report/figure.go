package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of figures, in points.
const (
	wide      = vg.Length(500)
	high      = vg.Length(260)
	square    = vg.Length(340)
	margin    = vg.Length(8)
	keyHeight = vg.Length(22) // a row of keys above the axes
	keyRow    = vg.Length(17) // from one row of keys to the next
	keySample = vg.Length(18)
	textSize  = vg.Length(13)
	smallSize = vg.Length(12)
)

// A Figure is a drawing of curves. The same data give the same bytes.
type Figure struct {
	Name  string // for a file: letters, digits and "-"
	Title string

	plot          *plot.Plot
	keys          []key
	width, height vg.Length
}

// A key tells what a line is.
type key struct {
	text   string
	line   draw.LineStyle
	marker draw.GlyphDrawer // nil for a line
}

// A line is what one series looks like.
type line struct {
	key     string // "" for none
	tone    tone
	width   vg.Length
	opacity float64 // 0 is 1
	dashed  bool
	markers bool
}

func newFigure(name, title, x, y string) *Figure {
	p := plot.New()
	style := func(s *text.Style, size vg.Length, t tone) {
		s.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
		s.Color = t.rgb
	}
	style(&p.Title.TextStyle, textSize, ink)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		style(&a.Label.TextStyle, smallSize, muted)
		style(&a.Tick.Label, smallSize, muted)
		a.Color, a.Tick.Color = muted.rgb, muted.rgb
		a.Width, a.Tick.Width = 0.8, 0.8
		a.Tick.Length = 4
		a.Padding, a.Label.Padding = 0, 4
		a.Tick.Marker = evenTicks{}
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	lines := plotter.NewGrid()
	lines.Vertical.Color = nil
	lines.Horizontal.Color, lines.Horizontal.Width = grid.rgb, 0.8
	p.Add(lines)
	return &Figure{Name: name, Title: title, plot: p, width: wide, height: high}
}

// finite leaves the points that can be drawn.
func finite(points plotter.XYs) plotter.XYs {
	const far = 1e150
	var list plotter.XYs
	for _, p := range points {
		if math.Abs(p.X) < far && math.Abs(p.Y) < far { // false for NaN
			list = append(list, p)
		}
	}
	return list
}

// add draws a series and reports whether it had anything to draw.
func (f *Figure) add(points plotter.XYs, l line) bool {
	points = finite(points)
	if len(points) == 0 {
		return false
	}
	style := draw.LineStyle{Color: l.tone.rgb, Width: l.width}
	if l.opacity > 0 {
		style.Color = sheer{l.tone.rgb, l.opacity}
	}
	if l.dashed {
		style.Dashes = []vg.Length{5, 3}
	}
	curve := &plotter.Line{XYs: points, LineStyle: style}
	f.plot.Add(curve)
	if l.markers || len(points) == 1 {
		f.plot.Add(&plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: style.Color, Radius: 2.4, Shape: draw.CircleGlyph{}}})
	}
	if l.key != "" {
		f.keys = append(f.keys, key{text: l.key, line: style})
	}
	return true
}

// mark draws single points as triangles.
func (f *Figure) mark(points plotter.XYs, name string, t tone) {
	points = finite(points)
	if len(points) == 0 {
		return
	}
	glyph := draw.GlyphStyle{Color: t.rgb, Radius: 5, Shape: draw.PyramidGlyph{}}
	f.plot.Add(&plotter.Scatter{XYs: points, GlyphStyle: glyph})
	f.keys = append(f.keys, key{text: name, line: draw.LineStyle{Color: t.rgb}, marker: glyph.Shape})
}

// vertical draws a dashed line over the whole height at x. It comes after all series, whose range it takes.
func (f *Figure) vertical(x float64, name string) {
	style := draw.LineStyle{Color: muted.rgb, Width: 1, Dashes: []vg.Length{3, 3}}
	f.plot.Add(&plotter.Line{XYs: plotter.XYs{{X: x, Y: f.plot.Y.Min}, {X: x, Y: f.plot.Y.Max}}, LineStyle: style})
	f.keys = append(f.keys, key{text: name, line: style})
}

// pad widens the range of the vertical axis a little, so that no line lies on its ends.
func (f *Figure) pad() {
	y := &f.plot.Y
	gap := (y.Max - y.Min) / 25
	if gap == 0 {
		gap = max(math.Abs(y.Max)/10, 1e-6)
	}
	y.Min, y.Max = y.Min-gap, y.Max+gap
}

// logarithmic turns the vertical axis to decades where all values are above 0 and the largest is many times the least.
func (f *Figure) logarithmic() bool {
	y := &f.plot.Y
	const spread = 50
	if y.Min <= 0 || y.Max/y.Min < spread {
		return false
	}
	y.Scale, y.Tick.Marker = plot.LogScale{}, decadeTicks{}
	y.Min, y.Max = y.Min/1.2, y.Max*1.2
	y.Label.Text += ", logarithmic"
	return true
}

// WriteSVG writes the figure as a file of its own, with its title and on white.
func (f *Figure) WriteSVG(w io.Writer) error {
	svg, err := f.draw(true)
	if err != nil {
		return err
	}
	svg = strings.ReplaceAll(svg, "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	_, err = io.WriteString(w, svg)
	return err
}

// Inline returns the figure as an element of a page that sets its width, its font and, as CSS variables, its colours.
func (f *Figure) Inline() (template.HTML, error) {
	svg, err := f.draw(false)
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(svg, `viewBox=`)
	if !ok {
		return "", fmt.Errorf("report: figure %s: the drawing has no view box", f.Name)
	}
	rest = strings.ReplaceAll(rest, "font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", "")
	head := fmt.Sprintf(`<svg class="figure" role="img" aria-label="%s" viewBox=`, html.EscapeString(f.Title))
	return template.HTML(head + themed(rest)), nil
}

// draw returns the SVG document. Title and ground are left to a page that has its own.
func (f *Figure) draw(alone bool) (string, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(f.width, f.height))
	c := draw.New(canvas)
	f.plot.BackgroundColor = nil
	if alone {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
	}
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if alone {
		style := f.plot.Title.TextStyle
		style.XAlign, style.YAlign = draw.XLeft, draw.YTop
		c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y}, f.Title)
		c.Max.Y -= 1.7 * textSize
	}
	if len(f.keys) > 0 {
		c.Max.Y -= f.drawKeys(c)
	}
	f.plot.Draw(c)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("report: figure %s: %w", f.Name, err)
	}
	return out.String(), nil
}

// drawKeys writes the keys in rows from the left of the top and returns the height that they take.
func (f *Figure) drawKeys(c draw.Canvas) vg.Length {
	const gap, between = 5, 16 // points behind a sample, and between keys
	style := f.plot.X.Tick.Label
	style.Color, style.XAlign, style.YAlign = ink.rgb, draw.XLeft, draw.YCenter
	x, y := c.Min.X, c.Max.Y-smallSize/2
	height := keyHeight
	for _, k := range f.keys {
		size := keySample + gap + style.Width(k.text)
		if x > c.Min.X && x+size > c.Max.X {
			x, y, height = c.Min.X, y-keyRow, height+keyRow
		}
		if k.marker != nil {
			c.DrawGlyph(draw.GlyphStyle{Color: k.line.Color, Radius: 3.5, Shape: k.marker}, vg.Point{X: x + keySample/2, Y: y})
		} else {
			sample := k.line
			sample.Width = max(sample.Width, 1.5)
			c.StrokeLine2(sample, x, y, x+keySample, y)
		}
		c.FillText(style, vg.Point{X: x + keySample + gap, Y: y}, k.text)
		x += size + between
	}
	return height
}
