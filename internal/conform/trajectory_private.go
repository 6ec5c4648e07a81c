package conform

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/tensor"
)

// recordedDelta stands for the delta of recorded private trainings, which say the noise and spend no budget.
const recordedDelta = 1e-5

// private runs DP-SGD with recorded noise: noise.<weight> holds the standard normals of each step.
func (r *trajectoryRun) private(ctx context.Context) error {
	f, err := r.model("model.onnx")
	if err != nil {
		return err
	}
	defer f.Close()
	dp := &finetune.DP{Noise: r.Noise, Delta: recordedDelta, Normals: r.normals}
	if err := json.Unmarshal(r.Clip, &dp.Clip); err != nil {
		return fmt.Errorf("conform: clip: %w", err)
	}
	plain := *r.Trajectory // as far as it says what other trainings say, too
	plain.Clip = nil
	if plain.Optimizer.Type == "" {
		plain.Optimizer = optimizerSpec{Type: "sgd", Rate: r.Rate}
	}
	spec, err := (&trajectoryRun{Trajectory: &plain, data: r.data, threads: r.threads}).spec(f.Model)
	if err != nil {
		return err
	}
	spec.Privacy = dp
	return r.follow(ctx, f.Model, spec)
}

// normals is finetune.DP.Normals from the recorded noise.
func (r *trajectoryRun) normals(param string, step int, dst []float32) error {
	noise := r.data["noise."+param]
	if noise == nil || noise.DType() != tensor.Float32 || noise.Len() < (step+1)*len(dst) {
		return fmt.Errorf("conform: data.npz has no noise of step %d for %q", step, param)
	}
	copy(dst, tensor.Of[float32](noise)[step*len(dst):])
	return nil
}
