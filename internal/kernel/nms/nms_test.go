package nms

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// reference picks by sorting and comparing corner by corner.
func reference(a *Args, image, class int) []int32 {
	corners := func(i int32) (y0, x0, y1, x1 float32) {
		b := a.Boxes[4*(image*a.Count+int(i)):]
		if a.Centered {
			return b[1] - b[3]/2, b[0] - b[2]/2, b[1] + b[3]/2, b[0] + b[2]/2
		}
		return min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])
	}
	scores := a.Scores[(image*a.Classes+class)*a.Count:]
	var order []int32
	for i := range int32(a.Count) {
		if !a.Cut || scores[i] > a.Threshold {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(scores[j], scores[i]) })
	var out []int32
next:
	for _, i := range order {
		if len(out) == a.Max {
			break
		}
		ay0, ax0, ay1, ax1 := corners(i)
		for _, j := range out {
			by0, bx0, by1, bx1 := corners(j)
			h, v := max(0, min(ay1, by1)-max(ay0, by0)), max(0, min(ax1, bx1)-max(ax0, bx0))
			if h*v/((ay1-ay0)*(ax1-ax0)+(by1-by0)*(bx1-bx0)-h*v) > a.Overlap {
				continue next
			}
		}
		out = append(out, i)
	}
	return out
}

func problem(images, classes, count int, centered bool) Args {
	r := rand.New(rand.NewPCG(1, uint64(count)))
	a := Args{Images: images, Classes: classes, Count: count, Centered: centered, Max: 1 + count/3, Overlap: 0.4, Threads: 2}
	for range images * count {
		y, x := r.Float32(), r.Float32()
		if centered {
			a.Boxes = append(a.Boxes, y, x, r.Float32(), r.Float32())
		} else {
			a.Boxes = append(a.Boxes, y, x, y+r.Float32()-0.5, x+r.Float32()-0.5)
		}
	}
	for range images * classes * count {
		a.Scores = append(a.Scores, float32(r.IntN(20))/10-1)
	}
	return a
}

func TestRunMatchesReference(t *testing.T) {
	var p Picker
	for _, count := range []int{0, 1, 2, 17, 300} {
		for _, centered := range []bool{false, true} {
			for _, cut := range []bool{false, true} {
				a := problem(2, 3, count, centered)
				a.Cut, a.Threshold = cut, 0.2
				p.Run(a)
				for k := range 6 {
					if got, want := p.Picked(k/3, k%3), reference(&a, k/3, k%3); !slices.Equal(got, want) {
						t.Errorf("%d boxes, image and class %d: picked %v, want %v", count, k, got, want)
					}
				}
			}
		}
	}
}

// shifted are boxes of many classes side by side, each class in a place of its own, as one class: what torchvision's
// exports make of batched suppression.
func shifted(classes, each int) Args {
	r := rand.New(rand.NewPCG(3, uint64(classes)))
	a := Args{Images: 1, Classes: 1, Count: classes * each, Max: classes * each, Overlap: 0.55, Threads: 1}
	for class := range classes {
		for range each {
			y, x := float32(class*321)+270*r.Float32(), float32(class*321)+270*r.Float32()
			a.Boxes = append(a.Boxes, y, x, y+20+80*r.Float32(), x+20+80*r.Float32())
			a.Scores = append(a.Scores, r.Float32())
		}
	}
	return a
}

// lattice are boxes with small whole corners: many shares are fractions that equal a limit exactly.
func lattice(count int, overlap float32) Args {
	r := rand.New(rand.NewPCG(4, uint64(count)))
	a := Args{Images: 1, Classes: 1, Count: count, Max: count, Overlap: overlap, Threads: 1}
	for range count {
		y, x := float32(r.IntN(60)), float32(r.IntN(12))
		a.Boxes = append(a.Boxes, y, x, y+float32(r.IntN(6)), x+float32(r.IntN(6)))
		a.Scores = append(a.Scores, float32(r.IntN(50)))
	}
	return a
}

// extreme are boxes of all magnitudes, some infinite, NaN, or so small that areas are subnormal.
func extreme(count int, overlap float32) Args {
	r := rand.New(rand.NewPCG(5, uint64(count)))
	a := lattice(count, overlap)
	scales := []float32{1, 0, 0x1p-60, 0x1p-72, 0x1p-75, 0x1p60, 0x1p126, float32(math.Inf(1)), float32(math.NaN())}
	for i := range count {
		s := scales[r.IntN(len(scales))]
		if s == 1 || r.IntN(3) > 0 {
			for c := range 4 {
				a.Boxes[4*i+c] *= s
			}
		} else {
			a.Boxes[4*i+r.IntN(4)] *= s
		}
	}
	return a
}

// TestPruning compares runs whose boxes are held in strips, for every set of kernels.
func TestPruning(t *testing.T) {
	old := active
	defer func() { active = old }()
	problems := map[string]Args{"shifted": shifted(12, 60), "many": problem(1, 1, 3000, false), "centered": problem(2, 1, 1000, true)}
	for _, overlap := range []float32{0, 0.05, 0.25, 1. / 3, 0.5, 0.6, 0.75, 1} {
		problems[fmt.Sprint("lattice ", overlap)] = lattice(1500, overlap)
		problems[fmt.Sprint("extreme ", overlap)] = extreme(1500, overlap)
	}
	variants(t, func(t *testing.T, k *kernels) {
		active = k
		for name, a := range problems {
			var p Picker
			p.Run(a)
			for i := range a.Images {
				if got, want := p.Picked(i, 0), reference(&a, i, 0); !slices.Equal(got, want) {
					t.Errorf("%s: picked %d boxes, want %d, or others", name, len(got), len(want))
				}
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	few := problem(1, 80, 8400, true)
	few.Max, few.Cut, few.Threshold = 100, true, 0.7
	for name, a := range map[string]Args{"torchvision/90x300": shifted(90, 300), "classes/80x8400": few, "one/5000": problem(1, 1, 5000, true)} {
		b.Run("float32/"+name, func(b *testing.B) {
			var p Picker
			a.Threads = 1
			for b.Loop() {
				p.Run(a)
			}
		})
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	var p Picker
	a := problem(1, 4, 700, false)
	a.Threads = 1
	p.Run(a)
	if n := testing.AllocsPerRun(20, func() { p.Run(a) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
