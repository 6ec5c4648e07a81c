package finetune

import "math"

// ParseLoss reads the text form of a loss, such as
//
//	mse  mse:half  l1  huber:delta=2
//	cross-entropy:smoothing=0.1,ignore=-1,weights=1,2,0.5  cross-entropy:axis=-1  cross-entropy:soft
//	nll:weights=1,2  bce  bce-with-logits:pos-weight=2
//	hinge  hinge:multi-class,margin=0.5  kl:temperature=4  kl:probabilities  scalar
//
// Settings that are left out have the zero value of the loss's type. ce, mae and half-mse are other names of cross-entropy,
// l1 and mse:half.
func ParseLoss(text string) (Loss, error) {
	s, err := parseSettings("loss", text)
	if err != nil {
		return nil, err
	}
	var l Loss
	switch s.name {
	case "mse":
		v := MSE{}
		s.flag("half", &v.Half)
		l = v
	case "half-mse":
		l = MSE{Half: true}
	case "l1", "mae":
		l = L1{}
	case "huber":
		v := Huber{}
		s.positive("delta", &v.Delta)
		l = v
	case "bce":
		l = BCE{}
	case "scalar":
		l = Scalar{}
	default:
		if l = parseClassLoss(s); l == nil {
			return nil, s.unknown("mse", "l1", "huber", "cross-entropy", "nll", "bce", "bce-with-logits", "hinge", "kl", "scalar")
		}
	}
	return l, s.finish()
}

// parseClassLoss reads a loss that knows of classes; it returns nil for another name.
func parseClassLoss(s *settings) Loss {
	switch s.name {
	case "cross-entropy", "ce":
		v := CrossEntropy{}
		s.list("weights", &v.Weights)
		v.Ignore = s.ignored()
		s.number("smoothing", &v.Smoothing, 0, 1)
		s.flag("soft", &v.Soft)
		s.axis(&v.Axis)
		return v
	case "nll":
		v := NLL{}
		s.list("weights", &v.Weights)
		v.Ignore = s.ignored()
		s.axis(&v.Axis)
		return v
	case "bce-with-logits":
		v := BCEWithLogits{}
		s.list("pos-weight", &v.PosWeight)
		s.axis(&v.Axis)
		return v
	case "hinge":
		v := Hinge{}
		s.positive("margin", &v.Margin)
		s.flag("multi-class", &v.MultiClass)
		s.axis(&v.Axis)
		return v
	case "kl":
		v := KL{}
		s.positive("temperature", &v.Temperature)
		s.flag("probabilities", &v.Probabilities)
		s.axis(&v.Axis)
		return v
	}
	return nil
}

func (s *settings) axis(axis *int) {
	var v int64
	if s.whole("axis", &v, math.MinInt32) {
		if *axis = int(v); v == 0 {
			s.fail("axis", "0", "another axis than that of the batch")
		}
	}
}

func (s *settings) ignored() *int64 {
	var v int64
	if s.whole("ignore", &v, math.MinInt64) {
		return &v
	}
	return nil
}
