// Command recipe makes the digit reader that the project embeds, models/digits.onnx, and the picture models/digits.png:
//
//	go run ./models/recipe
//
// It renders digits, trains the network of network.go on them and measures it on others. The same machine gives the same
// bytes each time.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
)

func main() {
	dir := flag.String("o", "models", "folder to write digits.onnx and digits.png to")
	count := flag.Int("n", 60000, "how many digits to render for training")
	epochs := flag.Int("epochs", 6, "how often to go through them")
	flag.Parse()
	if err := run(context.Background(), *dir, *count, *epochs); err != nil {
		fmt.Fprintln(os.Stderr, "recipe:", err)
		os.Exit(1)
	}
}

// The seeds of what is random: the training set, the held-out set, the picture, and the first weights.
const (
	trainSeed   = 100
	heldOutSeed = 101
	pictureSeed = 5
	weightSeed  = 103
)

// heldOut is the number of digits that the network is measured on.
const heldOut = 10000

func run(ctx context.Context, dir string, count, epochs int) error {
	g, err := drawGlyphs()
	if err != nil {
		return err
	}
	trainer, err := newTrainer()
	if err != nil {
		return err
	}
	if _, err := train(ctx, trainer, g.samples(count, trainSeed), epochs); err != nil {
		return err
	}
	right, err := correct(ctx, trainer, g.samples(heldOut, heldOutSeed))
	if err != nil {
		return err
	}
	fmt.Printf("%.2f %% of %d held-out digits\n", 100*float64(right)/heldOut, heldOut)
	picture, err := g.row(models.DigitsText)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "digits.png"), picture, 0o644); err != nil {
		return err
	}
	return trainer.Export(func(m *onnx.Model) error { return write(filepath.Join(dir, "digits.onnx"), m) })
}

// write writes the model and says how large it is and what its hash is.
func write(name string, m *onnx.Model) error {
	data := onnx.Encode(m)
	fmt.Printf("%s: %d bytes, sha256 %x\n", name, len(data), sha256.Sum256(data))
	return os.WriteFile(name, data, 0o644)
}
