package picture

import (
	"bytes"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

func isWebP(data []byte) bool {
	return len(data) >= 16 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

func openWebP(data []byte) (*Picture, error) {
	if animated := len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&2 != 0; animated {
		return nil, fmt.Errorf("%w: animated WebP", ErrUnsupported)
	}
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	// A WebP of one colour takes no bits at all, hence no bound on pixels per byte.
	return &Picture{Width: c.Width, Height: c.Height, load: func() (rows, error) {
		m, err := webp.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		if size := m.Bounds().Size(); size.X != c.Width || size.Y != c.Height {
			return nil, fmt.Errorf("picture: %d x %d pixels, announced are %d x %d", size.X, size.Y, c.Width, c.Height)
		}
		switch m := m.(type) {
		case *image.YCbCr:
			return lossy(m), nil
		case *image.NYCbCrA:
			return lossy(&m.YCbCr), nil
		}
		return rowsOf(m), nil
	}}, nil
}

// lossy stretches chroma by libwebp's filter, weights 9, 3, 3, 1 of the four nearest samples, and converts.
func lossy(m *image.YCbCr) rows {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	half, last := (w+1)/2, (h+1)/2-1
	cb, cr := make([]byte, w+1), make([]byte, w+1)
	return func(y int, rgb []byte) {
		near, far := y/2, max(0, y/2-1)
		if y%2 == 1 {
			far = min(last, y/2+1)
		}
		stretch(cb, m.Cb[near*m.CStride:][:half], m.Cb[far*m.CStride:][:half])
		stretch(cr, m.Cr[near*m.CStride:][:half], m.Cr[far*m.CStride:][:half])
		for x, v := range m.Y[y*m.YStride:][:w] {
			convert(rgb[3*x:3*x+3], int(v), int(cb[x]), int(cr[x]))
		}
	}
}

// stretch doubles the row near; far is the row on the other side of the output row.
func stretch(out, near, far []byte) {
	n, f := int(near[0]), int(far[0])
	out[0] = byte((3*n + f + 2) >> 2)
	for x := 1; x < len(near); x++ {
		n1, f1 := int(near[x]), int(far[x])
		sum := n + n1 + f + f1 + 8
		out[2*x-1] = byte(((sum+2*(n1+f))>>3 + n) >> 1)
		out[2*x] = byte(((sum+2*(n+f1))>>3 + n1) >> 1)
		n, f = n1, f1
	}
	out[2*len(near)-1] = byte((3*n + f + 2) >> 2)
}

// convert is libwebp's conversion from BT.601 in 14-bit fixed point, of which 8 bits are cut from each product.
func convert(rgb []byte, y, cb, cr int) {
	luma := y * 19077 >> 8
	rgb[0] = cut(luma + cr*26149>>8 - 14234)
	rgb[1] = cut(luma - cb*6419>>8 - cr*13320>>8 + 8708)
	rgb[2] = cut(luma + cb*33050>>8 - 17685)
}

func cut(v int) byte { return byte(max(0, min(255, v>>6))) }
