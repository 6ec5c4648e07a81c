package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// samples are small files of the kinds that can be written with the libraries at hand. What pictures of all
// kinds decode to is compared with Pillow in testdata/conformance/pictures.zip.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 19, 13))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	files := map[string][]byte{
		"plain.ppm": []byte("P3 2 1 255\n1 2 3 4 5 6\n"),
		"raw.pbm":   []byte("P4 9 2\n\xaa\x80\x55\x00"),
		// 3 x 2 pixels of one colour, by Pillow.
		"lossless.webp": []byte("RIFF\x1e\x00\x00\x00WEBPVP8L\x11\x00\x00\x00/\x02@\x00\x00\aP\x8a*\xf4\xbf\xff\x81\x88\xe8\x7f\x00\x00"),
	}
	write := func(name string, encode func(*bytes.Buffer) error) {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	write("a.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) })
	write("a.png", func(b *bytes.Buffer) error { return png.Encode(b, m) })
	write("a.bmp", func(b *bytes.Buffer) error { return bmp.Encode(b, m) })
	write("a.gif", func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) })
	write("a.tif", func(b *bytes.Buffer) error { return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate}) })
	return files
}

// decode returns the pixels of a file.
func decode(data []byte) ([]byte, error) {
	p, err := Open(data)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = p.Decode(func(_ int, rgb []byte) { out = append(out, rgb...) })
	return out, err
}

// TestDamaged cuts files short and changes bytes: whatever happens, it is a picture or an error.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, data := range samples(t) {
		whole, err := decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := range data {
			if out, err := decode(data[:n]); err == nil && len(out) != len(whole) {
				t.Errorf("%s cut to %d bytes: %d bytes of pixels, want an error or %d", name, n, len(out), len(whole))
			}
		}
		for range 2000 {
			b := bytes.Clone(data)
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] = byte(r.Uint32())
			}
			_, _ = decode(b) // must return
		}
	}
}

// TestRefused are files of which nothing may be decoded.
func TestRefused(t *testing.T) {
	header := func(w, h string) []byte { return append([]byte("P5 "+w+" "+h+" 255\n"), make([]byte, 100)...) }
	huge := samples(t)["lossless.webp"]
	huge = bytes.Clone(huge)
	copy(huge[21:], []byte{0xff, 0xff, 0xff, 0x0f}) // 16384 x 16384
	for _, tc := range []struct {
		name string
		data []byte
		want error // nil: any
	}{
		{"nothing", nil, nil},
		{"text", []byte("hello, world, this is no picture"), nil},
		{"no such size", header("1000000", "1000000"), nil},
		{"negative", header("-3", "4"), nil},
		{"JPEG 2000", []byte("\x00\x00\x00\x0cjP  \r\n\x87\n and more"), ErrUnsupported},
		{"arithmetic coding", []byte("\xff\xd8\xff\xc9\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"), ErrUnsupported},
		{"16 million pixels in a few bytes", jpegHeader(4096, 4096), nil},
		{"and in 16000", append(jpegHeader(4096, 4096), make([]byte, 16000)...), nil},
		{"4 thousand million pixels", append(jpegHeader(65000, 65000), make([]byte, 1<<19)...), ErrTooLarge},
		{"268 million pixels", huge, ErrTooLarge},
		{"animation", []byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ErrUnsupported},
	} {
		if _, err := Open(tc.data); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}

func jpegHeader(w, h int) []byte {
	return []byte{0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 1, 1, 0x11, 0}
}

// TestPremultiplied: colours that were multiplied with alpha are divided again.
func TestPremultiplied(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 1, 1))
	m.Set(0, 0, color.RGBA{R: 50, G: 100, B: 0, A: 100})
	var rgb [3]byte
	rowsOf(m)(0, rgb[:])
	if want := [3]byte{127, 255, 0}; rgb != want {
		t.Errorf("%v, want %v", rgb, want)
	}
}

// TestFrame: the first picture of a GIF lies where it says on the screen, which is black elsewhere.
func TestFrame(t *testing.T) {
	frame := image.NewPaletted(image.Rect(1, 1, 3, 2), color.Palette{color.RGBA{R: 10, G: 20, B: 30, A: 255}, color.RGBA{R: 40, A: 255}})
	frame.Pix[1] = 1
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 3, Height: 2}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b.Bytes())
	if want := []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 40, 0, 0}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Open(data)
		if err != nil || p.Width*p.Height > 1<<22 {
			return
		}
		n := 0
		if err := p.Decode(func(_ int, rgb []byte) { n += len(rgb) }); err == nil && n != 3*p.Width*p.Height {
			t.Errorf("%d bytes of pixels for %d x %d", n, p.Width, p.Height)
		}
	})
}
