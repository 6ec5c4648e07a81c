// Package find looks for elements by their values: those above a bound, those that are not zero, the greatest in
// order. What it finds is given as positions.
//
// It may import internal/cpu only.
package find
