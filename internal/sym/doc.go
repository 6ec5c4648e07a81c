// Package sym holds symbolic integer expressions for tensor dimensions, such as
// batch, past+seq or floor((h+1)/2).
//
// An Expr is immutable and kept in a canonical form: a polynomial with int64
// coefficients whose variables are symbols or opaque functions (floor division,
// max, min) of other expressions. Equality of canonical forms proves equality
// of values; the reverse need not hold for expressions that contain opaque
// functions.
//
// Symbols stand for dimensions: they are assumed to be non-negative, and a
// divisor is assumed not to be zero, so 2*n*k divided by 2*k is n. A result
// that does not fit in int64, a division by the constant zero, and an
// expression that grows beyond fixed limits give an invalid Expr (see
// Expr.Err), which every operation passes on and every evaluation reports.
//
// A Program evaluates many expressions at once without allocating.
//
// The package imports only the standard library, nothing of this module.
package sym
