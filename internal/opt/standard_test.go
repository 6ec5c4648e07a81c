package opt_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// standard optimises a model and writes it as one of standard operators.
func standard(m *onnx.Model) (*onnx.Model, error) {
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		return nil, err
	}
	if g, err = opt.Apply(g, opt.Options{Standard: true}); err != nil {
		return nil, err
	}
	out, err := graph.Export(g, m)
	if err != nil {
		return nil, err
	}
	return onnx.Decode(onnx.Encode(out))
}

// cases runs f on the cases of an archive, in short mode on some of them.
func cases(t *testing.T, archive string, f func(c *conform.Case)) {
	suite, err := conform.Find(filepath.Join("../../testdata/conformance", archive))
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Close()
	var group sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, c := range suite.Cases {
		if strings.HasPrefix(c.Name, "light/") || testing.Short() && i%6 != 0 {
			continue // whole networks take seconds
		}
		turn <- struct{}{}
		group.Go(func() {
			f(c)
			<-turn
		})
	}
	group.Wait()
}

// TestStandardModels runs cases with what the standard passes make of their models, written and read again: results are
// those that the case asks for, and the checker has nothing to say.
func TestStandardModels(t *testing.T) {
	for _, archive := range []string{"node.zip", "models.zip", "random-layers.zip", "microsoft.zip"} {
		var written, refused atomic.Int64
		cases(t, archive, func(c *conform.Case) {
			opts := conform.Options{Timeout: 3 * time.Minute}
			if c.Run(context.Background(), opts).Status != conform.Passed {
				return
			}
			var unsupported *ops.UnsupportedError
			opts.Edit = func(m *onnx.Model) (*onnx.Model, error) {
				out, err := standard(m)
				errors.As(err, &unsupported)
				if before := len(onnx.Check(m)); err == nil && before == 0 {
					for _, f := range onnx.Check(out) {
						t.Errorf("%s: the model written is refused: %v", c.Name, f)
					}
				}
				return out, err
			}
			switch r := c.Run(context.Background(), opts); {
			case unsupported != nil:
				refused.Add(1)
			case r.Status != conform.Passed:
				t.Errorf("%s: %s", c.Name, r.Reason)
			default:
				written.Add(1)
			}
		})
		t.Logf("%s: %d models written, %d refused", archive, written.Load(), refused.Load())
		if refused.Load() > written.Load()/10 {
			t.Errorf("%s: %d of %d models cannot be written", archive, refused.Load(), refused.Load()+written.Load())
		}
	}
}

// TestWithoutEachPass runs models with each pass left out.
func TestWithoutEachPass(t *testing.T) {
	for _, name := range opt.Optional() {
		cases(t, "models.zip", func(c *conform.Case) {
			opts := conform.Options{Timeout: 3 * time.Minute}
			opts.Runtime.Skip = []string{name}
			if r := c.Run(context.Background(), opts); r.Status == conform.Failed {
				t.Errorf("%s without pass %s: %s", c.Name, name, r.Reason)
			}
		})
	}
}
