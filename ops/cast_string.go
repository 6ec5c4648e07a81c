package ops

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
	small "github.com/onnxrun/onnxrun/tensor/num"
)

// Numbers become strings in the shortest form that reads back as the same number of their type; whole numbers get
// no fraction, special values are NaN, INF and -INF. Strings are read in the same forms, case-insensitively.

func castToString(from tensor.DType) (Kernel, error) {
	format := stringFormat(from)
	if format == nil {
		return Kernel{}, Unsupported("conversion of %v to string", from)
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		z, err := c.Alloc(0, tensor.String, x.Shape()...)
		if err != nil {
			return err
		}
		format(tensor.Raw[string](z), x)
		return nil
	}}, nil
}

func stringFormat(from tensor.DType) func(dst []string, x *tensor.Tensor) {
	switch from {
	case tensor.String:
		return func(dst []string, x *tensor.Tensor) { copy(dst, x.Strings()) }
	case tensor.Uint64:
		return func(dst []string, x *tensor.Tensor) {
			for i, v := range tensor.Raw[uint64](x) {
				dst[i] = strconv.FormatUint(v, 10)
			}
		}
	case tensor.Int64:
		return func(dst []string, x *tensor.Tensor) {
			for i, v := range tensor.Raw[int64](x) {
				dst[i] = strconv.FormatInt(v, 10)
			}
		}
	}
	decode, text := castDecoder(from), numberText(from)
	if decode == nil {
		return nil
	}
	return func(dst []string, x *tensor.Tensor) {
		buf := castBuffers.Get().(*[castBlock]float64)
		defer castBuffers.Put(buf)
		for lo := 0; lo < len(dst); lo += castBlock {
			v := buf[:min(castBlock, len(dst)-lo)]
			decode(v, x, lo)
			for i, f := range v {
				dst[lo+i] = text(f)
			}
		}
	}
}

// numberText returns the function that writes numbers of type d, which float64 holds exactly.
func numberText(d tensor.DType) func(float64) string {
	switch d {
	case tensor.Float64:
		return func(f float64) string { return floatText(f, 64) }
	case tensor.Float16:
		return func(f float64) string { return floatText(f, 16) }
	case tensor.Int32, tensor.Uint32:
		return func(f float64) string { return strconv.FormatInt(int64(f), 10) }
	}
	return func(f float64) string { return floatText(f, 32) }
}

// floatText writes a number of the given size; plainly where its exponent is moderate. The bounds are those
// beyond which both ONNX Runtime and numpy write an exponent.
func floatText(f float64, bits int) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "INF"
	case math.IsInf(f, -1):
		return "-INF"
	}
	most := 1e8
	if bits == 64 {
		most = 1e16
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= most) {
		format = 'e'
	}
	if bits == 16 {
		f, bits = decimalOfHalf(f), 64
	}
	return strconv.FormatFloat(f, format, -1, bits)
}

// decimalOfHalf returns the number of fewest decimal digits that f, a number of half precision, is nearest to.
func decimalOfHalf(f float64) float64 {
	for digits := range 4 {
		v, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'e', digits, 64), 64)
		if small.ToFloat16(v) == small.ToFloat16(f) {
			return v
		}
	}
	v, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 4, 64), 64) // five digits are always enough
	return v
}

func castFromString(to tensor.DType, encode encoder) (Kernel, error) {
	var parse func(dst *tensor.Tensor, i int, s string) error
	switch {
	case to == tensor.Int64:
		parse = func(dst *tensor.Tensor, i int, s string) (err error) {
			tensor.Raw[int64](dst)[i], err = parseInt(s)
			return err
		}
	case to == tensor.Uint64:
		parse = func(dst *tensor.Tensor, i int, s string) (err error) {
			tensor.Raw[uint64](dst)[i], err = parseUint(s)
			return err
		}
	case encode == nil:
		return Kernel{}, Unsupported("conversion of string to %v", to)
	default:
		return Kernel{Run: parseBlocks(encode, to)}, nil
	}
	return Kernel{Run: func(c *Call) error {
		for i, s := range c.In[0].Strings() {
			if err := parse(c.Out[0], i, strings.TrimSpace(s)); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

// parseBlocks reads strings as floats and encodes them.
func parseBlocks(encode encoder, to tensor.DType) func(c *Call) error {
	bits := 64
	if to == tensor.Float32 {
		bits = 32
	}
	return func(c *Call) error {
		buf := castBuffers.Get().(*[castBlock]float64)
		defer castBuffers.Put(buf)
		s := c.In[0].Strings()
		for lo := 0; lo < len(s); lo += castBlock {
			x := buf[:min(castBlock, len(s)-lo)]
			for i := range x {
				v, err := strconv.ParseFloat(strings.TrimSpace(s[lo+i]), bits)
				if err != nil && !outOfRange(err) {
					return notANumber(s[lo+i])
				}
				x[i] = v
			}
			encode(c.Out[0], lo, x)
		}
		return nil
	}
}

func notANumber(s string) error {
	return fmt.Errorf("ops: the string %.40q is not a number", s)
}

func outOfRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

func parseInt(s string) (int64, error) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil || outOfRange(err) {
		return v, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, notANumber(s)
	}
	return int64(f), nil
}

func parseUint(s string) (uint64, error) {
	if v, err := strconv.ParseUint(s, 10, 64); err == nil || outOfRange(err) {
		return v, nil
	}
	v, err := parseInt(s)
	return uint64(v), err
}
