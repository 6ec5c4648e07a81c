// Package schema knows the interface of every operator: inputs, outputs,
// attributes with defaults, type constraints, and function bodies, for every
// version of every operator of ONNX 1.23, and for the com.microsoft and
// internal operators that this module implements.
//
// The tables hold each operator as a compact text (see parse.go) that is parsed
// when the operator is first asked for, so that a program that merely links
// the package pays nothing at its start.
//
// zonnx.go and zfunctions.go are written by `make schema`, which needs Python
// with the package onnx in the version that _gen/gen.py names.
//
// The package is a leaf: it imports only the standard library.
package schema
