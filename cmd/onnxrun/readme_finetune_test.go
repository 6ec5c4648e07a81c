package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/models"
)

// pictureFolder makes a folder with the embedded model as model.onnx and a folder of pictures for each of three classes the
// present one.
func pictureFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("model.onnx", models.Digits, 0o644); err != nil {
		t.Fatal(err)
	}
	for class := range 3 {
		for i := range 10 {
			drawBar(t, filepath.Join("pictures", fmt.Sprint(class)), i, class)
		}
	}
}

// TestReadmeFinetune runs the command lines of README.md's section on fine-tuning.
func TestReadmeFinetune(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	pictureFolder(t)
	found := 0
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		line, ok := strings.CutPrefix(line, "    onnxrun finetune ")
		if !ok {
			continue
		}
		found++
		args := strings.Fields("finetune " + line)
		code, stdout, stderr := onnxrun(t, args...)
		if code != exitOK {
			t.Errorf("%s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
		}
	}
	if found < 5 {
		t.Errorf("README.md shows %d command lines", found)
	}
	for _, name := range []string{"new.onnx", "new.onnx.run/metrics.jsonl", "new.onnx.run/report.html", "new.onnx.run/loss-epochs.svg"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// TestFinetuneRepeats holds a run to the bytes of its repetitions, to which the order of maps in Go differs.
func TestFinetuneRepeats(t *testing.T) {
	pictureFolder(t)
	var first []byte
	for k := range 6 {
		out := fmt.Sprintf("%d.onnx", k)
		if code, _, stderr := onnxrun(t, "finetune", "model.onnx", "--data", "pictures", "--steps", "2", "-o", out); code != exitOK {
			t.Fatal(stderr)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if k == 0 {
			first = got
		} else if !bytes.Equal(got, first) {
			t.Fatalf("run %d wrote another model", k+1)
		}
	}
}

// drawBar writes a picture of a bright bar: flat, upright or slanted by its class, and elsewhere in each picture.
func drawBar(t *testing.T, dir string, i, class int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	for k := range 20 {
		for w := range 3 {
			x, y := 4+k, 4+2*i/2+w
			switch class {
			case 1:
				x, y = y, x
			case 2:
				x, y = 4+k, (4+k+i+w)%28
			}
			img.Set(x, y, color.Gray{Y: uint8(255 - 5*i)})
		}
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%02d.png", i)))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
