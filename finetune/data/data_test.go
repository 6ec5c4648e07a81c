package data

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// input describes an input of a model.
func input(name string, dtype tensor.DType, dims ...int) runtime.ValueInfo {
	v := runtime.ValueInfo{Name: name, DType: dtype, Ranked: true}
	for _, d := range dims {
		v.Dims = append(v.Dims, runtime.Dim{Value: d})
	}
	return v
}

// file writes a file into a folder of the test.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string, o Options) *Set {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// row returns sample i's only float32 input, and its target: a class, or numbers.
func row(t *testing.T, s *Set, i int) ([]float32, []float64) {
	t.Helper()
	sample, err := s.Sample(i)
	if err != nil {
		t.Fatal(err)
	}
	if len(sample.Inputs) != 1 {
		t.Fatalf("%d inputs", len(sample.Inputs))
	}
	var target []float64
	for _, x := range sample.Targets {
		target = append(target, tensor.Float64s(x, x.Len())...)
	}
	for _, x := range sample.Inputs {
		return tensor.Of[float32](x), target
	}
	return nil, nil
}

// TestRealTables reads the labelled tables that belong to two models, without being told anything about their columns.
func TestRealTables(t *testing.T) {
	const dir = "../../../shared/models/inputs/finetune"
	for _, tc := range []struct {
		file    string
		inputs  []runtime.ValueInfo
		samples int
		classes []string
		first   []float32 // of sample 1, after the class
	}{
		{"keypoint.csv.gz", []runtime.ValueInfo{input("input", tensor.Float32, -1, 42)}, 4450, []string{"0", "1", "2"},
			[]float32{0, 0, 0.20634920634920634, -0.04365079365079365}},
		{"point_history.csv.gz", []runtime.ValueInfo{input("input", tensor.Float32, -1, 32), input("score_threshold", tensor.Float32)},
			5296, []string{"0", "1", "2", "3"}, []float32{0, 0, 0.001041667, 0}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			path := filepath.Join(dir, tc.file)
			if _, err := os.Stat(path); err != nil {
				t.Skipf("%s: needs the folder ../shared beside the project: %v", tc.file, err)
			}
			for _, inputs := range [][]runtime.ValueInfo{tc.inputs, nil} {
				s := open(t, path, Options{Inputs: inputs})
				if s.Len() != tc.samples || !slices.Equal(s.Classes(), tc.classes) {
					t.Errorf("%d samples of %q: %q", s.Len(), s.Classes(), s.Describe())
				}
				x, y := row(t, s, 1)
				if len(x) != s.source.(*arrays).inputs[0].values.Shape()[1] || !slices.Equal(x[:4], tc.first) || !slices.Equal(y, []float64{0}) {
					t.Errorf("%d values %v, target %v", len(x), x[:4], y)
				}
			}
		})
	}
}

func TestTables(t *testing.T) {
	x2 := []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}
	for _, tc := range []struct {
		name, file, text string
		o                Options
		classes          []string
		x                []float32 // of the second sample
		y                []float64
	}{
		{"class first", "a.csv", "0,1.5,2.5\n1,3,4\n0,5,6\n1,7,8\n", Options{Inputs: x2}, []string{"0", "1"}, []float32{3, 4}, []float64{1}},
		{"class last", "a.csv", "1.5,2.5,0\n3,4,1\n5,6,0\n7,8,1\n", Options{}, []string{"0", "1"}, []float32{3, 4}, []float64{1}},
		{"name in the middle", "a.csv", "a,Label,b\n1,x,2\n3,y,4\n", Options{Inputs: x2}, []string{"x", "y"}, []float32{3, 4}, []float64{1}},
		{"names that count", "a.csv", "label,0,1,2\n1,9,8,7\n0,6,5,4\n", Options{}, []string{"0", "1"}, []float32{6, 5, 4}, []float64{0}},
		{"row numbers", "a.csv", ",a,b,y\n0,1,2,5\n1,3,4,6\n2,5,6,5\n3,7,8,6\n", Options{Inputs: x2}, []string{"5", "6"}, []float32{3, 4}, []float64{1}},
		{"tabulators", "a.tsv", "1\t2\tcat\n3\t4\tdog\n1\t2\tcat\n3\t4\tdog\n", Options{}, []string{"cat", "dog"}, []float32{3, 4}, []float64{1}},
		{"semicolons", "a.csv", "a;b;class\r\n1;2;u\r\n3;4;v\r\n", Options{}, []string{"u", "v"}, []float32{3, 4}, []float64{1}},
		{"byte order mark", "a.csv", "\ufefflabel,a,b\nu,1,2\nv,3,4\n", Options{}, []string{"u", "v"}, []float32{3, 4}, []float64{1}},
		{"regression", "a.csv", "a,b,price\n1,2,10.5\n3,4,11.25\n5,6,12\n", Options{}, nil, []float32{3, 4}, []float64{11.25}},
		{"two numbers", "a.csv", "a,b,c,d\n1,2,3,4\n5,6,7,8\n", Options{Label: "c,d"}, nil, []float32{5, 6}, []float64{7, 8}},
		{"last by index", "a.csv", "1,2,7\n3,4,8\n", Options{Label: "-1", Task: Classify}, []string{"7", "8"}, []float32{3, 4}, []float64{1}},
		{"categories", "a.csv", "size,colour,y\n1,red,0.5\n2,blue,0.25\n", Options{}, nil, []float32{2, 1, 0}, []float64{0.25}},
		{"truth", "a.csv", "a,b,y\n1,true,0.5\n2,false,0.25\n", Options{}, nil, []float32{2, 0}, []float64{0.25}},
		{"columns by name", "a.csv", "b,z,a,y\n1,9,2,0.5\n3,9,4,1.5\n", Options{Inputs: x2, Features: map[string][]string{"x": {"a", "b"}}},
			nil, []float32{4, 3}, []float64{1.5}},
		{"class names of the model", "a.csv", "label,a,b\nv,1,2\nu,3,4\n", Options{Classes: []string{"v", "u", "w"}},
			[]string{"v", "u", "w"}, []float32{3, 4}, []float64{1}},
		{"classes without samples", "a.csv", "y,a,b\n0,1,2\n2,3,4\n", Options{Outputs: 4}, []string{"0", "1", "2", "3"}, []float32{3, 4}, []float64{2}},
		{"from 1", "a.csv", "y,a,b\n1,1,2\n2,3,4\n", Options{Outputs: 2}, []string{"1", "2"}, []float32{3, 4}, []float64{1}},
		{"-1 and 1", "a.csv", "y,a,b\n-1,1,2\n1,3,4\n", Options{Outputs: 2}, []string{"-1", "1"}, []float32{3, 4}, []float64{1}},
		{"unlabelled", "a.csv", "1,2\n3,4\n", Options{Task: Unlabelled, Inputs: x2}, nil, []float32{3, 4}, nil},
		{"quotes", "a.csv", "label,a,b\n\"x, \"\"y\"\"\",1,2\n\"z\",3,4\n", Options{}, []string{`x, "y"`, "z"}, []float32{3, 4}, []float64{1}},
		{"an unused column may be bad", "a.csv", "id,a,b,y\nu-1,1,2,0.5\n,3,4,1.5\n", Options{Inputs: x2}, nil, []float32{3, 4}, []float64{1.5}},
		{"json lines", "a.jsonl", `{"x": [1, 2], "label": "no"}` + "\n\n" + `{"label": "yes", "x": [3, 4]}` + "\n", Options{Inputs: x2},
			[]string{"no", "yes"}, []float32{3, 4}, []float64{1}},
		{"json scalars", "a.jsonl", `{"a": 1, "b": 2, "y": 0.5}` + "\n" + `{"a": 3, "b": 4, "y": 1.5}`, Options{Inputs: x2},
			nil, []float32{3, 4}, []float64{1.5}},
		{"nested lists", "a.jsonl", `{"x": [[1], [2]], "y": [0.5, 1]}` + "\n" + `{"x": [[3], [4]], "y": [1.5, 2]}`,
			Options{Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 2, 1)}}, nil, []float32{3, 4}, []float64{1.5, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, file(t, tc.file, []byte(tc.text)), tc.o)
			x, y := row(t, s, 1)
			if !slices.Equal(s.Classes(), tc.classes) || !slices.Equal(x, tc.x) || !slices.Equal(y, tc.y) {
				t.Errorf("classes %q, values %v, target %v; want %q, %v, %v\n%s",
					s.Classes(), x, y, tc.classes, tc.x, tc.y, strings.Join(s.Describe(), "\n"))
			}
		})
	}
}

func TestProblems(t *testing.T) {
	x2 := []runtime.ValueInfo{input("x", tensor.Float32, -1, 2)}
	for _, tc := range []struct {
		name, file, text string
		o                Options
		want             []string // parts of the message
	}{
		{"width and numbers", "a.csv", "label,a,b\n0,1,2\n1,3\n0,oops,4\n1,NaN,5\n0,1,inf\n,1,2\n1,2,3\n", Options{Inputs: x2},
			[]string{"5 problems", "line 3: 2 fields, want 3", `line 4: column "a": "oops" is not a number`,
				`line 5: column "a": "NaN": the value is missing`, `line 6: column "b": "inf": want a finite number`, `line 7: column "label": "": the value is missing`}},
		{"text label missing", "a.csv", "label,a,b\nu,1,2\n,3,4\n", Options{}, []string{"line 3: the label is missing"}},
		{"label out of range", "a.csv", "label,a,b\n0,1,2\n3,3,4\n", Options{Outputs: 3}, []string{"line 3: label 3 is out of range: want 0 to 2"}},
		{"unknown label", "a.csv", "label,a,b\nu,1,2\nw,3,4\n", Options{Classes: []string{"u", "v"}}, []string{`line 3: label "w" is none of the 2 classes`}},
		{"too many classes", "a.csv", "label,a,b\nu,1,2\nv,3,4\nw,3,4\n", Options{Outputs: 2}, []string{"3 classes, the model tells 2 apart"}},
		{"wrong width", "a.csv", "label,a\nu,1\nv,3\n", Options{Inputs: x2}, []string{`input "x": 1 values a sample, want 2, of column "a"`}},
		{"no such label", "a.csv", "a,b\n1,2\n", Options{Label: "z"}, []string{`label: no column "z": there are "a", "b"`}},
		{"no label", "a.csv", "1\n2\n", Options{Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 1)}}, []string{"no label"}},
		{"empty", "a.csv", "", Options{}, []string{"no samples: the file is empty"}},
		{"header only", "a.csv", "label,a\n", Options{}, []string{"no samples"}},
		{"quote", "a.csv", "label,a,b\n0,1,2\n1,\"3,4\n", Options{}, []string{"line 3", `extraneous or missing " in quoted-field`}},
		{"unknown format", "a.xlsx", "PK", Options{}, []string{`unknown format ".xlsx"`}},
		{"long line", "a.csv", strings.Repeat("1", maxLine+1), Options{}, []string{"a line of more than 16 MiB"}},
		{"too much text", "a.csv", strings.Repeat("1,2,3\n", 1000), Options{MemoryLimit: 1000}, []string{"more text than the memory limit allows"}},
		{"many", "a.csv", "label,a,b\n0,1,2\n" + strings.Repeat("1,z,2\n", 2) + strings.Repeat("1,3,2\n", 30) + strings.Repeat("1,3\n", 20), Options{},
			[]string{"22 problems", "and 12 more"}},
		{"json", "a.jsonl", `{"x": [1, 2], "label": 0}` + "\n[1]\n" + `{"x": [1, "a"], "label": 0}` + "\n" + `{"x": [1, null], "label": 1}` + "\n" + `{"x": [1, 2]}`,
			Options{Inputs: x2}, []string{"line 2: want a JSON object", `line 3: field "x": want a list of numbers`, `line 4: field "x"`, `line 5: field "label": the value is missing`}},
		{"json depth", "a.jsonl", `{"x": [1, [2]], "label": 0}` + "\n", Options{Inputs: x2}, []string{"lists of different depths"}},
		{"json lengths", "a.jsonl", `{"x": [1, 2], "label": 0}` + "\n" + `{"x": [1], "label": 1}` + "\n", Options{Inputs: x2},
			[]string{`column "x" has lists of different lengths`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(file(t, tc.file, []byte(tc.text)), tc.o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
		})
	}
}

// TestInputsByName: columns go to the inputs of their names, but only if the file has names.
func TestInputsByName(t *testing.T) {
	for _, tc := range []struct {
		text   string
		inputs []runtime.ValueInfo
		want   map[string][]float64 // of the second sample
	}{
		{"y,x2,x1\n0,1,2\n1,3,4\n", []runtime.ValueInfo{input("x1", tensor.Float32, -1, 1), input("X2", tensor.Int64, -1)}, map[string][]float64{"x1": {4}, "X2": {3}}},
		{"y,s,a,b\n0,0.5,2,3\n1,0.25,4,5\n", []runtime.ValueInfo{input("x", tensor.Float32, -1, 2), input("s", tensor.Float32)}, map[string][]float64{"x": {4, 5}, "s": {0.25}}},
		{"y,a,b,c\n0,1,2,3\n1,4,5,6\n", []runtime.ValueInfo{input("p", tensor.Float32, -1, 2), input("q", tensor.Float64, -1, 1)}, map[string][]float64{"p": {4, 5}, "q": {6}}},
		{"0,1,2.5\n1,3,4.5\n", []runtime.ValueInfo{input("1", tensor.Float32, -1, 1), input("0", tensor.Float32, -1, 1)}, map[string][]float64{"1": {3}, "0": {4.5}}},
	} {
		s := open(t, file(t, "a.csv", []byte(tc.text)), Options{Inputs: tc.inputs})
		sample, err := s.Sample(1)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range tc.want {
			if got := tensor.Float64s(sample.Inputs[name], 9); !slices.Equal(got, want) {
				t.Errorf("%q: input %s is %v, want %v", tc.text, name, got, want)
			}
		}
	}
}

// TestConstants: a constant has the shape of a sample, like all inputs.
func TestConstants(t *testing.T) {
	path := file(t, "a.csv", []byte("label,a,b\nu,1,2\nv,3,4\n"))
	for _, tc := range []struct {
		dims, shape []int
		want        tensor.Shape // nil: an error
	}{
		{[]int{}, []int{}, tensor.Shape{}}, {[]int{-1, 2}, []int{1, 2}, tensor.Shape{2}}, {[]int{-1, 2}, []int{2}, tensor.Shape{2}},
		{[]int{2, 1}, []int{2, 1}, tensor.Shape{2, 1}}, {[]int{-1, 2}, []int{3, 2}, nil},
	} {
		s, err := Open(path, Options{Inputs: []runtime.ValueInfo{input("x", tensor.Float32, -1, 2), input("c", tensor.Float32, tc.dims...)},
			Constants: map[string]*tensor.Tensor{"c": tensor.New(tensor.Float32, tc.shape...)}})
		if err != nil || tc.want == nil {
			if err == nil || tc.want != nil {
				t.Errorf("%v for %v: %v", tc.shape, tc.dims, err)
			}
			continue
		}
		sample, err := s.Sample(0)
		if err != nil || !sample.Inputs["c"].Shape().Equal(tc.want) || !sample.Inputs["x"].Shape().Equal(tensor.Shape{2}) {
			t.Errorf("%v for %v: %v, want %v: %v", tc.shape, tc.dims, sample.Inputs["c"].Shape(), tc.want, err)
		}
	}
}
