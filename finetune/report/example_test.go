package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// exampleHistory is a run of 20 epochs of 40 steps whose losses fall with noise.
func exampleHistory(t *testing.T, metrics func(progress float64) map[string]float64) *History {
	t.Helper()
	const epochs, steps = 20, 40
	rng := rand.New(rand.NewPCG(1, 2))
	h := &History{}
	h.Add(Start{Seed: 42, Steps: epochs * steps, Epochs: epochs})
	for i := 1; i <= epochs*steps; i++ {
		p := float64(i) / (epochs * steps)
		epoch := (i + steps - 1) / steps
		rate := 1e-3 * (1 + math.Cos(math.Pi*p)) / 2
		loss := (2.3*math.Exp(-5*p) + 0.12) * (1 + 0.25*rng.NormFloat64())
		if i == 130 {
			h.Add(Skip{Step: i, Epoch: epoch, Reason: "gradient of fc.weight is not finite"})
		}
		h.Add(Step{Step: i, Epoch: epoch, Loss: metric.Value(math.Abs(loss)), Rate: metric.Value(rate)})
		if i%steps == 0 {
			h.Add(Epoch{
				Step: i, Epoch: epoch, Loss: metric.Value(2.3*math.Exp(-5*p) + 0.12),
				ValLoss: metric.Value(2*math.Exp(-5*p) + 0.3 + 0.25*max(0, p-0.6)), Metrics: metrics(p), Best: epoch == 13, Seconds: 0.8,
			})
		}
	}
	h.Add(End{Step: epochs * steps, Epoch: epochs, Reason: "early stop", Seconds: 16.4})
	return h
}

// exampleClassification judges n samples of a model that is right most of the time.
func exampleClassification(t *testing.T, classes, n int) *metric.ClassificationResult {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	c, err := metric.NewClassification(metric.ClassificationOptions{Columns: classes, TopK: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		label := i % classes
		row := make([]float32, classes)
		for k := range row {
			row[k] = float32(1.2 * rng.NormFloat64())
		}
		row[label] += 2.4
		row[(label+1)%classes] += 1
		if err := c.Add(row, []int64{int64(label)}); err != nil {
			t.Fatal(err)
		}
	}
	return c.Result()
}

func square8(t *testing.T, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		img.Set(i%8, i/8, c)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// example is the report of a fine-tuned classifier of pictures.
func example(t *testing.T) *Report {
	t.Helper()
	names := []string{"daisy", "dandelion", "rose", "sunflower", "tulip"}
	r := exampleClassification(t, len(names), 240)
	trained := r.Map()
	before := map[string]float64{"accuracy": 0.2542, "macro_f1": 0.2215, "roc_auc": 0.551, "log_loss": 1.71}
	majority := map[string]float64{"accuracy": 0.2, "macro_f1": 0.0667, "roc_auc": 0.5, "log_loss": 1.6094, "calibration_error": 0}
	rep := &Report{
		Title: "resnet18-flowers.onnx", Summary: "A new head of 5 classes on resnet18.onnx, trained on 960 pictures.",
		Warnings: []string{"2 pictures are in the training and in the validation split: rose/0017.jpg, rose/0112.jpg",
			"1 step was skipped: its gradient was not finite"},
		Model: Model{Parameters: 11_179_077, Trained: 2_565, Layers: []Layer{
			{"conv1", "Conv", "64 × 3 × 7 × 7", 9408, 0, ""}, {"layer1.0.conv1", "Conv", "64 × 64 × 3 × 3", 36864, 0, ""},
			{"layer4.1.conv2", "Conv", "512 × 512 × 3 × 3", 2359296, 0, "folded BatchNormalization"},
			{"fc", "Gemm", "5 × 512", 2565, 2565, "new head, Kaiming uniform"}}},
		Data: Data{Source: "flowers/", Training: 960, Held: 240, Split: "stratified, 20 % for validation, seed 42",
			Preprocessing: []Field{{"size", "224 × 224, bilinear"}, {"mean", "0.485 0.456 0.406"}, {"std", "0.229 0.224 0.225"}},
			Augmentation:  []Field{{"flip", "horizontal, one half"}}},
		Settings: []Field{{"train", "last"}, {"loss", "cross entropy, label smoothing 0.1"}, {"optimizer", "AdamW, weight decay 0.01"},
			{"rate", "0.001, cosine"}, {"batch", "24"}, {"epochs", "20, early stopping after 7"}},
		Results:        []Result{{"majority class", 1.6094, majority}, {"before", 1.71, before}, {"fine-tuned", r.LogLoss, trained}},
		Classification: r, History: exampleHistory(t, func(p float64) map[string]float64 {
			return map[string]float64{"accuracy": 0.78 - 0.5*math.Exp(-6*p), "macro_f1": 0.76 - 0.55*math.Exp(-6*p), "roc_auc": 0.95 - 0.4*math.Exp(-7*p)}
		}),
		Timing: []Time{{"features", 4.2}, {"training", 16.4}, {"validation", 0.41}}, Seed: 42,
		Files:   []File{{"model in", "resnet18.onnx", fmt.Sprintf("%064x", 1)}, {"model out", "resnet18-flowers.onnx", fmt.Sprintf("%064x", 2)}},
		Command: []string{"onnxrun", "finetune", "resnet18.onnx", "--data", "flowers/", "--train", "last", "--epochs", "20", "--seed", "42"},
	}
	for i, n := range names {
		rep.Data.Classes = append(rep.Data.Classes, Class{n, 150 + 21*i, 48})
		rep.Worst = append(rep.Worst, Sample{
			Name: fmt.Sprintf("%s/%04d.jpg", n, 31*i+7), Loss: metric.Value(6 - float64(i)), Truth: n, Predicted: names[(i+1)%5],
			Confidence: metric.Value(0.99 - float64(i)/20), PNG: square8(t, color.RGBA{uint8(40 * i), 120, 90, 255})})
	}
	return rep
}
