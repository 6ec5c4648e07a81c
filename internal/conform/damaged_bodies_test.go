package conform_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestDamagedBodies changes names, outputs and bytes inside of the bodies of If, Loop and Scan: nothing may panic or hang, and where a body
// reads a name that is nowhere the error says which, and at which node.
func TestDamagedBodies(t *testing.T) {
	damaged, refused := 0, 0
	for seed := uint64(1); damaged < shorter(damagedRuns); seed++ {
		m := newBlockModelOf(seed, tensor.Float32)
		if m.opset < 11 || m.main.Outputs == nil || len(m.main.Inputs) != 1 {
			continue
		}
		x := m.values[0]
		if x.rank() < 3 || x.shape.Len() == 0 {
			continue
		}
		m.output(m.bodied(m.like("Tanh", "", x)))
		n := m.main.Nodes[len(m.main.Nodes)-1]
		if n.OpType != "If" && n.OpType != "Loop" && n.OpType != "Scan" {
			continue
		}
		r := rand.New(rand.NewPCG(seed, 32))
		body := n.Attributes[len(n.Attributes)-1].G
		if n.OpType == "If" {
			body = n.Attributes[r.IntN(2)].G
		}
		n.Name = "outer"
		damaged++
		did, missing, msg := damageBody(r, m, body)
		err := guarded(func() error { return useModel(msg, m.fill(-1, seed)) })
		if err == nil {
			if missing != "" {
				t.Errorf("seed %d: %s: accepted", seed, did)
			}
			continue
		}
		refused++
		if text := err.Error(); strings.Contains(text, "internal error") || strings.Contains(text, "panic") || missing != "" && (!strings.Contains(text, missing) || !strings.Contains(text, "outer")) {
			t.Errorf("seed %d: %s: %v", seed, did, err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// damageBody changes a body and returns the message of the model, and the name that is nowhere if it made one.
func damageBody(r *rand.Rand, m *blockModel, body *onnx.Graph) (did, missing string, msg []byte) {
	n := body.Nodes[r.IntN(len(body.Nodes))]
	outer := m.main.Nodes[r.IntN(len(m.main.Nodes))].Outputs[0]
	switch r.IntN(10) {
	case 0:
		if len(n.Inputs) > 0 {
			n.Inputs[0] = "nowhere"
			return n.OpType + " reads nowhere", "nowhere", m.encode()
		}
	case 1:
		n.Outputs[0] = outer
		return "output shadows " + outer, "", m.encode()
	case 2:
		if len(n.Inputs) > 0 {
			n.Inputs[0] = outer
		}
		return "input is " + outer, "", m.encode()
	case 3:
		body.Outputs = body.Outputs[:len(body.Outputs)-1]
		return "an output less", "", m.encode()
	case 4:
		body.Outputs[0].Name = "nowhere"
		return "output is nowhere", "nowhere", m.encode()
	case 5:
		body.Inputs = append(body.Inputs, &onnx.ValueInfo{Name: outer, Type: onnx.NewTensorType(tensor.Float32)})
		return "another input " + outer, "", m.encode()
	case 6:
		body.Nodes = nil
		return "no nodes", "", m.encode()
	}
	msg = m.encode()
	part := onnx.Encode(&onnx.Model{Graph: body})
	at := bytes.Index(msg, part[len(part)/2:]) - len(part)/2 // the graph's bytes, whose head may differ
	if at < 0 || at+len(part) > len(msg) {
		at = 0
	}
	msg = bytes.Clone(msg)
	for range 1 + r.IntN(4) {
		k := at + r.IntN(min(len(part), len(msg)-at))
		msg[k] ^= 1 << r.IntN(8)
		did += fmt.Sprintf("byte %d ", k)
	}
	return did, "", msg
}

// useModel opens, optimises and runs a model in memory.
func useModel(msg []byte, in values) error {
	s, err := runtime.OpenBytes(msg, &runtime.Options{MemoryLimit: 32 << 20, Threads: 2})
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := onnx.Decode(msg)
	if err != nil {
		return err
	}
	return use(s, m, in)
}
