// Package ops is the operator table: every operator that this project implements, with its shape function,
// its kernel and its gradient. A row of a table file (table_*.go) names the functions; the functions stand in
// the file of the operator's family, in the order: what the operator means and how its versions differ,
// shape function, kernel, gradient.
//
// The package imports kernels (internal/kernel/...), onnx and tensor. It knows no graph: what a row function
// needs of its node it gets through InferCtx, KernelCtx or GradCtx. Functions reach other operators only
// through these, never through the table.
package ops
