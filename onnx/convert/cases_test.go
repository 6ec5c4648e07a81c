package convert_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/convert"
)

const archives = "../../testdata/conformance"

var reasons = flag.Bool("reasons", false, "print why cases cannot be converted, counted")

// targets are the versions that the official cases are converted to, each with the least number of cases
// that must convert: a regression fails. README.md gives these figures.
var targets = []struct{ opset, least int }{{28, 2036}, {21, 1894}, {17, 1637}, {13, 1558}, {11, 1373}, {9, 1100}, {7, 770}}

// light reports whether a case is a whole network with made-up weights, which takes seconds.
func light(c *conform.Case) bool { return strings.HasPrefix(c.Name, "light/") }

// TestCases converts the official cases. A case must give equal results, judged by its own tolerance, before and after,
// or be refused with an error that names the node; up to the newest version none may be refused.
func TestCases(t *testing.T) {
	var cases []*conform.Case
	for _, name := range []string{"node.zip", "models.zip"} {
		suite, err := conform.Find(filepath.Join(archives, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { suite.Close() })
		cases = append(cases, suite.Cases...)
	}
	for _, target := range targets {
		if target.opset != 28 || testing.Short() {
			cases = slices.DeleteFunc(cases, light)
		}
		converted, refused := 0, 0
		why := map[string]int{}
		for i, r := range convertAll(cases, target.opset) {
			switch {
			case r.refusal != nil:
				refused++
				var e *convert.Error
				if !errors.As(r.refusal, &e) || len(e.Nodes) == 0 {
					t.Errorf("%s to %d: %v: want an error about a node", r.name, target.opset, r.refusal)
				} else {
					why[fmt.Sprintf("%s %d->%d: %s", e.Nodes[0].Op, e.From, e.To, e.Nodes[0].Reason)]++
				}
				if target.opset == targets[0].opset {
					t.Errorf("%s to %d: %v", r.name, target.opset, r.refusal)
				}
			case r.status != conform.Passed && convertOne(cases[i], 0).status == conform.Passed:
				t.Errorf("%s to %d: %s", r.name, target.opset, r.reason)
			default:
				converted++
			}
		}
		t.Logf("to %d: %d of %d converted, with equal results; %d refused", target.opset, converted, len(cases), refused)
		if converted < target.least && !testing.Short() {
			t.Errorf("to %d: %d cases, want at least %d", target.opset, converted, target.least)
		}
		if *reasons {
			printReasons(t, target.opset, why)
		}
	}
}

type outcome struct {
	name, status, reason string
	refusal              error
}

// convertAll converts and runs cases; 0 leaves them as they are.
func convertAll(cases []*conform.Case, opset int) []outcome {
	results := make([]outcome, len(cases))
	var group sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, c := range cases {
		turn <- struct{}{}
		group.Go(func() {
			results[i] = convertOne(c, opset)
			<-turn
		})
	}
	group.Wait()
	return results
}

func convertOne(c *conform.Case, opset int) outcome {
	opts := conform.Options{Timeout: 3 * time.Minute}
	opts.Runtime.Threads = 1
	var refusal error
	if opset != 0 {
		opts.Edit = func(m *onnx.Model) (*onnx.Model, error) {
			out, err := convert.Model(m, map[string]int{"": opset})
			if err != nil {
				refusal = err
				return nil, err
			}
			if v := out.Opset(""); v != int64(opset) && m.Opset("") != 0 {
				return nil, fmt.Errorf("the result is of version %d", v)
			}
			return onnx.Decode(onnx.Encode(out))
		}
	}
	r := c.Run(context.Background(), opts)
	return outcome{r.Name, r.Status, r.Reason, refusal}
}

func printReasons(t *testing.T, opset int, why map[string]int) {
	var list []string
	for text, n := range why {
		list = append(list, fmt.Sprintf("%4d %s", n, text))
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(b, a) })
	for _, line := range list {
		fmt.Fprintf(os.Stderr, "to %d: %s\n", opset, line)
	}
}
