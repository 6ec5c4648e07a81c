package schema

import (
	"compress/flate"
	"encoding/base64"
	"io"
	"strings"
	"sync"
)

// function places the body of one operator version in the unpacked bytes.
type function struct {
	domain, name string
	since        int
	opset        int // of the operators in the body
	start, end   int
}

// functionBytes unpacks the function bodies once.
var functionBytes = sync.OnceValue(func() []byte {
	data := make([]byte, functionsSize)
	packed := base64.NewDecoder(base64.StdEncoding, strings.NewReader(functionsPacked))
	if _, err := io.ReadFull(flate.NewReader(packed), data); err != nil {
		return nil
	}
	return data
})

// Function returns the function body of s for models of an operator set: a
// serialised ONNX FunctionProto, the newest one not above opset. It is nil when
// the operator has none or when its body depends on the node (see
// ContextFunction). Attributes that a node leaves out have the defaults of the
// schema. The bytes are shared and must not be changed.
func (s *Schema) Function(opset int) []byte {
	var best *function
	for i := range functions {
		f := &functions[i]
		if f.since == s.Since && f.opset <= opset && f.name == s.Name && f.domain == s.Domain {
			best = f
		}
	}
	if best == nil {
		return nil
	}
	data := functionBytes()
	if best.end > len(data) {
		return nil
	}
	return data[best.start:best.end:best.end]
}

// HasFunction reports whether Function returns a body for some operator set.
func (s *Schema) HasFunction() bool { return s.Function(Unlimited) != nil }
