package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// RowNorm are the parameters of LayerNorm and RMSNorm over rows of Cols elements.
type RowNorm struct {
	Rows, Cols  int
	Eps         float32
	Scale, Bias []float32 // Cols elements each, or nil
	Mean        []float32 // if not nil, set to each row's mean; unused by RMSNorm
	InvStd      []float32 // if not nil, set to each row's 1/sqrt(variance + Eps)
	// Skip, if not nil, has the shape of src and is added to it first, together with SkipBias of Cols
	// elements if that is not nil. Sum, if not nil, is set to the sums; it must not be dst.
	Skip, SkipBias, Sum []float32
}

// LayerNorm sets each row of dst to (x - mean) / sqrt(variance + Eps) * Scale + Bias. dst may be src.
func LayerNorm(dst, src []float32, a RowNorm, threads int) {
	j := newJob(layerNormRows, dst, src)
	j.row = a
	j.do(a.Rows, a.Cols, threads)
}

func layerNormRows(j *job, lo, hi int) {
	if j.row.by(vec.LayerNormRows, j, lo, hi) {
		return
	}
	a := &j.row
	for r := lo; r < hi; r++ {
		x, out := a.input(j, r)
		mean, variance := moments(x)
		inv := float32(1 / math.Sqrt(float64(variance)+float64(a.Eps)))
		normRow(out, x, mean, inv, a)
		a.keep(r, mean, inv)
	}
}

// RMSNorm sets each row of dst to x / sqrt(mean(x*x) + Eps) * Scale + Bias. dst may be src.
func RMSNorm(dst, src []float32, a RowNorm, threads int) {
	j := newJob(rmsNormRows, dst, src)
	j.row = a
	j.do(a.Rows, a.Cols, threads)
}

func rmsNormRows(j *job, lo, hi int) {
	if j.row.by(vec.RMSNormRows, j, lo, hi) {
		return
	}
	a := &j.row
	for r := lo; r < hi; r++ {
		x, out := a.input(j, r)
		inv := float32(1 / math.Sqrt(float64(vec.SumSquare(x))/float64(a.Cols)+float64(a.Eps)))
		normRow(out, x, 0, inv, a)
		a.keep(r, 0, inv)
	}
}

// by runs a kernel of whole rows, if nothing is wanted but the normalised rows, and reports whether it has.
func (a *RowNorm) by(norm func(dst, x, scale, bias []float32, eps float32), j *job, lo, hi int) bool {
	if len(a.Scale) != a.Cols || a.Cols > vec.MaxRow || a.Mean != nil || a.InvStd != nil {
		return false
	}
	if a.Skip == nil {
		norm(j.dst[lo*a.Cols:hi*a.Cols], j.src[lo*a.Cols:hi*a.Cols], a.Scale, a.Bias, a.Eps)
		return true
	}
	for r := lo; r < hi; r++ {
		x, out := a.input(j, r)
		norm(out, x, a.Scale, a.Bias, a.Eps)
	}
	return true
}

// input returns row r of what is normalised and of dst.
func (a *RowNorm) input(j *job, r int) (x, out []float32) {
	lo, hi := r*a.Cols, (r+1)*a.Cols
	x, out = j.src[lo:hi], j.dst[lo:hi]
	if a.Skip == nil {
		return x, out
	}
	sum := out
	if a.Sum != nil {
		sum = a.Sum[lo:hi]
	}
	vec.Add(sum, x, a.Skip[lo:hi])
	if a.SkipBias != nil {
		vec.Add(sum, sum, a.SkipBias)
	}
	return sum, out
}

func (a *RowNorm) keep(r int, mean, inv float32) {
	if a.Mean != nil {
		a.Mean[r] = mean
	}
	if a.InvStd != nil {
		a.InvStd[r] = inv
	}
}

// normRow sets dst[i] = (x[i]-mean)*inv*Scale[i] + Bias[i].
func normRow(dst, x []float32, mean, inv float32, a *RowNorm) {
	if a.Scale != nil {
		vec.NormRow(dst, x, a.Scale, a.Bias, mean, inv)
		return
	}
	vec.ScaleShift(dst, x, 1, -mean)
	vec.ScaleShift(dst, dst, inv, 0)
	if a.Bias != nil {
		vec.Add(dst, dst, a.Bias)
	}
}

// moments returns the mean and the population variance of x.
func moments(x []float32) (mean, variance float32) {
	if len(x) == 0 {
		return 0, 0
	}
	n := float32(len(x))
	mean = vec.Sum(x) / n
	return mean, vec.SumDeviation(x, mean) / n
}

// PlaneNorm are the parameters of GroupNorm over [Batch, Channels, Plane]. Groups divides Channels;
// InstanceNormalization has Groups == Channels.
type PlaneNorm struct {
	Batch, Channels, Plane, Groups int
	Eps                            float32
	Scale, Bias                    []float32 // Channels elements each, or nil
}

// GroupNorm normalises each group of channels to mean 0 and variance 1, then applies the affine map of
// each channel. dst may be src.
func GroupNorm(dst, src []float32, a PlaneNorm, threads int) {
	j := newJob(groupNormGroups, dst, src)
	j.plane = a
	j.do(a.Batch*a.Groups, a.Channels/a.Groups*a.Plane, threads)
}

// farMean is the distance of the mean from zero, in standard deviations, from which on it is subtracted by itself:
// folded into the shift, it would cost digits.
const farMean = 16

func groupNormGroups(j *job, from, to int) {
	a := &j.plane
	per := a.Channels / a.Groups
	for g := from; g < to; g++ {
		lo := g * per * a.Plane
		mean, variance := moments(j.src[lo : lo+per*a.Plane])
		inv := 1 / math.Sqrt(float64(variance)+float64(a.Eps))
		for i := range per {
			c := g%a.Groups*per + i
			scale, shift := inv, 0.0
			if a.Scale != nil {
				scale *= float64(a.Scale[c])
			}
			if a.Bias != nil {
				shift = float64(a.Bias[c])
			}
			at := lo + i*a.Plane
			dst, src := j.dst[at:at+a.Plane], j.src[at:at+a.Plane]
			if math.Abs(float64(mean))*inv > farMean {
				vec.ScaleShift(dst, src, 1, -mean)
				src = dst
			} else {
				shift -= float64(mean) * scale
			}
			vec.ScaleShift(dst, src, float32(scale), float32(shift))
		}
	}
}

// ChannelAffine sets dst = src*scale[c] + shift[c] over [batch, channels, plane]: batch normalisation
// with its statistics folded. dst may be src.
func ChannelAffine(dst, src, scale, shift []float32, batch, plane, threads int) {
	j := newJob(affinePlanes, dst, src)
	j.n, j.row.Scale, j.row.Bias = plane, scale, shift
	j.do(batch*len(scale), plane, threads)
}

func affinePlanes(j *job, lo, hi int) {
	for i := lo; i < hi; i++ {
		c := i % len(j.row.Scale)
		vec.ScaleShift(j.dst[i*j.n:(i+1)*j.n], j.src[i*j.n:(i+1)*j.n], j.row.Scale[c], j.row.Bias[c])
	}
}
