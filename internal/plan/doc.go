// Package plan turns a graph into a program: nodes in order with their kernels bound, a slot for each
// value, and the sizes of everything as expressions of the symbolic dimensions. A Program is compiled once
// for a model; a Frame is the memory of one run of it, and binding a frame to a set of concrete sizes takes
// microseconds.
//
// The package imports internal/graph and what that imports. It knows no operator by name.
package plan
