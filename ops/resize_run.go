package ops

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/resize"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// resizeRun is a bound Resize.
type resizeRun struct {
	*resizeNode
	dtype tensor.DType
	rows  WideRows // of NhwcResize
	plan  atomic.Pointer[resizePlan]
}

// resizePlan is a resampling for one set of sizes.
type resizePlan struct {
	x, out  tensor.Shape
	scale   []float32
	roi     []float32
	box32   *resize.Box[float32]
	box64   *resize.Box[float64]
	nearest [][]int  // input positions by axis, for copies; even, if they are evenly spaced, says the same
	outside [][]bool // which outputs of an axis lie outside the region, with nearest
	fill    []byte   // the element for these
	even    *move.Copy
}

var (
	resizeKernel   = bindResize(readResize)
	upsampleKernel = bindResize(readUpsample)
)

// summable are the element types that weighted sums are made of.
const summable = f32 | f64 | i32 | 1<<tensor.Int8 | 1<<tensor.Uint8

func bindResize(read func(Attrs) (*resizeNode, error)) func(*KernelCtx) (Kernel, error) {
	plain := func(k *KernelCtx) (Kernel, error) {
		n, err := read(k.Attrs)
		if err != nil {
			return Kernel{}, err
		}
		r := &resizeRun{resizeNode: n, dtype: k.DType(0), rows: WideRowsOf(k.Attrs)}
		return Kernel{Run: r.run}, nil
	}
	wide := widened(func(k *KernelCtx) (Kernel, error) {
		switch d := k.DType(0); {
		case d == tensor.String:
			return Kernel{}, fmt.Errorf("ops: weighted sums of strings, want mode nearest")
		case !summable.Has(d):
			return throughFloat64(k, func(k *KernelCtx) (Kernel, error) { return roundedTo(d, plain, k) }, 0)
		}
		return plain(k)
	})
	return func(k *KernelCtx) (Kernel, error) {
		if k.Str("mode") == "nearest" || k.Str("mode") == "" {
			return plain(k) // copies elements of any type
		}
		return wide(k)
	}
}

// roundedTo binds a kernel whose float64 results become integers of type d: the nearest in range. That is what the reference
// implementation does; the types of resizeInts follow ONNX Runtime.
func roundedTo(d tensor.DType, build func(*KernelCtx) (Kernel, error), k *KernelCtx) (Kernel, error) {
	inner, err := build(k)
	if err != nil || !integer.Has(d) {
		return inner, err
	}
	lo, hi := 0.0, math.Ldexp(1, d.Bits())
	if signed.Has(d) {
		hi /= 2
		lo = -hi
	}
	hi = min(hi-1, math.Nextafter(hi, 0)) // the largest number that float64 holds below it
	run := inner.Run
	inner.Run = func(c *Call) error {
		if err := run(c); err != nil {
			return err
		}
		for i, v := range tensor.Of[float64](c.Out[0]) {
			tensor.Of[float64](c.Out[0])[i] = min(max(math.RoundToEven(v), lo), hi)
		}
		return nil
	}
	return inner, nil
}

func (r *resizeRun) run(c *Call) error {
	p, err := r.planFor(c)
	if err != nil {
		return err
	}
	if r.rows.Row > 0 {
		return r.wide(c, p)
	}
	y, err := c.Alloc(0, r.dtype, p.out...)
	if err != nil {
		return err
	}
	if y.Len() == 0 {
		return nil
	}
	x := c.In[0]
	switch {
	case p.nearest != nil:
		return p.copyNearest(y, x, c.Threads)
	case p.box64 != nil:
		p.box64.Run(c.Threads, tensor.Of[float64](x), tensor.Of[float64](y))
	case r.dtype == tensor.Float32:
		p.box32.Run(c.Threads, tensor.Of[float32](x), tensor.Of[float32](y))
	default:
		resizeInts(p.box32, c.Threads, x, y, r.spec.Mode == resize.Cubic || r.spec.Antialias)
	}
	return nil
}

// planFor returns the plan for the inputs of a call, the last one used if it fits.
func (r *resizeRun) planFor(c *Call) (*resizePlan, error) {
	x := c.In[0].Shape()
	scales := r.fixed
	if r.fixed == nil {
		scales = tensor.Of[float32](input(c, r.scale))
	}
	var sizes []int64
	if len(scales) == 0 && r.size > 0 {
		sizes = tensor.Of[int64](input(c, r.size))
	}
	var roi []float32
	if r.spec.Transform == resize.TFCropAndResize && r.roi > 0 {
		roi = regionOf(input(c, r.roi))
	}
	if p := r.plan.Load(); p != nil && p.x.Equal(x) && r.same(p, scales, sizes, roi) {
		return p, nil
	}
	out, factor, err := r.targets(x, scales, sizes)
	if err != nil {
		return nil, err
	}
	if x.Len() == 0 && out.Len() != 0 {
		return nil, fmt.Errorf("ops: an empty tensor cannot be resized to %v", out)
	}
	if r.rows.Row == 0 {
		if _, err := c.Alloc(0, r.dtype, out...); err != nil { // before tables of that size are made
			return nil, err
		}
	}
	p := &resizePlan{x: x.Clone(), out: out, scale: factor, roi: append([]float32(nil), roi...)}
	if out.Len() > 0 {
		if err := r.build(p); err != nil {
			return nil, err
		}
	}
	r.plan.Store(p)
	return p, nil
}

func regionOf(t *tensor.Tensor) []float32 {
	if t == nil {
		return nil
	}
	if t.DType() == tensor.Float32 {
		return tensor.Of[float32](t)
	}
	roi := make([]float32, t.Len())
	switch t.DType() {
	case tensor.Float64:
		for i, v := range tensor.Of[float64](t) {
			roi[i] = float32(v)
		}
	case tensor.Float16, tensor.BFloat16:
		widenTo(tensor.FromSlice(roi, len(roi)), t)
	}
	return roi
}

// same tells whether p was made for these scales, sizes and region.
func (r *resizeRun) same(p *resizePlan, scales []float32, sizes []int64, roi []float32) bool {
	if len(roi) != len(p.roi) || len(scales)+len(sizes) > len(p.x) || r.policy == "not_larger" || r.policy == "not_smaller" {
		return false
	}
	for i, v := range roi {
		if p.roi[i] != v {
			return false
		}
	}
	for i, v := range scales {
		if a, err := r.axisOf(i, len(p.x)); err != nil || p.scale[a] != v {
			return false
		}
	}
	for i, v := range sizes {
		if a, err := r.axisOf(i, len(p.x)); err != nil || p.out[a] != int(v) {
			return false
		}
	}
	return true
}

// build makes the tables of a plan.
func (r *resizeRun) build(p *resizePlan) error {
	rank := len(p.x)
	specs := make([]resize.Spec, rank)
	for i := range specs {
		specs[i] = r.spec
		specs[i].Scale, specs[i].End = p.scale[i], 1
	}
	if n := len(p.roi) / 2; n > 0 {
		for i := range n {
			a, err := r.axisOf(i, rank)
			if err != nil || a >= rank || len(r.axes) > 0 && n != len(r.axes) {
				return fmt.Errorf("ops: roi has %d values for %d axes", len(p.roi), rank)
			}
			specs[a].Start, specs[a].End = p.roi[i], p.roi[n+i]
		}
	}
	if r.spec.Mode == resize.NearestMode && (r.spec.Transform != resize.TFCropAndResize || !(f32 | f64).Has(r.dtype)) {
		return r.buildNearest(p, specs)
	}
	if r.dtype == tensor.Float64 {
		p.box64 = newBox[float64](specs, p, float64(r.outside))
	} else {
		p.box32 = newBox[float32](specs, p, r.outside)
	}
	return nil
}

// buildNearest makes the tables of copies.
func (r *resizeRun) buildNearest(p *resizePlan, specs []resize.Spec) error {
	crops := false
	for i := range specs {
		index, outside := resize.NearestIndex(&specs[i], p.x[i], p.out[i])
		p.nearest, p.outside = append(p.nearest, index), append(p.outside, outside)
		crops = crops || outside != nil
	}
	p.even = evenCopy(r.dtype, p.x, p.nearest)
	if !crops {
		return nil
	}
	one, err := tensor.FromFloat64s(r.dtype, []int{1}, []float64{wholeIn(r.dtype, float64(r.outside))})
	if err == nil {
		p.fill = one.Bytes()
	}
	return err
}

// wholeIn cuts v off to what the element type holds, if that is an integer.
func wholeIn(d tensor.DType, v float64) float64 {
	if !d.IsInt() || v != v {
		return v
	}
	bits := min(d.Bits(), 53) // that many a float64 holds exactly
	low, high := 0.0, math.Exp2(float64(bits))-1
	if signed.Has(d) {
		low, high = -math.Exp2(float64(bits-1)), math.Exp2(float64(bits-1))-1
	}
	return math.Trunc(max(low, min(high, v)))
}

func newBox[T resize.Float](specs []resize.Spec, p *resizePlan, outside T) *resize.Box[T] {
	tables := make([]resize.Table[T], len(specs))
	for i := range tables {
		tables[i] = resize.NewTable[T](&specs[i], p.x[i], p.out[i])
	}
	return resize.NewBox(tables, outside)
}

// copyNearest resamples by copies, and sets what lies outside the region to the value for it.
func (p *resizePlan) copyNearest(y, x *tensor.Tensor, threads int) error {
	if p.even != nil {
		move.Strided(y.Bytes(), x.Bytes(), *p.even, threads)
	} else if err := nearestAny(y, x, p.nearest, threads); err != nil {
		return err
	}
	for a, outside := range p.outside {
		if outside != nil {
			fillOutside(y.Bytes(), p.fill, outside, p.out[a+1:].Len())
		}
	}
	return nil
}

// fillOutside sets elements of y, seen as [outer, len(outside), inner], to value where outside is set.
func fillOutside(y, value []byte, outside []bool, inner int) {
	row := inner * len(value)
	for at := 0; at < len(y); at += row * len(outside) {
		for o, out := range outside {
			if !out {
				continue
			}
			part := y[at+o*row:][:row]
			for n := copy(part, value); n < row; n *= 2 {
				copy(part[n:], part[:n])
			}
		}
	}
}

// nearestAny resamples elements of any type of whole bytes.
func nearestAny(y, x *tensor.Tensor, index [][]int, threads int) error {
	in := []int(x.Shape())
	if x.DType() == tensor.String {
		resize.Nearest(threads, y.Strings(), x.Strings(), in, index)
		return nil
	}
	switch x.DType().Bits() {
	case 8:
		resize.Nearest(threads, tensor.Raw[uint8](y), tensor.Raw[uint8](x), in, index)
	case 16:
		resize.Nearest(threads, tensor.Raw[uint16](y), tensor.Raw[uint16](x), in, index)
	case 32:
		resize.Nearest(threads, tensor.Raw[uint32](y), tensor.Raw[uint32](x), in, index)
	case 64:
		resize.Nearest(threads, tensor.Raw[uint64](y), tensor.Raw[uint64](x), in, index)
	case 128:
		resize.Nearest(threads, tensor.Raw[complex128](y), tensor.Raw[complex128](x), in, index)
	default:
		return Unsupported("Resize of %v", x.DType())
	}
	return nil
}

// resizeInts resamples integers in float32. Results are rounded, or cut off towards zero: ONNX leaves it open, ONNX
// Runtime cuts off plain linear interpolation only.
func resizeInts(b *resize.Box[float32], threads int, x, y *tensor.Tensor, round bool) {
	room := resizeRooms.Get().(*[]float32)
	*room = slices.Grow((*room)[:0], x.Len()+y.Len())[:x.Len()+y.Len()]
	from, to := (*room)[:x.Len()], (*room)[x.Len():]
	switch x.DType() {
	case tensor.Uint8:
		vec.Convert(from, tensor.Of[uint8](x))
		b.Run(threads, from, to)
		if round {
			vec.Round(to, to)
		}
		vec.Saturate(tensor.Of[uint8](y), to) // cuts off positive fractions
	case tensor.Int8:
		vec.Convert(from, tensor.Of[int8](x))
		b.Run(threads, from, to)
		if round {
			vec.Round(to, to)
			vec.Saturate(tensor.Of[int8](y), to)
		} else {
			cutOff(tensor.Of[int8](y), to, math.MinInt8, math.MaxInt8)
		}
	case tensor.Int32:
		vec.Convert(from, tensor.Of[int32](x))
		b.Run(threads, from, to)
		if round {
			vec.Round(to, to)
		}
		cutOff(tensor.Of[int32](y), to, math.MinInt32, math.MaxInt32-127)
	}
	resizeRooms.Put(room)
}

var resizeRooms = sync.Pool{New: func() any { return new([]float32) }}

// cutOff sets y to x, kept between lo and hi, without the fractions.
func cutOff[T int8 | int32](y []T, x []float32, lo, hi float32) {
	for i, v := range x {
		y[i] = T(max(lo, min(hi, v)))
	}
}

// NhwcResize is a Resize to the nearest element whose last axis, the channels, stays as it is, with the attributes of WideRows but
// ranges.

// wide writes to some channels of the output.
func (r *resizeRun) wide(c *Call, p *resizePlan) error {
	y, last := c.Out[0].Shape(), len(p.out)-1
	if p.out.Len() == 0 {
		return nil
	}
	channels := p.out[last]
	if len(y) != len(p.out) || !slices.Equal(y[:last], p.out[:last]) || r.rows.At+channels > y[last] {
		return fmt.Errorf("ops: output has shape %v, want %v from channel %d on", y, p.out, r.rows.At)
	}
	if p.nearest == nil || p.fill != nil || channels != p.x[last] {
		return Unsupported("NhwcResize other than to the nearest pixel")
	}
	dst := resize.Pixels{Data: c.Out[0].Bytes()[4*r.rows.At:], Size: 4 * channels, Step: 4 * y[last]}
	src := resize.Pixels{Data: c.In[0].Bytes(), Size: 4 * channels, Step: 4 * channels}
	resize.NearestPixels(c.Threads, dst, src, p.x[:last], p.nearest[:last])
	return nil
}
