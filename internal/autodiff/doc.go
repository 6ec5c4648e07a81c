// Package autodiff extends graphs by the nodes that compute gradients. It walks from the values that are
// differentiated back to those that they depend on and lets the Grad column of the operator table emit nodes of
// the same graph, so that gradients are optimised, planned and run like anything else.
//
// Gradients is the walk itself. Extend serves callers who know names: sessions and fine-tuning. Expand puts nodes
// in the place of the operator Gradient.
//
// It imports internal/graph and what that imports.
package autodiff
