package convert

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// nllLoss writes a NegativeLogLikelihoodLoss out: the negative of the input at each target, times the weight
// of the target, reduced. What is to be ignored counts with a weight of zero.
func nllLoss(s *site) error {
	return s.nll(s.in(0), s.in(1), s.in(2), s.node.Outputs[0])
}

func (s *site) nll(input, target, weight, out string) error {
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	reduction, err := s.str("reduction")
	if err != nil {
		return err
	}
	ignore, err := s.given("ignore_index")
	if err != nil {
		return err
	}
	target = s.cast(target, tensor.Int64)
	var ignored string
	if ignore != nil {
		ignored = s.emit("Equal", []string{target, s.tensor(tensor.Scalar(ignore.I))})
		target = s.emit("Where", []string{ignored, s.tensor(tensor.Scalar(int64(0))), target})
	}
	picked := s.emit("GatherElements", []string{input, s.unsqueeze(target, 1)}, onnx.NewInt("axis", 1))
	loss := s.emit("Neg", []string{s.squeeze(picked, 1)})
	zero, err := s.scalar(d, 0)
	if err != nil {
		return err
	}
	var factor string // of each loss, "" for 1
	switch {
	case weight != "":
		factor = s.emit("Gather", []string{weight, target}, onnx.NewInt("axis", 0))
		if ignored != "" {
			factor = s.emit("Where", []string{ignored, zero, factor})
		}
		loss = s.emit("Mul", []string{loss, factor})
	case ignored != "":
		one, err := s.scalar(d, 1)
		if err != nil {
			return err
		}
		factor = s.emit("Where", []string{ignored, zero, one})
	}
	if ignored != "" {
		loss = s.emit("Where", []string{ignored, zero, loss})
	}
	return s.reduceLoss(reduction, loss, factor, out)
}

func (s *site) reduceLoss(reduction, loss, factor, out string) error {
	flat := onnx.NewInt("keepdims", 0)
	switch {
	case reduction == "none":
		s.emitTo(out, "Identity", []string{loss})
	case reduction == "sum":
		s.emitTo(out, "ReduceSum", []string{loss}, flat)
	case reduction == "mean" && factor == "":
		s.emitTo(out, "ReduceMean", []string{loss}, flat)
	case reduction == "mean":
		s.emitTo(out, "Div", []string{s.emit("ReduceSum", []string{loss}, flat), s.emit("ReduceSum", []string{factor}, flat)})
	default:
		return fmt.Errorf("reduction=%s", reduction)
	}
	s.node = nil
	return nil
}

// crossEntropy takes the logarithm of a softmax over the classes first. Below version 13 only the last
// dimension can be normalised alone.
func crossEntropy(s *site) error {
	x := s.in(0)
	rows := s.emit("Transpose", []string{s.reshape(x, 0, 0, -1)}, onnx.NewInts("perm", 0, 2, 1))
	probabilities := s.emit("LogSoftmax", []string{rows}, onnx.NewInt("axis", 2))
	back := s.emit("Transpose", []string{probabilities}, onnx.NewInts("perm", 0, 2, 1))
	log := s.outputOr(1)
	s.emitTo(log, "Reshape", []string{back, s.emit("Shape", []string{x})})
	return s.nll(log, s.in(1), s.in(2), s.outputOr(0))
}
