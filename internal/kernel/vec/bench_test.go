package vec

import (
	"fmt"
	"testing"
)

func BenchmarkBroadcast(b *testing.B) {
	for _, c := range []struct{ out, a, b []int }{
		{[]int{4096, 4}, []int{4096, 4}, []int{4}},
		{[]int{4096, 4}, []int{4096, 4}, []int{4096, 1}},
		{[]int{512, 49}, []int{512, 49}, []int{512, 1}},
		{[]int{128, 768}, []int{128, 768}, []int{768}},
		{[]int{64, 1, 64, 1}, []int{64, 1, 64, 1}, []int{64, 1}},
		{[]int{10}, []int{10}, []int{10}},
		{[]int{10}, []int{10}, nil},
	} {
		x, y, z := make([]float32, size(c.a)), make([]float32, size(c.b)), make([]float32, size(c.out))
		b.Run(fmt.Sprint(c.a, c.b), func(b *testing.B) {
			for b.Loop() {
				var p Plan
				p.Plan2(c.out, c.a, c.b)
				Broadcast2(&p, z, x, y, Add, 1)
			}
			b.ReportMetric(float64(len(z))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}

func BenchmarkTiny(b *testing.B) {
	x, cond := make([]float32, 10), make([]bool, 10)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"relu", func() { Relu(x, x) }},
		{"exp", func() { Exp(x, x) }},
		{"add", func() { Add(x, x, x) }},
		{"sum", func() { Sum(x) }},
		{"where", func() { Where(x, cond, x, x) }},
		{"less", func() { Less(cond, x, x) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.run()
			}
		})
	}
}

func BenchmarkGenericLoops(b *testing.B) {
	x, cond, k, h := make([]float32, 8192), make([]bool, 8192), make([]int64, 8192), make([]int32, 8192)
	for i := range cond {
		cond[i] = i*i%7 < 3
	}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"where", func() { Where(x, cond, x, x) }},
		{"where scalar", func() { Where(x, cond, x[:1], x) }},
		{"less", func() { Less(cond, x, x) }},
		{"equal int64", func() { Equal(cond, k, k) }},
		{"add int64", func() { AddOf(k, k, k) }},
		{"int64 to int32", func() { Convert(h, k) }},
		{"float to int64", func() { Convert(k, x) }},
		{"bool to float", func() { FromBool(x, cond) }},
		{"pow 3", func() { Pow(x, x, []float32{3}) }},
		{"pow", func() { Pow(x, x, x) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.run()
			}
			b.ReportMetric(8192*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}
