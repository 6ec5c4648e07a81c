package autodiff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A flowWriter makes random graphs of control flow over vectors of one length: smooth functions of the values that a
// place sees, with Ifs, Loops and Scans that are nested.
type flowWriter struct {
	r      *rand.Rand
	graphs map[string]string
	names  int
}

func (f *flowWriter) name(what string) string {
	f.names++
	return fmt.Sprintf("%s%d", what, f.names)
}

func (f *flowWriter) pick(list []string) string { return list[f.r.IntN(len(list))] }

// nodes returns a few nodes over the values seen, and a value that depends on the last of them.
func (f *flowWriter) nodes(seen []string, depth int) (text, out string) {
	var lines []string
	for range 2 + f.r.IntN(3) {
		y := f.name("v")
		switch kind := f.r.IntN(8); {
		case kind < 3 || depth == 0:
			lines = append(lines, fmt.Sprintf("%s %s -> %s", f.pick([]string{"Sin", "Tanh", "Softsign"}), f.pick(seen), y))
		case kind < 5:
			lines = append(lines, fmt.Sprintf("%s %s %s -> %s", f.pick([]string{"Add", "Mul", "Sub"}), f.pick(seen), f.pick(seen), y))
		case kind == 5:
			cond, a, b := f.name("c"), f.graph("", nil, seen, depth), f.graph("", nil, seen, depth)
			lines = append(lines, fmt.Sprintf("ReduceSum %s -> %s_s | keepdims=0; Less %[2]s_s limit -> %[2]s; If %[2]s -> %s | then_branch=@%s else_branch=@%s",
				f.pick(seen), cond, y, a, b))
		case kind == 6:
			i, c, h := f.name("i"), f.name("c"), f.name("h")
			body := f.graph(fmt.Sprintf("%s:i %s:b %s:d", i, c, h), []string{c}, append(seen[:len(seen):len(seen)], h), depth)
			lines = append(lines, fmt.Sprintf("Loop rounds - %s -> %s %s_z | body=@%s; ReduceSum %[3]s_z axis -> %[3]s_r | keepdims=0", f.pick(seen), y, y, body))
			seen = append(seen[:len(seen):len(seen)], y+"_r")
		default:
			h, x := f.name("h"), f.name("x")
			body := f.graph(fmt.Sprintf("%s:d %s:d", h, x), nil, append(seen[:len(seen):len(seen)], h, x), depth)
			lines = append(lines, fmt.Sprintf("Scan %s rows -> %s %s_z | body=@%s num_scan_inputs=1 scan_input_directions=%d,; ReduceSum %[3]s_z axis -> %[3]s_r | keepdims=0",
				f.pick(seen), y, y, body, f.r.IntN(2)))
			seen = append(seen[:len(seen):len(seen)], y+"_r")
		}
		seen = append(seen[:len(seen):len(seen)], y)
	}
	return strings.Join(lines, "; "), seen[len(seen)-1]
}

// graph adds a graph with the given inputs, which returns the values in first, and one that is carried and, if there
// are inputs, one that is stacked.
func (f *flowWriter) graph(inputs string, first, seen []string, depth int) string {
	name := f.name("g")
	text, out := f.nodes(seen, depth-1)
	var copies []string
	for _, v := range first {
		copies = append(copies, fmt.Sprintf("Identity %s -> %s_o", v, v))
		first = []string{v + "_o"}
	}
	results := append(first, out)
	if inputs != "" {
		results = append(results, f.pick(seen)+"_"+name)
		copies = append(copies, fmt.Sprintf("Identity %s -> %s", strings.TrimSuffix(results[len(results)-1], "_"+name), results[len(results)-1]))
	}
	f.graphs[name] = fmt.Sprintf("%s => %s => %s", inputs, strings.Join(append(copies, text), "; "), strings.Join(results, " "))
	return name
}

// TestRandomControlFlow compares gradients of random graphs with central differences.
func TestRandomControlFlow(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := &flowWriter{r: rand.New(rand.NewPCG(seed, 1)), graphs: map[string]string{}}
			text, out := f.nodes([]string{"x", "w"}, 3)
			c := flowCase{main: fmt.Sprintf("x:d3 w:d3 rows:d2x3 limit:d_=0.3 rounds:i_=%d axis:i1=0 => %s => %s", f.r.IntN(4), text, out), graphs: f.graphs}
			newFlow(t, c).check(t)
			if t.Failed() {
				t.Logf("%s\n%v", c.main, c.graphs)
			}
		})
	}
}
