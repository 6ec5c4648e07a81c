package runtime_test

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
)

// TestArenaIsNearTheLiveSet runs whole models and compares the arena of each frame with the most that is in use at one step.
func TestArenaIsNearTheLiveSet(t *testing.T) {
	t.Run("digits", func(t *testing.T) {
		f, err := onnx.OpenBytes(models.Digits, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkArena(t, f)
	})
	if testing.Short() {
		t.Skip("archives and folders of whole models are not run in short mode")
	}
	for _, path := range []string{"../testdata/conformance/models.zip", "../testdata/conformance/random-layers.zip", "../../shared/models"} {
		if _, err := os.Stat(path); err != nil {
			t.Logf("%s is absent: its arenas are not measured", path)
			continue
		}
		suite, err := conform.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		defer suite.Close()
		for _, c := range suite.Cases {
			t.Run(c.Name, func(t *testing.T) { checkArena(t, openCase(t, c.Files)) })
		}
	}
	for _, name := range stripped {
		t.Run(name, func(t *testing.T) {
			dir := "../../shared/stripped/" + name
			if _, err := os.Stat(dir); err != nil {
				t.Skipf("%s is absent: its arena is not measured", dir)
			}
			f := openCase(t, os.DirFS(dir))
			if err := feed.FillFrom(f.Model, dir+"/fill.json"); err != nil {
				t.Fatal(err)
			}
			checkArena(t, f)
		})
	}
}

func openCase(t *testing.T, files fs.FS) *onnx.File {
	f, err := onnx.OpenFS(files, "model.onnx", nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func checkArena(t *testing.T, f *onnx.File) {
	s, err := runtime.New(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source := feed.Source{Seed: 1}
	in, _, err := source.Inputs(s.Inputs())
	if err != nil {
		t.Skipf("%s: no inputs can be made up, so the arena is not measured: %v", t.Name(), err)
	}
	if _, err := s.Run(context.Background(), in); err != nil {
		t.Skipf("%s: made-up inputs do not run, so the arena is not measured: %v", t.Name(), err)
	}
	for _, m := range s.Memory() {
		if 10*m.Arena > 11*m.Live {
			t.Errorf("arena of %d bytes, %d are in use at once", m.Arena, m.Live)
		}
	}
}
