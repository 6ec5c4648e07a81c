package schema

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTables parses every row and checks the order that Versions relies on.
func TestTables(t *testing.T) {
	for _, table := range tables() {
		for i := range table {
			op := &table[i]
			if i > 0 && cmp.Or(cmp.Compare(table[i-1].domain, op.domain), cmp.Compare(table[i-1].name, op.name)) >= 0 {
				t.Errorf("%s %s does not stand after %s", op.domain, op.name, table[i-1].name)
			}
			list, err := parseOperator(op.domain, op.name, op.text)
			if err != nil {
				t.Error(err)
				continue
			}
			for j, s := range list {
				if j > 0 && list[j-1].Since >= s.Since || s.Since < 1 || s.Since > LatestOpset(s.Domain) {
					t.Errorf("%s %s: version %d is out of order", op.domain, op.name, s.Since)
				}
				checkSchema(t, s)
			}
		}
	}
}

func checkSchema(t *testing.T, s *Schema) {
	t.Helper()
	for _, list := range [][]Param{s.Inputs, s.Outputs} {
		for i, p := range list {
			if s.Allowed(p.TypeStr).Empty() {
				t.Errorf("%s-%d: parameter %s has the type %s, which is not known", s.Name, s.Since, p.Name, p.TypeStr)
			}
			if p.Option == Variadic && i != len(list)-1 {
				t.Errorf("%s-%d: parameter %s is variadic and not the last", s.Name, s.Since, p.Name)
			}
		}
	}
	if !slices.IsSortedFunc(s.Attributes, func(a, b Attribute) int { return cmp.Compare(a.Name, b.Name) }) {
		t.Errorf("%s-%d: attributes are not sorted", s.Name, s.Since)
	}
	for _, a := range s.Attributes {
		if a.Required && a.Default != nil || s.Attribute(a.Name).Name != a.Name {
			t.Errorf("%s-%d: attribute %s is required and has a default", s.Name, s.Since, a.Name)
		}
	}
}

// TestOperatorsCSV compares with the list of operators that comes with the
// conformance data, which was made from ONNX by other means.
func TestOperatorsCSV(t *testing.T) {
	f, err := os.Open("../../testdata/conformance/operators.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	pairs := 0
	for _, row := range rows[1:] {
		get := func(name string) string { return row[column[name]] }
		list := Versions(get("domain"), get("op"))
		var since []string
		functions := false
		for _, s := range list {
			since = append(since, strconv.Itoa(s.Since))
			functions = functions || s.HasFunction() || s.ContextFunction
		}
		pairs += len(list)
		if got := strings.Join(since, " "); got != get("since_versions") {
			t.Errorf("%s has the versions %s, want %s", get("op"), got, get("since_versions"))
			continue
		}
		last := list[len(list)-1]
		if functions != (get("function_body") == "1") {
			t.Errorf("%s: function %v, want %s", get("op"), functions, get("function_body"))
		}
		for _, check := range [][3]string{
			{"deprecated", map[bool]string{true: "1", false: "0"}[last.Deprecated], get("deprecated")},
			{"inputs", bounds(last.MinInputs, last.MaxInputs), get("inputs")},
			{"outputs", bounds(last.MinOutputs, last.MaxOutputs), get("outputs")},
			{"attributes", attributeNames(last), get("attributes")},
			{"type constraints", constraintText(last), sortedConstraints(get("type_constraints"))},
			{"experimental", map[bool]string{true: "EXPERIMENTAL", false: "COMMON"}[last.Experimental], get("support")},
		} {
			if check[1] != check[2] {
				t.Errorf("%s: %s %q, want %q", last.Name, check[0], check[1], check[2])
			}
		}
	}
	if len(onnxOperators) != len(rows)-1 || len(onnxOperators) != 227 || pairs != 659 {
		t.Errorf("%d operators with %d versions, want %d with 659", len(onnxOperators), pairs, len(rows)-1)
	}
}

func bounds(least, most int) string {
	if most == Unlimited {
		return fmt.Sprintf("%d..N", least)
	}
	return fmt.Sprintf("%d..%d", least, most)
}

func attributeNames(s *Schema) string {
	var names []string
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}

// constraintText writes constraints as operators.csv does: tensor types by
// their element only.
func constraintText(s *Schema) string {
	var list []string
	for _, c := range s.Constraints {
		names := c.Allowed.Names()
		for i, name := range names {
			if inner, ok := strings.CutPrefix(name, "tensor("); ok {
				names[i] = strings.TrimSuffix(inner, ")")
			}
		}
		slices.Sort(names)
		list = append(list, c.Param+"="+strings.Join(names, "|"))
	}
	return strings.Join(list, "; ")
}

// sortedConstraints brings the two spellings of map types to one.
func sortedConstraints(text string) string {
	if text == "" {
		return ""
	}
	list := strings.Split(text, "; ")
	for i, c := range list {
		param, types, _ := strings.Cut(c, "=")
		names := strings.Split(types, "|")
		for j, name := range names {
			if strings.Contains(name, "map(") {
				name = strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), "tensor(", "")
				at := strings.Index(name, ",") + 1
				end := at + strings.IndexByte(name[at:], ')')
				names[j] = name[:at] + "tensor(" + name[at:end] + ")" + name[end:]
			}
		}
		slices.Sort(names)
		list[i] = param + "=" + strings.Join(slices.Compact(names), "|")
	}
	return strings.Join(list, "; ")
}

func TestLookup(t *testing.T) {
	for _, tc := range []struct {
		domain, name string
		opset, since int
	}{
		{"", "Add", 5, 1}, {"", "Add", 6, 6}, {"ai.onnx", "Add", 12, 7}, {"", "Add", 13, 13}, {"", "Add", 28, 14},
		{"", "LayerNormalization", 16, 0}, {"", "LayerNormalization", 17, 17},
		{"", "Abs", 28, 13}, {"", "Xor", 28, 7}, {"", "Upsample", 10, 10}, {"", "NoSuchOperator", 28, 0},
		{ML, "ZipMap", 3, 1}, {ML, "Add", 3, 0}, {PreviewTraining, "Adam", 1, 1}, {Preview, "FlexAttention", 1, 1},
		{Microsoft, "MatMulNBits", 1, 1}, {Microsoft, "FusedConv", 1, 1}, {Internal, "FusedMatMul", 1, 1},
		{"", "SimplifiedLayerNormalization", 17, 1}, {"other", "Add", 28, 0},
	} {
		s := Lookup(tc.domain, tc.name, tc.opset)
		if s == nil && tc.since != 0 || s != nil && (s.Since != tc.since || s.Name != tc.name) {
			t.Errorf("Lookup(%q, %q, %d) = %+v, want since %d", tc.domain, tc.name, tc.opset, s, tc.since)
		}
	}
	if s := Lookup("", "Upsample", 10); s == nil || !s.Deprecated {
		t.Error("Upsample should be deprecated in operator set 10")
	}
	if got := LatestOpset("ai.onnx"); got != 28 || LatestOpset(ML) != 5 || LatestOpset("other") != 0 {
		t.Errorf("newest operator set is %d, want 28", got)
	}
	for _, d := range Domains() {
		if LatestOpset(d) == 0 {
			t.Errorf("domain %q has no operator set", d)
		}
	}
}

func TestSchemaContents(t *testing.T) {
	conv := Lookup("", "Conv", 22)
	if conv.MinInputs != 2 || conv.MaxInputs != 3 || conv.Inputs[2].Option != Optional || !conv.Inputs[1].Differentiable || !conv.HasInference {
		t.Errorf("Conv: %+v", conv)
	}
	if conv.Attribute("group").Default != int64(1) || conv.Attribute("auto_pad").Default != "NOTSET" || conv.Attribute("pads").Default != nil {
		t.Errorf("Conv attributes: %+v", conv.Attributes)
	}
	if got := Lookup("", "LeakyRelu", 16).Attribute("alpha").Default; got != float32(0.01) {
		t.Errorf("LeakyRelu alpha: %v", got)
	}
	if got := Lookup("", "MeanVarianceNormalization", 13).Attribute("axes").Default; !slices.Equal(got.([]int64), []int64{0, 2, 3}) {
		t.Errorf("MeanVarianceNormalization axes: %v", got)
	}
	if got := Lookup("", "RNN", 14).Attribute("activations").Default; !slices.Equal(got.([]string), []string{"Tanh", "Tanh"}) {
		t.Errorf("RNN activations: %v", got)
	}
	if loop := Lookup("", "Loop", 16); loop.MinInputs != 2 || loop.MaxInputs != Unlimited || loop.Input(7).Name != "v_initial" || loop.Input(7).Homogeneous || !loop.Attribute("body").Required {
		t.Errorf("Loop: %+v", loop)
	}
	if loop := Lookup("", "Loop", 16); !loop.Allowed("V").OptionalSeq.Has(1) || loop.Allowed("V").Sparse != 0 {
		t.Errorf("Loop types: %s", loop.Allowed("V"))
	}
	if conv.Input(3) != nil || conv.Output(0).Name != "Y" || conv.Input(-1) != nil {
		t.Error("Input or Output is wrong")
	}
	zip := Lookup(ML, "ZipMap", 1).Allowed("T")
	if want := (Types{SeqMapInt64: 2, SeqMapString: 2}); zip != want {
		t.Errorf("ZipMap: %s", zip)
	}
	if got := Lookup("", "Shape", 1).Allowed("tensor(int64)"); got != (Types{Tensor: 1 << 7}) {
		t.Errorf("tensor(int64) = %s", got)
	}
}

func TestFunctions(t *testing.T) {
	bodies := 0
	for s := range All() {
		last := ""
		for opset := s.Since; opset <= LatestOpset(s.Domain); opset++ {
			// Field 1 of a FunctionProto is its name.
			body := s.Function(opset)
			if body != nil && (body[0] != 0x0a || string(body[2:2+int(body[1])]) != s.Name) {
				t.Fatalf("%s-%d: the body starts with %q", s.Name, s.Since, body[:min(len(body), 30)])
			}
			if string(body) != last {
				bodies++
			}
			last = string(body)
		}
	}
	if bodies != len(functions) || bodies != 43 {
		t.Errorf("%d bodies are reachable, want %d", bodies, len(functions))
	}
	if Lookup("", "Softplus", 13).Function(13) != nil || Lookup("", "Softplus", 18).Function(18) == nil {
		t.Error("the body of Softplus needs operator set 18")
	}
	if s := Lookup("", "Clip", 13); !s.ContextFunction || s.HasFunction() {
		t.Error("Clip has a body that depends on the node only")
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{
		"", "x||||", "1|X|||", "1|X:T*||||", "1|X:T*x|||", "1|||a:q|", "1|||a:i=x|", "1|||a:t=1|", "1||||T:9999", "1||||T:floot",
		"1|||a:s=%4|", "1|||a:S=%zz|", "1|||a:I=1,x|", "1|||a:f=x|", "1||||T:-1",
	} {
		if _, err := parseOperator("", "X", text); err == nil {
			t.Errorf("%q parses", text)
		}
	}
	if v, err := unescape("a%20b%25"); v != "a b%" || err != nil {
		t.Errorf("unescape: %q, %v", v, err)
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		Lookup("", "LayerNormalization", 17)
	}
}

func BenchmarkParseAll(b *testing.B) {
	for b.Loop() {
		for i := range onnxOperators {
			op := &onnxOperators[i]
			if _, err := parseOperator(op.domain, op.name, op.text); err != nil {
				b.Fatal(err)
			}
		}
	}
}
