// Package metric measures predictions against what was to be predicted. Classification, MultiLabel and Regression take batches
// as they come and keep no sample but the scores that rankings need; their results do not depend on the sizes of batches.
// Averages and zero divisions follow scikit-learn, whose figures the tests hold.
//
// A figure that is not defined (no sample, one class only, NaN among the scores) is NaN in Go, null in JSON and absent from
// the maps of results.
//
// It imports the standard library and gonum's stat and integrate.
package metric
