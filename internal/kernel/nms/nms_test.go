package nms

import (
	"cmp"
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

func TestRunAllocatesNothing(t *testing.T) {
	var p Picker
	a := problem(1, 4, 200, false)
	a.Threads = 1
	if n := testing.AllocsPerRun(20, func() { p.Run(a) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
