package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/finetune/nn"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func trainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Make models and train them from nothing",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("train does nothing by itself, want train demo")
			}
			return usage("train %s, want train demo", strings.Join(args, " "))
		},
	}
	cmd.AddCommand(demoCommand())
	return cmd
}

// A demo is the train demo command with its flags.
type demo struct {
	epochs int
	seed   uint64
	seeded bool
	out    string
	json   bool
}

func demoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train the smallest example: three points, two classes, 41 weights",
		Long: `Train a network 2 -> 10 (ReLU) -> 1 on three points with the binary cross entropy of its logits and Adam, print the
loss of each epoch and then the probabilities of the points. It starts from weights that PyTorch drew once, so that the
figures can be compared with PyTorch's; --seed draws others.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.seeded = cmd.Flags().Changed("seed")
			return d.run(cmd.Context(), cmd)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&d.epochs, "epochs", 100, "how often to go through the three points")
	flags.Uint64Var(&d.seed, "seed", 0, "draw the first weights from this seed")
	flags.StringVarP(&d.out, "output", "o", "", "file to write the trained model to")
	flags.BoolVar(&d.json, "json", false, "print one line of JSON")
	return cmd
}

// model returns the network, input x [batch, 2], output logits [batch, 1].
func (d *demo) model() (*onnx.Model, error) {
	first, second := nn.Linear{Out: 10}, nn.Linear{Out: 1}
	if !d.seeded {
		first.Init, first.BiasInit = nn.Elements(demoWeights.first), nn.Elements(demoWeights.firstBias)
		second.Init, second.BiasInit = nn.Elements(demoWeights.second), nn.Elements(demoWeights.secondBias)
	}
	b := nn.New("demo", d.seed)
	x := b.Input("x", tensor.Float32, nn.Batch, 2)
	b.Output("logits", nn.Sequential{first, nn.ReLU{}, second}.Apply(x))
	return b.Model()
}

func (d *demo) run(ctx context.Context, cmd *cobra.Command) error {
	if d.epochs < 1 {
		return usage("--epochs %d, want a number above 0", d.epochs)
	}
	model, err := d.model()
	if err != nil {
		return err
	}
	trainer, err := finetune.NewTrainer(model, finetune.Spec{
		Train: "all", Terms: []finetune.Term{{At: "logits", Loss: finetune.BCEWithLogits{}}}, Optimizer: finetune.Adam{}, Rate: 0.001, Threads: 1,
	})
	if err != nil {
		return err
	}
	points := finetune.Batch{
		Inputs:  map[string]*tensor.Tensor{"x": tensor.FromSlice([]float32{.1, .2, .3, .4, .5, .6}, 3, 2)},
		Targets: []*tensor.Tensor{tensor.FromSlice([]float32{1, 0, 1}, 3, 1)},
	}
	losses := make([]float64, d.epochs)
	for epoch := range losses {
		step, err := trainer.Step(ctx, points)
		if err != nil {
			return err
		}
		losses[epoch] = step.Loss
	}
	logits, err := trainer.Scores(ctx, points.Inputs)
	if err != nil {
		return err
	}
	if d.out != "" {
		write := func(m *onnx.Model) error { return onnx.WriteFile(d.out, m, nil) }
		if err := trainer.Export(write); err != nil {
			return err
		}
	}
	return d.report(cmd, losses, tensor.Of[float32](logits[0]))
}

func (d *demo) report(cmd *cobra.Command, losses []float64, logits []float32) error {
	out := cmd.OutOrStdout()
	predictions := make([]float64, len(logits))
	for i, z := range logits {
		predictions[i] = 1 / (1 + math.Exp(-float64(z)))
	}
	if d.json {
		return printJSON(out, map[string]any{"losses": losses, "predictions": predictions})
	}
	for epoch, loss := range losses {
		if _, err := fmt.Fprintf(out, "epoch %3d  loss %.6f\n", epoch+1, loss); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "predictions %.6f %.6f %.6f\n", predictions[0], predictions[1], predictions[2])
	return err
}

// demoWeights are the 41 first weights of the example, which PyTorch 2.15 drew with its defaults for nn.Linear: those of the
// recorded trajectory seed_mlp_bce_adam.
var demoWeights = struct{ first, firstBias, second, secondBias []float32 }{
	first: []float32{
		-0.005293981, 0.3793229, -0.58198076, -0.5203875, -0.27234524, 0.18961589, -0.014010034, 0.5606575, -0.06275152, 0.18710934,
		-0.21369691, -0.13899271, -0.6755334, -0.46830416, -0.29148576, 0.02619376, 0.2795442, 0.42428017, -0.47937673, -0.30791873,
	},
	firstBias: []float32{
		0.25683329, 0.5871729, -0.1455227, 0.5291363, -0.11397384, 0.07482187, 0.6402684, -0.655962, -0.44515052, -0.17901486,
	},
	second: []float32{
		-0.123265564, 0.27322105, -0.2049724, -0.14557004, -0.22092952, -0.2961666, -0.18459494, 0.27182877, 0.14110664, 0.15326692,
	},
	secondBias: []float32{0.016630912},
}
