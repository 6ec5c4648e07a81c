package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/tensor"
)

// samples are pictures of digits in grey values of one byte, as a picture file holds them.
type samples struct {
	pixels [][side * side]uint8
	digits []int
}

// samples renders n digits. Sample i depends on the seed and i alone.
func (g *glyphs) samples(n int, seed uint64) *samples {
	s := &samples{pixels: make([][side * side]uint8, n), digits: make([]int, n)}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for i := w; i < n; i += workers {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				s.digits[i] = r.IntN(10)
				s.pixels[i] = g.render(s.digits[i], r, 1).grey()
			}
		})
	}
	group.Wait()
	return s
}

// grey rounds to bytes.
func (c *cell) grey() (out [side * side]uint8) {
	for i, v := range c {
		out[i] = uint8(255*v + 0.5)
	}
	return out
}

// Len implements finetune.Dataset.
func (s *samples) Len() int { return len(s.digits) }

// Sample implements finetune.Dataset: an input [1, side, side] in [0, 1] and a digit.
func (s *samples) Sample(i int) (finetune.Sample, error) {
	x := make([]float32, side*side)
	for k, v := range s.pixels[i] {
		x[k] = float32(v) / 255
	}
	return finetune.Sample{
		Inputs:  map[string]*tensor.Tensor{models.DigitsInput: tensor.FromSlice(x, 1, side, side)},
		Targets: []*tensor.Tensor{tensor.Scalar(int64(s.digits[i]))},
	}, nil
}

// rowStrength scales the distortions of the picture that the command shows: those of a scan, not those of the training.
const rowStrength = 0.45

// row renders a row of digits, dark on light, as a PNG file.
func (g *glyphs) row(text string) ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, len(text)*side, side))
	for i, letter := range text {
		c := g.render(int(letter-'0'), rand.New(rand.NewPCG(pictureSeed, uint64(i))), rowStrength)
		dark := 0
		for _, v := range c {
			if v < 0.5 {
				dark++
			}
		}
		for k, v := range c.grey() {
			if dark > side*side/2 {
				v = 255 - v
			}
			img.SetGray(i*side+k%side, k/side, color.Gray{Y: v})
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}
