// Package optim holds the arithmetic of optimizers: one pass over a parameter, its gradient and its state.
//
// An element's result does not depend on its position, so that a parameter may be updated in pieces of any size. Outputs
// may be the same slices as the inputs they replace, but must not overlap them otherwise. All slices of a call have the
// length of the first. What is the same for all elements, such as corrections of bias, comes as coefficients that are
// worked out in float64 and rounded once.
//
// Before every step the gradient is multiplied by Scale (clipping by norm: 0 or 1 for none), the parameter w by Shrink
// (decoupled decay: 1 for none), and L2*w is added to the scaled gradient (decay as a part of the loss: 0 for none).
//
// States and averages that fall below the normal range of their type become zero. They decay towards it where a gradient stays
// zero, as in rows of a table that no batch reads, and would end as denormal numbers, each of which costs a processor some 150 cycles.
//
// Functions on []float32 work in place and have assembly variants, chosen once at start by CPU features, that give the
// bits of the plain loops; functions whose names end in Of are generic Go.
//
// optim may import internal/cpu.
package optim

import "math"

// A Number is an element type of parameters.
type Number interface{ float32 | float64 }

// factor returns what gradients are multiplied by.
func factor(scale float64) float32 {
	if scale == 0 {
		return 1
	}
	return float32(scale)
}

// leastNormal returns the least positive normal number of a type.
func leastNormal[T Number]() T {
	least := 0x1p-1022
	if _, short := any(T(0)).(float32); short {
		least = leastNormal32
	}
	return T(least)
}

const leastNormal32 = 0x1p-126

// settle returns x, or 0 if it is nearer to zero than least.
func settle[T Number](x, least T) T {
	if -least < x && x < least {
		return 0
	}
	return x
}

// root is the square root, one instruction for either type.
func root[T Number](x T) T { return T(math.Sqrt(float64(x))) }
