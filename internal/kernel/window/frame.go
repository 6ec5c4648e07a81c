package window

// Frame is the layout of a padded copy of some planes. Axes are depth, height and width; axes that a tensor lacks have
// In, Out, Kernel, Stride and Dilation 1. A frame holds what a band of BandD by BandH output rows needs. Columns are
// split by phase (column mod stride), so that the elements a kernel column contributes to neighbouring outputs are adjacent.
type Frame struct {
	D, H, W      Axis
	BandD, BandH int
	Depth, Rows  int // depth slices and rows held
	StepD, StepH int // slices and rows from one output to the next
	PhaseLen     int // elements of one phase of a row
	Pitch, Slice int // elements of a row and of a depth slice
	Plane        int // elements of one channel
	foldD, foldH int // input slices and rows per held one
}

// One is the axis of a tensor that lacks it.
var One = Axis{In: 1, Out: 1, Kernel: 1, Stride: 1, Dilation: 1}

// NewFrame lays out a frame for bands of at most bandD depth slices and bandH rows of output.
func NewFrame(d, h, w Axis, bandD, bandH int) Frame {
	f := Frame{D: d, H: h, W: w, BandD: bandD, BandH: bandH}
	f.Depth, f.StepD, f.foldD = held(d, bandD)
	f.Rows, f.StepH, f.foldH = held(h, bandH)
	f.PhaseLen = w.Out + (w.Extent()-1)/w.Stride
	if w.Stride <= 2 {
		f.PhaseLen = max(f.PhaseLen, (w.In+w.Lo+w.Stride-1)/w.Stride)
	}
	f.Pitch = f.PhaseLen * w.Stride
	f.Slice = f.Rows * f.Pitch
	f.Plane = f.Depth * f.Slice
	return f
}

// held returns how many slices a band needs, the step between outputs, and how many input slices one held slice stands
// for: windows of one element skip what the stride skips.
func held(a Axis, band int) (n, step, fold int) {
	if a.Kernel == 1 {
		return band, 1, a.Stride
	}
	return (band-1)*a.Stride + a.Extent(), a.Stride, 1
}

// Len is the number of elements of a frame of the given number of channels, with the slack that kernels may read.
func (f *Frame) Len(channels int) int { return f.Plane*channels + MaxLanes }

// Offset is where kernel element (kd, kh, kw) stands relative to the first one.
func (f *Frame) Offset(kd, kh, kw int) int {
	col := kw * f.W.Dilation
	return kd*f.D.Dilation*f.Slice + kh*f.H.Dilation*f.Pitch + col%f.W.Stride*f.PhaseLen + col/f.W.Stride
}

// Offsets appends the offsets of all kernel elements in row-major order.
func (f *Frame) Offsets(dst []int) []int {
	for kd := range f.D.Kernel {
		for kh := range f.H.Kernel {
			for kw := range f.W.Kernel {
				dst = append(dst, f.Offset(kd, kh, kw))
			}
		}
	}
	return dst
}

// At is where output (od, oh, 0) of the band that starts at (d0, h0) begins.
func (f *Frame) At(od, oh int) int { return od*f.StepD*f.Slice + oh*f.StepH*f.Pitch }

// Reset fills the frame of some channels with the padding value.
func (f *Frame) Reset(dst []float32, channels int, pad float32) {
	Fill(dst[:f.Len(channels)], pad)
}

// Fill sets all elements of dst to v.
func Fill[T float32 | int8 | uint8](dst []T, v T) {
	if v == 0 {
		clear(dst)
		return
	}
	if len(dst) > 0 {
		dst[0] = v
	}
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// A Band says which elements of a plane a frame takes for one band of outputs.
type Band struct {
	f                *Frame
	slices, rows     int // slices and rows inside the input
	slice, row       int // the first of them that the frame holds
	from, fromSlice  int // where they begin in the plane, and the distance of the slices
	to               int // where they begin in the frame
	inPlane, columns int
}

// Band returns the band that starts at output slice d0 and row h0.
func (f *Frame) Band(d0, h0 int) Band {
	sd, nd := span(f.D, d0, f.Depth, f.foldD)
	sh, nh := span(f.H, h0, f.Rows, f.foldH)
	inSlice := f.H.In * f.W.In
	fromD := d0*f.D.Stride - f.D.Lo + sd*f.foldD
	fromH := h0*f.H.Stride - f.H.Lo + sh*f.foldH
	b := Band{f: f, slices: max(0, nd), rows: max(0, nh), slice: sd, row: sh, inPlane: f.D.In * inSlice, columns: min(f.W.In, f.Pitch-f.W.Lo)}
	b.from, b.fromSlice = fromD*inSlice+fromH*f.W.In, f.foldD*inSlice
	b.to = sd*f.Slice + sh*f.Pitch
	if b.rows == 0 || b.columns <= 0 {
		b.slices = 0
	}
	return b
}

// Pad fills with the padding value what Fill leaves of one channel of a frame that held another band since it was Reset: whole
// slices and rows, since the columns of the padding are the same for all bands.
func (b *Band) Pad(dst []float32, pad float32) {
	f := b.f
	for d := range f.Depth {
		slice := dst[d*f.Slice:][:f.Slice]
		if d < b.slice || d >= b.slice+b.slices {
			Fill(slice, pad)
			continue
		}
		Fill(slice[:b.row*f.Pitch], pad)
		Fill(slice[(b.row+b.rows)*f.Pitch:], pad)
	}
}

// Begin prepares s for calls of Fill.
func (b *Band) Begin(s *Scratch) {
	f := b.f
	s.Row = RowArgs{Rows: b.rows, Cols: b.columns, DstStep: f.Pitch, SrcStep: f.foldH * f.W.In}
}

// Fill copies the elements of one plane x that the band reads. Everything else in dst keeps its value: Reset writes the
// padding, once for all fills of the same band.
func (b *Band) Fill(k *Kernels, s *Scratch, dst, x []float32) {
	f := b.f
	for i := range b.slices {
		s.Row.Src = x[b.from+i*b.fromSlice:]
		f.row(k, &s.Row, dst[b.to+i*f.Slice:])
	}
}

// Fill copies the elements of x (channels planes) that the band starting at output (d0, h0) reads.
func (f *Frame) Fill(k *Kernels, s *Scratch, dst, x []float32, channels, d0, h0 int) {
	b := f.Band(d0, h0)
	b.Begin(s)
	for c := range channels {
		b.Fill(k, s, dst[c*f.Plane:], x[c*b.inPlane:])
	}
}

// row copies the rows of one slice to dst, split by phase.
func (f *Frame) row(k *Kernels, a *RowArgs, dst []float32) {
	lo, s := f.W.Lo, f.W.Stride
	switch s {
	case 1:
		a.Dst = dst[lo:]
		k.CopyRows(a)
	case 2:
		a.Dst = dst[lo%2*f.PhaseLen+lo/2:]
		a.Dst2 = dst[(lo+1)%2*f.PhaseLen+(lo+1)/2:]
		k.SplitRows(a)
	default:
		for r := range a.Rows {
			f.splitAny(dst[r*f.Pitch:], a.Src[r*a.SrcStep:][:f.W.In])
		}
	}
}

// splitAny copies one row split by any stride; elements that no window reads are left out.
func (f *Frame) splitAny(dst, src []float32) {
	lo, s := f.W.Lo, f.W.Stride
	phases := min(s, f.W.Extent())
	for p := range phases {
		j := 0
		if p < lo {
			j = (lo - p + s - 1) / s
		}
		row := dst[p*f.PhaseLen:][:f.PhaseLen]
		for x := j*s + p - lo; j < len(row) && x < len(src); x += s {
			row[j] = src[x]
			j++
		}
	}
}

// span returns the held slices that lie inside the input: the first one and how many.
func span(a Axis, o0, n, fold int) (first, count int) {
	start := o0*a.Stride - a.Lo
	if start < 0 {
		first = (-start + fold - 1) / fold
	}
	last := (a.In - start + fold - 1) / fold
	return first, min(n, last) - first
}
