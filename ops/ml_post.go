package ops

import (
	"fmt"
	"math"
)

// mlPost is a post_transform: what is done to the scores of a sample before they are put out.
type mlPost uint8

// The post transforms. SoftmaxZero leaves scores of zero out of the softmax.
const (
	postNone mlPost = iota
	postSoftmax
	postLogistic
	postSoftmaxZero
	postProbit
)

// mlPostOf reads the attribute post_transform.
func mlPostOf(a Attrs) (mlPost, error) {
	switch s := a.Str("post_transform"); s {
	case "NONE", "":
		return postNone, nil
	case "SOFTMAX":
		return postSoftmax, nil
	case "LOGISTIC":
		return postLogistic, nil
	case "SOFTMAX_ZERO":
		return postSoftmaxZero, nil
	case "PROBIT":
		return postProbit, nil
	default:
		return 0, fmt.Errorf("ops: post_transform is %q", s)
	}
}

// mlApplyPost transforms the scores of one sample in place.
func mlApplyPost[T float32 | float64](p mlPost, s []T) {
	switch p {
	case postLogistic:
		for i, v := range s {
			s[i] = mlLogistic(v)
		}
	case postProbit:
		for i, v := range s {
			s[i] = mlProbit(v)
		}
	case postSoftmax:
		mlSoftmax(s)
	case postSoftmaxZero:
		mlSoftmaxZero(s)
	}
}

func mlLogistic[T float32 | float64](v T) T { return T(sigmoid(float64(v))) }

// mlProbit is the quantile function of the normal distribution, by Winitzki's closed form of the inverse error
// function with the constants that other runtimes use.
func mlProbit[T float32 | float64](p T) T {
	x := 2*float32(p) - 1
	l := math.Log(float64((1 - x) * (1 + x)))
	v := 2/(3.14159*0.147) + 0.5*l
	return T(math.Sqrt2 * math.Copysign(math.Sqrt(math.Sqrt(v*v-l/0.147)-v), float64(x)))
}

func mlSoftmax[T float32 | float64](s []T) {
	m := math.Inf(-1)
	for _, v := range s {
		m = max(m, float64(v))
	}
	sum := T(0)
	for i, v := range s {
		s[i] = T(math.Exp(float64(v) - m))
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
}

func mlSoftmaxZero[T float32 | float64](s []T) {
	m := math.Inf(-1)
	for _, v := range s {
		m = max(m, float64(v))
	}
	sum := T(0)
	for i, v := range s {
		if v > 1e-7 || v < -1e-7 {
			s[i] = T(math.Exp(float64(v) - m))
			sum += s[i]
		} else {
			s[i] = v * T(math.Exp(-m))
		}
	}
	for i := range s {
		s[i] /= sum
	}
}

// How a single score s of a two-class model becomes two.
const (
	pairNone     = iota // it does not
	pairProb            // 1-s, s
	pairMargin          // -s, s, or their logistic values
	pairNegative        // like pairMargin, where the first class won
)

// mlPairScores writes the two scores of a two-class model that has computed one score v.
func mlPairScores[T float32 | float64](p mlPost, v T, pair int) (a, b T) {
	switch {
	case p == postProbit:
		return mlProbit(v), 0
	case pair == pairNone:
		return v, 0
	case p == postLogistic:
		return mlLogistic(-v), mlLogistic(v)
	case pair == pairProb:
		return 1 - v, v
	}
	return -v, v
}
