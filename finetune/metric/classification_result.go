package metric

import (
	"fmt"
	"slices"
)

// A ClassificationResult is what a Classification has found.
type ClassificationResult struct {
	Samples          int64         `json:"samples"`
	Invalid          int64         `json:"invalid,omitempty"` // samples with NaN among their scores: no class was predicted
	Accuracy         Value         `json:"accuracy"`
	TopK             map[int]Value `json:"top_k,omitempty"` // by k; among equal scores the class of lower index stands first
	BalancedAccuracy Value         `json:"balanced_accuracy"`
	Macro            Average       `json:"macro"` // over the classes that occur as truth or as prediction
	Micro            Average       `json:"micro"`
	Weighted         Average       `json:"weighted"`
	// AUC is that of class 1 for two classes, else the mean of each class against the rest, over the classes that have both;
	// AveragePrecision likewise. Both are undefined above 2^23 scores.
	AUC              Value        `json:"roc_auc"`
	AveragePrecision Value        `json:"average_precision"`
	LogLoss          Value        `json:"log_loss"`          // natural logarithm, mean
	Brier            Value        `json:"brier"`             // squared distance to the one-hot truth, halved for two classes
	CalibrationError Value        `json:"calibration_error"` // expected, over Reliability
	Classes          []ClassScore `json:"classes"`
	Confusion        [][]int64    `json:"confusion,omitempty"` // [truth][prediction], up to 1024 classes
	Reliability      []Bin        `json:"reliability"`
	ROC              *Curve       `json:"-"` // of two classes
	Worst            []Case       `json:"worst,omitempty"`
}

// Result sums up what has been added so far.
func (c *Classification) Result() *ClassificationResult {
	hits := int64(0)
	for _, h := range c.counts.Hits {
		hits += h
	}
	r := &ClassificationResult{
		Samples: c.samples, Invalid: c.invalid,
		Accuracy: mean(float64(hits), c.samples), TopK: map[int]Value{}, BalancedAccuracy: c.counts.BalancedAccuracy(),
		Macro: c.counts.Macro(false), Micro: c.counts.Micro(), Weighted: c.counts.Weighted(),
		LogLoss: mean(c.logLoss, c.samples), Brier: mean(c.brier, c.samples), CalibrationError: c.calibrate.Error(),
		Classes: make([]ClassScore, c.classes), Reliability: c.calibrate.Bins(),
		Worst: c.worst.list(),
	}
	for i, k := range c.opt.TopK {
		r.TopK[k] = mean(float64(c.top[i]), c.samples)
	}
	for _, row := range c.confusion {
		r.Confusion = append(r.Confusion, slices.Clone(row))
	}
	for k := range r.Classes {
		r.Classes[k] = c.counts.Class(k)
	}
	c.rankClasses(r)
	return r
}

func (c *Classification) rankClasses(r *ClassificationResult) {
	r.AUC, r.AveragePrecision = Undefined(), Undefined()
	if c.rank.full {
		return
	}
	if c.classes == 2 {
		curve, prevalence := c.rank.column(0)
		r.AUC, r.AveragePrecision = curve.AUC(), curve.AveragePrecision(prevalence)
		r.Classes[1].AUC, r.Classes[1].AveragePrecision = r.AUC, r.AveragePrecision
		if len(curve.FPR) > 0 {
			r.ROC = &curve
		}
		return
	}
	r.AUC, r.AveragePrecision = c.rank.classes(r.Classes)
}

// classes ranks each column against the rest and returns the means. One NaN makes them undefined.
func (r *rankings) classes(list []ClassScore) (auc, ap Value) {
	var areas, precisions []Value
	for k := range list {
		curve, prevalence := r.column(k)
		list[k].AUC, list[k].AveragePrecision = curve.AUC(), curve.AveragePrecision(prevalence)
		if !list[k].AUC.Defined() && prevalence > 0 && prevalence < 1 {
			return Undefined(), Undefined()
		}
		areas = append(areas, list[k].AUC)
		precisions = append(precisions, list[k].AveragePrecision)
	}
	return meanDefined(areas), meanDefined(precisions)
}

// Map returns the figures that are defined by name.
func (r *ClassificationResult) Map() map[string]float64 {
	all := map[string]Value{
		Accuracy: r.Accuracy, BalancedAccuracy: r.BalancedAccuracy,
		MacroPrecision: r.Macro.Precision, MacroRecall: r.Macro.Recall,
		MacroF1: r.Macro.F1, MicroF1: r.Micro.F1, WeightedF1: r.Weighted.F1,
		AUC: r.AUC, AP: r.AveragePrecision, LogLoss: r.LogLoss, Brier: r.Brier, CalibrationError: r.CalibrationError,
	}
	for k, v := range r.TopK {
		all[fmt.Sprintf("top%d_accuracy", k)] = v
	}
	return defined(all)
}
