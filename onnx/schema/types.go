package schema

import (
	"fmt"
	"math/bits"
	"strings"
)

// Set is a set of element types: bit i stands for the type with the number i
// in ONNX TensorProto.DataType.
type Set uint32

// Has reports whether the element type with this number is in the set.
func (s Set) Has(dataType int) bool {
	return dataType >= 0 && dataType < 32 && s>>dataType&1 != 0
}

// Len returns the number of element types in the set.
func (s Set) Len() int { return bits.OnesCount32(uint32(s)) }

// Types is a set of value types: for each kind of value the element types.
type Types struct {
	Tensor       Set // tensor(T)
	Sparse       Set // sparse_tensor(T)
	Seq          Set // seq(tensor(T))
	Optional     Set // optional(tensor(T))
	OptionalSeq  Set // optional(seq(tensor(T)))
	MapInt64     Set // map(int64,T)
	MapString    Set // map(string,T)
	SeqMapInt64  Set // seq(map(int64,T))
	SeqMapString Set // seq(map(string,T))
}

// typeNames holds the names of the element types by number.
var typeNames = [...]string{
	"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
	"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
	"float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2", "float6e2m3", "float6e3m2",
}

// forms lists how each kind of value is written around its element type.
var forms = [...]struct {
	open, end string
	set       func(*Types) *Set
}{
	{"tensor(", ")", func(t *Types) *Set { return &t.Tensor }},
	{"sparse_tensor(", ")", func(t *Types) *Set { return &t.Sparse }},
	{"seq(tensor(", "))", func(t *Types) *Set { return &t.Seq }},
	{"optional(tensor(", "))", func(t *Types) *Set { return &t.Optional }},
	{"optional(seq(tensor(", ")))", func(t *Types) *Set { return &t.OptionalSeq }},
	{"map(int64,tensor(", "))", func(t *Types) *Set { return &t.MapInt64 }},
	{"map(string,tensor(", "))", func(t *Types) *Set { return &t.MapString }},
	{"seq(map(int64,tensor(", ")))", func(t *Types) *Set { return &t.SeqMapInt64 }},
	{"seq(map(string,tensor(", ")))", func(t *Types) *Set { return &t.SeqMapString }},
}

// Names returns the types of the set as ONNX writes them, for example
// "tensor(float)" or "seq(map(string,tensor(float)))", by kind and number.
func (t Types) Names() []string {
	var names []string
	for _, f := range forms {
		set := *f.set(&t)
		for number, name := range typeNames {
			if set.Has(number) {
				names = append(names, f.open+name+f.end)
			}
		}
	}
	return names
}

// String returns the names joined by commas.
func (t Types) String() string { return strings.Join(t.Names(), ", ") }

// Empty reports whether no type is in the set.
func (t Types) Empty() bool { return t == Types{} }

// parseTypes parses element names or full types separated by ';', such as
// "float;int64;seq(tensor(float))".
func parseTypes(text string) (Types, error) {
	var t Types
	for name := range strings.SplitSeq(text, ";") {
		if !t.add(name) {
			return t, fmt.Errorf("schema: %q is not a type", name)
		}
	}
	return t, nil
}

// add adds one type by name and reports whether the name is known.
func (t *Types) add(name string) bool {
	set, elem := &t.Tensor, name
	for _, f := range forms {
		if inner, ok := strings.CutPrefix(name, f.open); ok && strings.HasSuffix(inner, f.end) {
			set, elem = f.set(t), strings.TrimSuffix(inner, f.end)
		}
	}
	for number, known := range typeNames[1:] {
		if known == elem {
			*set |= 1 << (number + 1)
			return true
		}
	}
	return false
}
