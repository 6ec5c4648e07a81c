package pipeline

import (
	"fmt"
	"image"
	"math"
)

// A filter is a function by which neighbouring pixels are weighed, zero outside [-support, support].
type filter struct {
	support float64
	weight  func(x float64) float64
}

// filters are those of Pillow, by name. "nearest" takes single pixels.
var filters = map[string]filter{
	"nearest":  {},
	"box":      {0.5, func(x float64) float64 { return step(x > -0.5 && x <= 0.5) }},
	"bilinear": {1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }},
	"hamming":  {1, hamming},
	"bicubic":  {2, bicubic},
	"lanczos":  {3, func(x float64) float64 { return step(x >= -3 && x < 3) * sinc(x) * sinc(x/3) }},
}

func step(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func hamming(x float64) float64 {
	if x = math.Abs(x); x >= 1 {
		return 0
	}
	return sinc(x) * (0.54 + 0.46*math.Cos(math.Pi*x))
}

// bicubic is Keys' kernel with a = -0.5.
func bicubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// A Box is a part of a picture, in pixels that need not be whole.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Resample returns the part of a picture at another size, weighed by a filter of Pillow: nearest, box, bilinear,
// hamming, bicubic or lanczos. The values are those of Pillow's Image.resize with the argument box; alpha is not looked
// at, the result is opaque.
func Resample(img image.Image, box Box, width, height int, name string) (*image.NRGBA, error) {
	f, ok := filters[name]
	src := opaque(img)
	w, h := src.Rect.Dx(), src.Rect.Dy()
	switch {
	case !ok:
		return nil, fmt.Errorf("pipeline: picture: filter %q, want nearest, box, bilinear, hamming, bicubic or lanczos", name)
	case width < 1 || height < 1 || width > maxPixels/max(height, h):
		return nil, fmt.Errorf("pipeline: picture: size %d x %d", width, height)
	case !(box.X0 >= 0 && box.Y0 >= 0 && box.X1 > box.X0 && box.Y1 > box.Y0 && box.X1 <= float64(w) && box.Y1 <= float64(h)):
		return nil, fmt.Errorf("pipeline: picture: part %v of %d x %d pixels", box, w, h)
	}
	if name == "nearest" {
		return pickNearest(src, box, width, height), nil
	}
	return weigh(src, box, width, height, f), nil
}

// maxPixels is the size from which Pillow takes a picture for an attack on memory.
const maxPixels = 178956970

// opaque returns the colours of a picture with its corner at 0, 0, itself if it has that form.
func opaque(img image.Image) *image.NRGBA {
	b := img.Bounds()
	if m, ok := img.(*image.NRGBA); ok && b.Min == (image.Point{}) {
		return m
	}
	m := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			m.Set(x, y, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return m
}

// pickNearest takes the pixel below each pixel's centre, clipped to the picture.
func pickNearest(src *image.NRGBA, box Box, width, height int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, width, height))
	sx, sy := (box.X1-box.X0)/float64(width), (box.Y1-box.Y0)/float64(height)
	for y := range height {
		from := src.Pix[min(int(box.Y0+(float64(y)+0.5)*sy), src.Rect.Dy()-1)*src.Stride:]
		to := dst.Pix[y*dst.Stride:]
		for x := range width {
			copy(to[4*x:4*x+3], from[4*min(int(box.X0+(float64(x)+0.5)*sx), src.Rect.Dx()-1):])
			to[4*x+3] = 255
		}
	}
	return dst
}

// weightBits is the precision of Pillow's weights: sums of bytes and of one bit of rounding stay within 32 bits.
const weightBits = 32 - 8 - 2

// weights are what output pixels take of input pixels first to first+len of a row or column.
type weights struct {
	first []int
	list  [][]int32
}

// weightsOf follows Pillow's precompute_coeffs: the filter is stretched to the step where that is larger than a pixel.
func weightsOf(n int, from, to float64, out int, f filter) weights {
	scale := (to - from) / float64(out)
	stretch := max(scale, 1)
	support := f.support * stretch
	w := weights{make([]int, out), make([][]int32, out)}
	size := 2*int(math.Ceil(support)) + 1
	k, all := make([]float64, 0, size), make([]int32, 0, min(out*size, n*out))
	for i := range out {
		centre := from + (float64(i)+0.5)*scale
		first := max(0, int(centre-support+0.5))
		last := min(n, int(centre+support+0.5))
		k = k[:0]
		sum := 0.0
		for x := first; x < last; x++ {
			v := f.weight((float64(x) - centre + 0.5) / stretch)
			k = append(k, v)
			sum += v
		}
		for _, v := range k {
			if sum != 0 {
				v /= sum
			}
			all = append(all, int32(math.Round(v*(1<<weightBits))))
		}
		w.first[i], w.list[i] = first, all[len(all)-len(k):]
	}
	return w
}

// weigh resamples rows, then columns; in between are bytes, as in Pillow.
func weigh(src *image.NRGBA, box Box, width, height int, f filter) *image.NRGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	across := weightsOf(w, box.X0, box.X1, width, f)
	down := weightsOf(h, box.Y0, box.Y1, height, f)
	top := down.first[0]
	bottom := down.first[height-1] + len(down.list[height-1])
	rows := src
	if width != w || box.X0 != 0 || box.X1 != float64(w) {
		rows = image.NewNRGBA(image.Rect(0, 0, width, bottom))
		for y := top; y < bottom; y++ {
			weighRow(rows.Pix[y*rows.Stride:], src.Pix[y*src.Stride:], across)
		}
	}
	if height == h && box.Y0 == 0 && box.Y1 == float64(h) {
		if rows == src {
			rows = image.NewNRGBA(src.Rect)
			copy(rows.Pix, src.Pix)
			for i := 3; i < len(rows.Pix); i += 4 {
				rows.Pix[i] = 255
			}
		}
		return rows
	}
	dst := image.NewNRGBA(image.Rect(0, 0, width, height))
	sums := make([]int32, 4*width)
	for y := range height {
		weighColumns(dst.Pix[y*dst.Stride:][:4*width], rows, down.first[y], down.list[y], sums)
	}
	return dst
}

func weighRow(to, from []byte, w weights) {
	for x, list := range w.list {
		r, g, b := int32(1)<<(weightBits-1), int32(1)<<(weightBits-1), int32(1)<<(weightBits-1)
		pix := from[4*w.first[x]:][:4*len(list)]
		for _, k := range list {
			r += k * int32(pix[0])
			g += k * int32(pix[1])
			b += k * int32(pix[2])
			pix = pix[4:]
		}
		p := to[4*x : 4*x+4]
		p[0], p[1], p[2], p[3] = clip(r), clip(g), clip(b), 255
	}
}

func weighColumns(to []byte, rows *image.NRGBA, first int, list []int32, sums []int32) {
	for i := range sums {
		sums[i] = 1 << (weightBits - 1)
	}
	for j, k := range list {
		from := rows.Pix[(first+j)*rows.Stride:][:len(to)]
		for i, v := range from {
			sums[i] += k * int32(v)
		}
	}
	for i, s := range sums {
		to[i] = clip(s)
	}
	for i := 3; i < len(to); i += 4 {
		to[i] = 255
	}
}

func clip(sum int32) byte { return byte(max(0, min(255, sum>>weightBits))) }
