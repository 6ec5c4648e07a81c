package metric

import (
	"encoding/json"
	"math"
	"strconv"
)

// A Value is a figure of a result. Values that are not finite are null in JSON, which has no word for them.
type Value float64

// Undefined returns the value of a figure that has none.
func Undefined() Value { return Value(math.NaN()) }

// Defined reports whether the value is finite.
func (v Value) Defined() bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// MarshalJSON writes the shortest decimal that reads back as the same value, or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Defined() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(v), 'g', -1, 64), nil
}

// UnmarshalJSON reads a number; null becomes NaN.
func (v *Value) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*v = Undefined()
		return nil
	}
	return json.Unmarshal(text, (*float64)(v))
}

// ratio is a/b, and 0 where b is 0, as scikit-learn's zero_division has it.
func ratio(a, b float64) Value {
	if b == 0 {
		return 0
	}
	return Value(a / b)
}

// mean is sum/n, undefined where n is 0.
func mean(sum float64, n int64) Value {
	if n == 0 {
		return Undefined()
	}
	return Value(sum / float64(n))
}

// meanDefined averages the values that are defined.
func meanDefined(values []Value) Value {
	sum, n := 0.0, int64(0)
	for _, v := range values {
		if v.Defined() {
			sum += float64(v)
			n++
		}
	}
	return mean(sum, n)
}

// defined drops the entries of a map that JSON cannot hold.
func defined(all map[string]Value) map[string]float64 {
	m := make(map[string]float64, len(all))
	for name, v := range all {
		if v.Defined() {
			m[name] = float64(v)
		}
	}
	return m
}
