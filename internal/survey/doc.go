// Package survey describes models: inputs and outputs, operators, parameters, multiply-adds, inferred types,
// findings, and everything in them that is not supported here.
//
// It imports runtime and what runtime imports.
package survey
