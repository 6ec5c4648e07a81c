package main

import (
	"bytes"
	"context"
	"image/png"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
)

var drawn = sync.OnceValues(drawGlyphs)

func TestGlyphs(t *testing.T) {
	g, err := drawn()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(typefaces) * sizeCount * 10 * strokes; len(g.ink) != want {
		t.Fatalf("%d glyphs, want %d", len(g.ink), want)
	}
	sum := func(list glyph) (s float64) {
		for _, v := range list {
			s += float64(v)
		}
		return s
	}
	plain := g.of(3, 5, 8, 0)
	if thin, thick := sum(plain.eroded()), sum(g.of(3, 5, 8, 2)); !(thin < sum(plain) && sum(plain) < thick) {
		t.Errorf("ink %v eroded, %v plain, %v thickened", thin, sum(plain), thick)
	}
	if one, eight := sum(g.of(0, 13, 1, 0)), sum(g.of(0, 13, 8, 0)); one >= eight {
		t.Errorf("a 1 has %v ink, an 8 has %v", one, eight)
	}
	for _, list := range g.ink { // centred, so nothing is cut off
		for i := range canvas {
			if edge := list[index(i, 0)] + list[index(i, canvas-1)] + list[index(0, i)] + list[index(canvas-1, i)]; edge != 0 {
				t.Fatal("a glyph touches the edge of its square")
			}
		}
	}
}

// TestSamples holds each sample to its number and the seed, whatever is rendered beside it.
func TestSamples(t *testing.T) {
	g, err := drawn()
	if err != nil {
		t.Fatal(err)
	}
	few, many, other := g.samples(50, 1), g.samples(200, 1), g.samples(50, 2)
	seen := map[int]bool{}
	for i := range 50 {
		if few.pixels[i] != many.pixels[i] || few.digits[i] != many.digits[i] {
			t.Fatalf("sample %d depends on how many there are", i)
		}
		if few.pixels[i] == other.pixels[i] {
			t.Errorf("sample %d is the same for another seed", i)
		}
		seen[few.digits[i]] = true
	}
	if len(seen) != 10 {
		t.Errorf("only the digits %v occur", seen)
	}
}

func TestRow(t *testing.T) {
	g, err := drawn()
	if err != nil {
		t.Fatal(err)
	}
	data, err := g.row("07")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil || img.Bounds().Dx() != 2*side || img.Bounds().Dy() != side {
		t.Fatalf("%v, %v", img.Bounds(), err)
	}
	if data, err := g.row(models.DigitsText); err != nil || !bytes.Equal(data, models.DigitsPicture) {
		t.Errorf("digits.png is not what the recipe makes: %v", err)
	}
}

// TestTraining trains for a few steps, twice: the loss falls, and the models are the same to the last bit.
func TestTraining(t *testing.T) {
	g, err := drawn()
	if err != nil {
		t.Fatal(err)
	}
	s := g.samples(640, 1)
	var models [2][]byte
	for i := range models {
		trainer, err := newTrainer()
		if err != nil {
			t.Fatal(err)
		}
		fitted, err := train(context.Background(), trainer, s, 2)
		if err != nil {
			t.Fatal(err)
		}
		if l := fitted.Losses; len(l) != 2 || !(l[1] < l[0]) {
			t.Errorf("losses %v of the epochs do not fall", l)
		}
		if right, err := correct(context.Background(), trainer, s); err != nil || right < 64 || right > 640 {
			t.Errorf("%d of 640 digits are read: %v", right, err)
		}
		if err := trainer.Export(func(m *onnx.Model) error { models[i] = onnx.Encode(m); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Error("a second training gives another model")
	}
}
