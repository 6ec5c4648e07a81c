package jpeg

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTransform compares with the definition of the inverse transform in float64 (T.81, A.3.3). Equality with
// libjpeg is shown by testdata/conformance/pictures.zip.
func TestTransform(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var b, in [64]int32
		for range 1 + r.IntN(20) {
			b[r.IntN(64)] = r.Int32N(401) - 200
		}
		in = b
		c := &component{blocks: 1, lines: 1, plane: make([]byte, 64)}
		c.put(&b, 0, 0)
		for i, got := range c.plane {
			want := max(0, min(255, 128+definition(&in, i%8, i/8)))
			if math.Abs(float64(got)-want) > 0.6 {
				t.Fatalf("%v: sample %d is %d, want %.2f", in, i, got, want)
			}
		}
	}
}

func definition(b *[64]int32, x, y int) float64 {
	sum := 0.0
	for i, v := range b {
		f := float64(v) / 4
		if i%8 == 0 {
			f /= math.Sqrt2
		}
		if i/8 == 0 {
			f /= math.Sqrt2
		}
		sum += f * math.Cos(float64(2*x+1)*float64(i%8)*math.Pi/16) * math.Cos(float64(2*y+1)*float64(i/8)*math.Pi/16)
	}
	return sum
}

// TestUpsampler: weights 3/4 and 1/4 of the nearest samples, halves up and down in turn, as the standard says
// of ImageDecoder; planes of two columns are repeated.
func TestUpsampler(t *testing.T) {
	for _, tc := range []struct {
		fx, fy, width int
		plane         []byte // rows of eight
		line          int
		want          []byte
	}{
		{2, 1, 3, []byte{10, 20, 31}, 0, []byte{10, 13, 17, 23, 28, 31}},
		{2, 1, 2, []byte{10, 20}, 0, []byte{10, 10, 20, 20}},
		{1, 2, 2, []byte{10, 20, 0, 0, 0, 0, 0, 0, 20, 22}, 1, []byte{13, 21}},
		{1, 2, 2, []byte{10, 20, 0, 0, 0, 0, 0, 0, 20, 22}, 0, []byte{10, 20}},
		{2, 2, 3, []byte{0, 16, 32, 0, 0, 0, 0, 0, 16, 16, 16}, 1, []byte{4, 7, 13, 19, 25, 28}},
		{4, 1, 1, []byte{7}, 0, []byte{7, 7, 7, 7}},
	} {
		c := &component{width: tc.width, height: 2, blocks: 1, lines: 1, plane: append(tc.plane, make([]byte, 64)...)}
		u := newUpsampler(c, tc.fx, tc.fy, tc.width*tc.fx)
		if got := u.line(tc.line)[:len(tc.want)]; !slices.Equal(got, tc.want) {
			t.Errorf("%dx%d, line %d: %v, want %v", tc.fx, tc.fy, tc.line, got, tc.want)
		}
	}
}

// TestDecode reads what the standard library wrote and looks for the picture that its decoder finds.
func TestDecode(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 35, 18))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7 % 256)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	want, err := jpeg.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(b.Bytes())
	if err != nil || f.Width != 35 || f.Height != 18 || f.Space != Gray {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := f.Decode(); err != nil {
		t.Fatal(err)
	}
	row := make([]byte, 35)
	for y := range 18 {
		f.Row(y, row)
		for x, v := range row {
			if w := int(want.(*image.Gray).GrayAt(x, y).Y); int(v)-w > 1 || w-int(v) > 1 {
				t.Fatalf("pixel %d, %d is %d, want %d or next to it", x, y, v, w)
			}
		}
	}
}

// TestOverlappingCodes: more codes than their length allows are refused.
func TestOverlappingCodes(t *testing.T) {
	counts := make([]byte, 16)
	counts[0] = 3
	if _, ok := newHuffman(counts, []byte{1, 2, 3}); ok {
		t.Error("three codes of one bit were accepted")
	}
}
