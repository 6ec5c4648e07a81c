// Package reduce holds kernels that gather many elements into few: reductions, arg-extremes, softmax,
// normalisation and cumulative sums.
//
// A tensor is seen as [outer, n, inner] with the middle axis reduced, or as rows of cols elements. Sums
// run in several lanes in an order that depends on the shape only, so that results do not depend on the
// number of threads.
//
// reduce may import internal/cpu, internal/par, internal/kernel/vec and tensor/num.
package reduce
