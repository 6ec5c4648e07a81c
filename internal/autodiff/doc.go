// Package autodiff extends graphs by the nodes that compute gradients. It walks from the values that are
// differentiated back to those that they depend on and lets the Grad column of the operator table emit nodes of
// the same graph, so that gradients are optimised, planned and run like anything else.
//
// Gradients is the walk itself. Extend serves callers who know names: sessions and fine-tuning. Expand puts nodes
// in the place of the operator Gradient.
//
// Control flow is differentiated through its bodies. The gradient of an If is an If (conditional.go), that of a Loop
// or Scan a Scan that walks the rounds backwards (rounds.go, backward.go): the forward node saves the carried values
// that each round began with (restore.go), and what else the gradient of a body needs is computed once more from
// them (replay.go). So the memory of a gradient is that of the carried values of all rounds, and its time that of the
// forward run and of one gradient of each round.
//
// It imports internal/graph and what that imports.
package autodiff
