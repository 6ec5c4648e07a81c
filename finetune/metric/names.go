package metric

import "strings"

// Names of the figures in the maps of results. Top-k accuracies are named "top5_accuracy" for k = 5.
const (
	Accuracy         = "accuracy"
	BalancedAccuracy = "balanced_accuracy"
	SubsetAccuracy   = "subset_accuracy"
	HammingLoss      = "hamming_loss"
	MacroPrecision   = "macro_precision"
	MacroRecall      = "macro_recall"
	MacroF1          = "macro_f1"
	MicroF1          = "micro_f1"
	WeightedF1       = "weighted_f1"
	AUC              = "roc_auc"
	AP               = "average_precision"
	LogLoss          = "log_loss"
	Brier            = "brier"
	CalibrationError = "calibration_error"
	MAE              = "mae"
	MSE              = "mse"
	RMSE             = "rmse"
	R2               = "r2"
	MaxError         = "max_error"
	Pearson          = "pearson_r"
)

// largerBetter says for each name whether larger values are better.
var largerBetter = map[string]bool{
	Accuracy: true, BalancedAccuracy: true, SubsetAccuracy: true, HammingLoss: false,
	MacroPrecision: true, MacroRecall: true, MacroF1: true, MicroF1: true, WeightedF1: true,
	AUC: true, AP: true, LogLoss: false, Brier: false, CalibrationError: false,
	MAE: false, MSE: false, RMSE: false, R2: true, MaxError: false, Pearson: true,
}

// LargerIsBetter says which way a figure improves; known is false for a name that no result has.
func LargerIsBetter(name string) (better, known bool) {
	if k, ok := strings.CutPrefix(name, "top"); ok {
		if k, ok := strings.CutSuffix(k, "_accuracy"); ok && k != "" && strings.Trim(k, "0123456789") == "" {
			return true, true
		}
	}
	better, known = largerBetter[name]
	return better, known
}
