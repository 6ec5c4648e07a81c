package data

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// Augment says how the views of a sample differ from the plain one. All views are the same in every run with the same
// seed. Zero values leave out what they stand for.
type Augment struct {
	Views int // how many each sample has, the plain one included; 0 or 1: no augmentation
	Seed  uint64

	Flip                             bool    // pictures: left and right are swapped in half of the views
	Crop                             float64 // pictures: smallest share of the area that a random crop keeps, such as 0.5
	Brightness, Contrast, Saturation float64 // pictures: the factor is drawn from [1-x, 1+x]
	Rotate                           float64 // pictures: degrees at most, to both sides
	Noise                            float64 // standard deviation of normal noise on the final values of float inputs
	Shift                            float64 // sounds: largest share of the length by which a sound is shifted
	Gain                             float64 // sounds: decibels at most, louder or softer
}

// A view is one way to look at a sample.
type view struct {
	n       int // 0: the plain one
	augment *Augment
	key     uint64 // of the sample
}

// view returns view n of sample i.
func (s *Set) view(i, n int) (view, error) {
	v := view{n: n, augment: &s.augment}
	if n == 0 {
		return v, nil
	}
	key, err := s.Key(i)
	v.key = finetune.NamedStream(key)
	return v, err
}

// draw returns the random numbers of a view for one of its purposes. Equal samples have equal views.
func (v view) draw(purpose string) *draw {
	return newDraw(v.augment.Seed, fmt.Sprintf("%s %d", purpose, v.n), v.key)
}

// noisy returns x with noise; input tells the inputs of a sample apart.
func (v view) noisy(x *tensor.Tensor, input string) *tensor.Tensor {
	f := tensor.Of[float32](x)
	if v.n == 0 || v.augment.Noise <= 0 || f == nil {
		return x
	}
	y := x.Clone()
	f = tensor.Of[float32](y)
	draw := v.draw("noise " + input)
	for i := range f {
		f[i] += float32(draw.normal() * v.augment.Noise)
	}
	return y
}

func (a *Augment) describe() string {
	var list []string
	add := func(on bool, format string, args ...any) {
		if on {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(a.Flip, "flip")
	add(a.Crop > 0, "crop to %v of the area", a.Crop)
	add(a.Brightness > 0, "brightness ±%v", a.Brightness)
	add(a.Contrast > 0, "contrast ±%v", a.Contrast)
	add(a.Saturation > 0, "saturation ±%v", a.Saturation)
	add(a.Rotate > 0, "rotation ±%v°", a.Rotate)
	add(a.Noise > 0, "noise %v", a.Noise)
	add(a.Shift > 0, "shift ±%v", a.Shift)
	add(a.Gain > 0, "gain ±%v dB", a.Gain)
	return fmt.Sprintf("%d views of each sample, seed %d: %s", a.Views, a.Seed, strings.Join(list, ", "))
}
