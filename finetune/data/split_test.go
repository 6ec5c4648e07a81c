package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// counted returns a table with the given number of samples of each class.
func counted(t *testing.T, o Options, counts ...int) *Set {
	t.Helper()
	var b strings.Builder
	b.WriteString("label,a,b\n")
	for c, n := range counts {
		for i := range n {
			fmt.Fprintf(&b, "c%d,%d,%d\n", c, i*i, 1000*c+i)
		}
	}
	return open(t, file(t, "a.csv", []byte(b.String())), o)
}

func TestSplit(t *testing.T) {
	s := counted(t, Options{}, 50, 1, 2, 7)
	for _, fraction := range []float64{0.01, 0.2, 0.5, 0.99} {
		train, val, err := Split(s, fraction, 7)
		if err != nil {
			t.Fatal(err)
		}
		a, b := train.Counts(), val.Counts()
		for c, n := range s.Counts() {
			if a[c]+b[c] != n || n > 1 && (a[c] == 0 || b[c] == 0) {
				t.Errorf("%v: class %d of %d samples in parts of %d and %d", fraction, c, n, a[c], b[c])
			}
		}
		seen := map[int]bool{}
		for _, r := range slices.Concat(train.rows, val.rows) {
			seen[r] = true
		}
		if len(seen) != s.Len() {
			t.Errorf("%v: %d of %d samples", fraction, len(seen), s.Len())
		}
	}
	_, a, _ := Split(s, 0.2, 7)
	_, b, _ := Split(s, 0.2, 7)
	_, c, _ := Split(s, 0.2, 8)
	if !slices.Equal(a.rows, b.rows) || slices.Equal(a.rows, c.rows) {
		t.Errorf("seeds 7, 7, 8: %v, %v, %v", a.rows, b.rows, c.rows)
	}
	if got := a.Counts(); !slices.Equal(got, []int{10, 0, 1, 1}) {
		t.Errorf("a fifth of %v: %v", s.Counts(), got)
	}
	for _, bad := range []float64{0, 1, -1, math.NaN()} {
		if _, _, err := Split(s, bad, 1); err == nil {
			t.Errorf("a fraction of %v", bad)
		}
	}
}

// TestCopiesStayTogether: samples of equal content and class fall into one part, unless the class has no others.
func TestCopiesStayTogether(t *testing.T) {
	var b strings.Builder
	b.WriteString("label,a,b\n")
	for i := range 120 {
		fmt.Fprintf(&b, "u,%d,0\nv,%d,1\n", i/4, i)
	}
	b.WriteString("w,1,2\nw,1,2\nw,1,2\n")
	s := open(t, file(t, "a.csv", []byte(b.String())), Options{})
	for seed := range uint64(5) {
		train, val, err := Split(s, 0.25, seed)
		if err != nil {
			t.Fatal(err)
		}
		if got := val.Counts(); got[0] < 28 || got[0] > 30 || got[1] != 30 || got[2] != 1 {
			t.Errorf("seed %d: %v of %v to measure on", seed, got, s.Counts())
		}
		leaks, err := Leaks(train, val)
		if err != nil || len(leaks) != 1 {
			t.Errorf("seed %d: %v, %v; want one, of the class of copies", seed, leaks, err)
		}
	}
}

func TestLeaks(t *testing.T) {
	s := open(t, file(t, "a.csv", []byte("label,a,b\nu,1,2\nv,3,4\nu,1,2\nv,5,6\n")), Options{})
	leaks, err := Leaks(s.Subset([]int{0, 1}), s.Subset([]int{2, 3}))
	if err != nil {
		t.Fatal(err)
	}
	if len(leaks) != 1 || !strings.HasSuffix(leaks[0].Train, "a.csv: line 2") || !strings.HasSuffix(leaks[0].Val, "a.csv: line 4") {
		t.Errorf("%v", leaks)
	}
}

// TestBalance compares with sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 2],
// y=[0]*6+[1]*3+[2]).
func TestBalance(t *testing.T) {
	got := Balance(counted(t, Options{}, 6, 3, 1))
	for c, want := range []float64{0.55555556, 1.11111111, 3.33333333} {
		if math.Abs(float64(got[c])-want) > 1e-6 {
			t.Errorf("class %d: %v, want %v", c, got[c], want)
		}
	}
}

// TestStandardise compares with numpy's mean and std of the training rows.
func TestStandardise(t *testing.T) {
	s := counted(t, Options{Standardise: true, Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}}, 10, 10)
	train, val, err := Split(s, 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	var sum, square [2]float64
	for i := range train.Len() {
		x, _ := row(t, train, i)
		for k, v := range x {
			sum[k] += float64(v)
			square[k] += float64(v) * float64(v)
		}
	}
	for k := range sum {
		mean, std := sum[k]/float64(train.Len()), math.Sqrt(square[k]/float64(train.Len()))
		if math.Abs(mean) > 1e-6 || math.Abs(std-1) > 1e-6 {
			t.Errorf("column %d: mean %v, deviation %v", k, mean, std)
		}
	}
	again := open(t, s.path, Options{Like: train, Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}})
	a, _ := row(t, val, 0)
	b, _ := row(t, again, val.rows[0])
	if !slices.Equal(a, b) {
		t.Errorf("scaled as for training: %v, %v", a, b)
	}
}

// TestLike opens samples to measure on as those of training were: other columns, other order, fewer classes and
// categories.
func TestLike(t *testing.T) {
	train := open(t, file(t, "a.csv", []byte("y,colour,n\nu,red,1\nv,blue,2\nw,red,3\nu,red,4\n")), Options{})
	like := Options{Like: train}
	val := open(t, file(t, "b.csv", []byte("id,n,y,colour\n7,5,w,blue\n8,6,v,red\n")), like)
	x, y := row(t, val, 0)
	if !slices.Equal(val.Classes(), []string{"u", "v", "w"}) || !slices.Equal(x, []float32{1, 0, 5}) || y[0] != 2 {
		t.Errorf("classes %q, values %v, target %v", val.Classes(), x, y)
	}
	again := open(t, val.path, Options{Metadata: train.Settings(), Classes: train.Classes()})
	if x, y := row(t, again, 0); !slices.Equal(x, []float32{1, 0, 5}) || y[0] != 2 {
		t.Errorf("by metadata: values %v, target %v", x, y)
	}
	_, err := Open(file(t, "c.csv", []byte("n,y,colour\n5,w,green\n6,z,red\n")), like)
	for _, part := range []string{`line 2: column "colour": "green" is none of the 2 categories`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
}

// TestOtherColumns: metadata of an earlier training do not bind a table of other columns.
func TestOtherColumns(t *testing.T) {
	before := open(t, file(t, "a.csv", []byte("kind,n\nu,1\nv,2\nu,3\nv,4\n")), Options{Label: "kind"})
	now := open(t, file(t, "b.csv", []byte("m,y\n1,0.5\n2,1.5\n")), Options{Metadata: before.Settings()})
	if x, y := row(t, now, 1); !slices.Equal(x, []float32{2}) || y[0] != 1.5 {
		t.Errorf("%v, %v", x, y)
	}
	if _, err := Open(now.path, Options{Like: before}); err == nil || !strings.Contains(err.Error(), `no column "kind"`) &&
		!strings.Contains(err.Error(), `no column "n"`) {
		t.Errorf("like the other: %v", err)
	}
}

func TestKeys(t *testing.T) {
	text := []byte("label,a,b\nu,1,2\nv,3,4\nu,1,2\n")
	s := open(t, file(t, "a.csv", text), Options{})
	other := open(t, file(t, "b.csv", text), Options{})
	scaled := open(t, file(t, "c.csv", text), Options{Standardise: true})
	key := func(s *Set, i int) string {
		k, err := s.Key(i)
		if err != nil || len(k) != 32 {
			t.Fatal(k, err)
		}
		return k
	}
	if key(s, 0) != key(s, 2) || key(s, 0) != key(other, 0) {
		t.Error("equal samples have different keys")
	}
	if key(s, 0) == key(s, 1) || key(s, 0) == key(scaled, 0) {
		t.Error("different samples or settings have equal keys")
	}
}

// TestNoise checks that views depend on seed, sample and number, and on nothing else.
func TestNoise(t *testing.T) {
	o := Options{Augment: Augment{Views: 3, Noise: 0.5, Seed: 1}}
	s := counted(t, o, 200, 200)
	var all []float64
	for i := range s.Len() {
		plain, _ := row(t, s, i)
		sample, err := s.View(i, 2)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := s.Subset([]int{i}).View(0, 2)
		x := tensor.Of[float32](sample.Inputs[""])
		if !slices.Equal(x, tensor.Of[float32](again.Inputs[""])) {
			t.Fatalf("sample %d has two views of one number", i)
		}
		for k := range x {
			all = append(all, float64(x[k]-plain[k]))
		}
	}
	var mean, square float64
	for _, v := range all {
		mean += v / float64(len(all))
		square += v * v / float64(len(all))
	}
	if math.Abs(mean) > 0.06 || math.Abs(math.Sqrt(square)-0.5) > 0.04 {
		t.Errorf("noise of mean %v and deviation %v, want 0 and 0.5", mean, math.Sqrt(square))
	}
	if _, err := s.View(0, 3); err == nil {
		t.Error("a fourth view")
	}
	if p := s.Plain(); p.Views() != 1 {
		t.Errorf("%d views of the plain set", p.Views())
	}
}
